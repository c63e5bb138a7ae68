/** What the server says of a policy document before it is saved. */
import { sendJson } from './http.ts'

/** What a policy is attached to; the rules differ. */
export type PolicyType =
  | 'identity'
  | 'inline-user'
  | 'inline-group'
  | 'inline-role'
  | 'scp'
  | 'trust'
  | 'bucket'
  | 'key'
  | 'secret'

export interface Finding {
  /** Of an error the document would be refused; a warning tells of what was hardly meant. */
  severity: 'error' | 'warning'
  code: string | null
  message: string
  hint: string | null
  /** Both count from 1; null where the place is not known. */
  line: number | null
  column: number | null
}

export async function checkPolicy(type: PolicyType, policyDocument: string, signal?: AbortSignal): Promise<Finding[]> {
  const answer = await sendJson<{ findings: Finding[] }>('/craton/v1/policies/validate', {
    method: 'POST',
    json: { type, policyDocument },
    signal,
  })
  return answer.findings
}
