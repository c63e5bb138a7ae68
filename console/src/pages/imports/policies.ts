/** The policies of an import, as the wizard shows them. */
import type { NeededPolicy } from '../../api/imports.ts'
import { shell } from '../../ui/literals.ts'

export interface AccountPolicies {
  account: string
  /** What the account is to the import. */
  description: string
  policies: NeededPolicy[]
  /** Command lines that put all of them. */
  script: string
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
      script: own.map(scriptOf).join('\n'),
    }
  })
}

/** Command lines that write the policy's file and put it: a statement is added to what the key's policy says already. */
export function scriptOf({ step, title, kind, resource, document, command }: NeededPolicy): string {
  const file = /file:\/\/(\S+)/.exec(command)?.[1]
  const head = `# ${step}. ${title}\n`
  if (file === undefined) return `${head}${command}\n`
  if (kind === 'key-policy-statement') {
    const add = shell(`.Statement += [${JSON.stringify(document)}]`)
    return `${head}aws kms get-key-policy --key-id ${shell(lastOf(resource))} --policy-name default --query Policy --output text \\\n  | jq ${add} > ${file}\n${command}\n`
  }
  const write = `cat > ${file} <<'JSON'\n${JSON.stringify(document, null, 2)}\nJSON\n`
  return `${head}${write}${kind === 'trust-policy' ? newRole(lastOf(resource), file) : ''}${command}\n`
}

/** Makes the role where there is none yet. */
function newRole(name: string, trust: string): string {
  const role = `--role-name ${shell(name)}`
  return `aws iam get-role ${role} > /dev/null 2>&1 \\\n  || aws iam create-role ${role} --assume-role-policy-document file://${trust} > /dev/null\n`
}

/** What each kind is called where it stands beside what it is attached to. */
export const KINDS: Record<NeededPolicy['kind'], string> = {
  'bucket-policy': 'Bucket policy of',
  'role-policy': 'Permissions of',
  'trust-policy': 'Trust policy of',
  'key-policy-statement': 'Statement for the key policy of',
}

function roles(policies: NeededPolicy[]): string {
  const sides = new Set(policies.map(({ side }) => side))
  if (sides.size > 1) return 'Owns the checkpoint and hosts the model.'
  return sides.has('source') ? 'Model development: owns the bucket with the checkpoint.' : 'Model hosting: runs the import and serves the model.'
}

/** The console's page of what a policy is attached to; nothing where it is not known. */
export function pageOf({ kind, resource }: NeededPolicy): string | undefined {
  const name = lastOf(resource)
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

function lastOf(arn: string): string {
  return arn.slice(arn.lastIndexOf('/') + 1)
}
