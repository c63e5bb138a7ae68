import { ApiError } from '../../api/http.ts'
import { createRole, saveInlinePolicy } from '../../api/permissions.ts'
import { encryption } from '../../api/s3.ts'
import { placeOf, readPolicy, ROLE_PREFIX, rolePolicies, sourcePolicyName, trustPolicy, type Draft, type SourceDraft } from './draft.ts'

/** Makes the role of a draft with its policies; one that an earlier attempt has made is used. Gives its ARN. */
export async function makeRole(draft: Draft, region: string, account: string): Promise<string> {
  const key = draft.source.type === 'S3' ? await keyOf(draft.source.s3Uri) : undefined
  try {
    await createRole(draft.newRole, `Knowledge base ${draft.name}`, trustPolicy(account, region))
  } catch (reason) {
    if (ApiError.from(reason).code !== 'EntityAlreadyExists') throw reason
  }
  for (const [name, document] of rolePolicies(draft, region, account, key)) await saveInlinePolicy('role', draft.newRole, name, document)
  return `arn:aws:iam::${account}:role/${draft.newRole}`
}

/** Whether a role was made for a knowledge base here or in AWS's console, and may be given more to read. */
export function madeForKnowledgeBases(roleArn: string): boolean {
  return roleName(roleArn).startsWith(ROLE_PREFIX)
}

/** Lets the role read one more data source. */
export async function letRead(roleArn: string, source: SourceDraft, account: string): Promise<void> {
  const document = readPolicy(source.s3Uri, account, await keyOf(source.s3Uri))
  await saveInlinePolicy('role', roleName(roleArn), sourcePolicyName(source), document)
}

export function roleName(arn: string): string {
  return arn.slice(arn.lastIndexOf('/') + 1)
}

/** The customer's key that a bucket encrypts with; none where it has none, or that cannot be told. */
async function keyOf(uri: string): Promise<string | undefined> {
  const found = await encryption(placeOf(uri).bucket).catch(() => undefined)
  return found?.key.startsWith('arn:') ? found.key : undefined
}
