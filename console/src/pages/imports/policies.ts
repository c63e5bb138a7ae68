/** The policies of an import, as the wizard shows them. */
import type { NeededPolicy } from '../../api/imports.ts'

export interface AccountPolicies {
  account: string
  /** What the account is to the import. */
  description: string
  policies: NeededPolicy[]
  commands: string
}

/** The policies by account, the source's first, each in the order of the steps. */
export function byAccount(policies: NeededPolicy[]): AccountPolicies[] {
  const sorted = [...policies].sort((a, b) => Number(a.side === 'host') - Number(b.side === 'host') || a.step - b.step)
  return [...new Set(sorted.map(({ account }) => account))].map((account) => {
    const own = sorted.filter((policy) => policy.account === account)
    return {
      account,
      description: roles(own),
      policies: own,
      commands: own.map(({ title, command }) => `# ${title}\n${command}\n`).join('\n'),
    }
  })
}

function roles(policies: NeededPolicy[]): string {
  const sides = new Set(policies.map(({ side }) => side))
  if (sides.size > 1) return 'Owns the checkpoint and hosts the model.'
  return sides.has('source') ? 'Model development: owns the bucket with the checkpoint.' : 'Model hosting: runs the import and serves the model.'
}

/** The console's page of what a policy is attached to; nothing where it is not known. */
export function pageOf({ kind, resource }: NeededPolicy): string | undefined {
  const name = resource.slice(resource.lastIndexOf('/') + 1)
  switch (kind) {
    case 'bucket-policy':
      return `/buckets?bucket=${encodeURIComponent(name.replace(/^.*:/, ''))}`
    case 'role-policy':
    case 'trust-policy':
      return `/roles?role=${encodeURIComponent(name)}`
    case 'key-policy-statement':
      return `/kms?key=${encodeURIComponent(name)}`
  }
}
