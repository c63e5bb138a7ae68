import { ApiError } from '../../api/http.ts'
import { createRole, saveInlinePolicy } from '../../api/permissions.ts'
import { encryption } from '../../api/s3.ts'
import { placeOf } from '../knowledge/draft.ts'
import type { Draft } from './draft.ts'
import { rolePolicy, trustPolicy } from './request.ts'

const POLICY_NAME = 'Evaluation'

/** Makes the role of a draft with its policy; one that an earlier attempt has made is used. Gives its ARN. */
export async function makeRole(draft: Draft, region: string, account: string): Promise<string> {
  const [dataset, output] = await Promise.all([keyOf(draft.dataset), keyOf(draft.output)])
  try {
    await createRole(draft.newRole, `Evaluation ${draft.name}`, trustPolicy(account, region))
  } catch (reason) {
    if (ApiError.from(reason).code !== 'EntityAlreadyExists') throw reason
  }
  const keys = { ...(dataset ? { dataset } : {}), ...(output ? { output } : {}) }
  await saveInlinePolicy('role', draft.newRole, POLICY_NAME, rolePolicy(draft, region, account, keys))
  return `arn:aws:iam::${account}:role/${draft.newRole}`
}

/** The customer's key that a bucket encrypts with; none where it has none, or that cannot be told. */
async function keyOf(uri: string): Promise<string | undefined> {
  const found = await encryption(placeOf(uri).bucket).catch(() => undefined)
  return found?.key.startsWith('arn:') ? found.key : undefined
}
