/** Why something was denied, and who may do something. */
import { sendJson } from './http.ts'

/** Whose policy it is. */
export type Side = 'caller' | 'resource' | 'organization'

export interface ConsultedStatement {
  index: number
  sid: string | null
  effect: 'Allow' | 'Deny'
  matched: boolean
  /** What of it did not match. */
  why: string
  statement: unknown
}

export interface ConsultedPolicy {
  side: Side
  policyType: string
  policy: string | null
  /** What the policy as a whole says; null where no statement matches. */
  verdict: string | null
  /** Whether the caller may read its text. */
  readable: boolean
  statements: ConsultedStatement[]
}

export interface Change {
  side: Side
  policyType: string
  policy: string | null
  /** Whether the policy is there and is changed, or is to be made. */
  exists: boolean
  summary: string
  statement: unknown
  document: unknown
  /** Command lines that make the change. */
  commands: string[]
}

export interface Explanation {
  requestId: string
  time: string
  principal: string
  action: string
  resource: string
  sourceIp: string | null
  context: Record<string, string[]>
  decision: 'allowed' | 'denied'
  message: string | null
  deniedBy: { side: Side; policyType: string; policy: string | null; text: string } | null
  policies: ConsultedPolicy[]
  allowedNow: boolean
  findings: { mistake: string; text: string }[]
  changes: Change[]
  /** Whether the request was decided again with all changes and allowed. */
  proven: boolean
  alsoAllows: { count: number; items: { principal: string; action: string; resource: string }[] }
  advice: string[]
  otherSides: { side: Side; accountId: string | null; text: string; token: string | null }[]
}

export interface Who {
  principal: string
  kind: string
  through: { policyType: string; policy: string | null; sid: string | null; if: string[] }[]
  unless: string[]
}

export interface WhoCan {
  resourceFound: boolean
  resourceAccountId: string
  items: Who[]
}

/** Explains a request by its id, or opens a token that another account was given. */
export function explain(idOrToken: string, signal?: AbortSignal): Promise<Explanation> {
  return sendJson(`/craton/v1/requests/${encodeURIComponent(idOrToken)}/explanation`, { signal })
}

export function whoCan(action: string, resource: string, signal?: AbortSignal): Promise<WhoCan> {
  return sendJson(`/craton/v1/who-can?${new URLSearchParams({ action, resource }).toString()}`, { signal })
}
