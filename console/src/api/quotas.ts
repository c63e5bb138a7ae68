import { send, sendJson } from './http.ts'

/** What an account may ask of a model; null is no limit. */
export interface Limits {
  requestsPerMinute: number | null
  tokensPerMinute: number | null
  /** Requests at the same time. */
  running: number | null
}

/** A quota that was set. */
export interface Quota extends Limits {
  accountId: string
  /** Null: each model for which the account has none of its own. */
  modelId: string | null
  updatedAt: string
}

/** What an account used of its quota. */
export interface QuotaUse extends Limits {
  accountId: string
  modelId: string
  source: 'default' | 'account' | 'model'
  requestsLeft: number | null
  /** Below 0 where a long answer took more than there were. */
  tokensLeft: number | null
  runningNow: number
}

export interface Quotas {
  /** What the server's settings say. */
  default: Limits
  items: Quota[]
  used: QuotaUse[]
}

export function listQuotas(signal?: AbortSignal): Promise<Quotas> {
  return sendJson('/craton/v1/quotas', { signal })
}

export async function putQuota(accountId: string, modelId: string | null, limits: Limits): Promise<void> {
  await send(pathOf(accountId, modelId), { method: 'PUT', json: limits })
}

export async function resetQuota(accountId: string, modelId: string | null): Promise<void> {
  await send(pathOf(accountId, modelId), { method: 'DELETE' })
}

function pathOf(accountId: string, modelId: string | null): string {
  const model = modelId === null ? '' : `/${encodeURIComponent(modelId)}`
  return `/craton/v1/quotas/${encodeURIComponent(accountId)}${model}`
}
