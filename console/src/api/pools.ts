import { send, sendJson } from './http.ts'
import type { Items } from './list.ts'

/** A member of a pool and what it is doing. Only the account that set the pool is told the counts and the last error. */
export interface PoolMember {
  baseUrl: string
  model: string
  /** Whether requests carry a key; the key itself is never told. */
  hasApiKey: boolean
  weight: number
  maxInFlight: number
  region: string | null
  /** Null before the first check. */
  healthy: boolean | null
  circuit: 'closed' | 'open' | 'half-open'
  inFlight: number | null
  requests: number | null
  failures: number | null
  firstTokenMillis: number | null
  lastError: string | null
}

/** Several OpenAI-compatible servers as one model. */
export interface Pool {
  name: string
  /** Whether the caller's account set it; all accounts use it. */
  managed: boolean
  /** The most requests of an account that wait. */
  maxQueue: number
  queued: number | null
  members: PoolMember[]
}

/** A member to be set. Without `apiKey` it keeps the key that it has; an empty one removes it. */
export interface NewMember {
  baseUrl: string
  model: string
  apiKey?: string
  weight: number
  maxInFlight: number
  region?: string
}

export async function listPools(signal?: AbortSignal): Promise<Pool[]> {
  const answer = await sendJson<Items<Pool>>('/craton/v1/pools', { signal })
  return answer.items
}

export async function putPool(name: string, pool: { members: NewMember[]; maxQueue: number }): Promise<void> {
  await send(`/craton/v1/pools/${encodeURIComponent(name)}`, { method: 'PUT', json: pool })
}

export async function deletePool(name: string): Promise<void> {
  await send(`/craton/v1/pools/${encodeURIComponent(name)}`, { method: 'DELETE' })
}
