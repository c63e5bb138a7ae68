import { send, sendJson } from './http.ts'
import type { Items } from './list.ts'

/** What a bearer key opens. */
export type Surface = 'bedrock' | 'openai' | 'both'

export interface ApiKey {
  id: string
  name: string
  surface: Surface
  /** Whose key it is. */
  userName: string | null
  /** ISO 8601, as the other times. */
  createdAt: string
  expiresAt: string | null
  lastUsedAt: string | null
}

export interface NewApiKey extends ApiKey {
  /** Shown once. */
  key: string
}

export async function listApiKeys(signal?: AbortSignal): Promise<ApiKey[]> {
  const answer = await sendJson<Items<ApiKey>>('/craton/v1/api-keys', { signal })
  return answer.items
}

export function createApiKey(name: string, surface: Surface, expiresInDays?: number): Promise<NewApiKey> {
  const json = { name, surface, ...(expiresInDays === undefined ? {} : { expiresInDays }) }
  return sendJson('/craton/v1/api-keys', { method: 'POST', json })
}

export async function deleteApiKey(id: string): Promise<void> {
  await send(`/craton/v1/api-keys/${encodeURIComponent(id)}`, { method: 'DELETE' })
}
