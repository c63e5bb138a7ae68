import { send, sendJson } from './http.ts'
import type { Items } from './list.ts'

/** An OpenAI-compatible server that answers instead of a local model. */
export interface Upstream {
  baseUrl: string
  model: string
  /** Whether requests carry a key; the key itself is never told. */
  hasApiKey: boolean
}

/** Which model answers for an AWS model id: exactly one of `local`, `upstream` and `pool` is set. */
export interface Alias {
  modelId: string
  local: string | null
  upstream: Upstream | null
  pool: string | null
  /** True while nobody has changed what Craton ships with. */
  builtIn: boolean
}

export type AliasTarget = { local: string } | { pool: string } | { upstream: { baseUrl: string; model: string; apiKey?: string } }

export async function listAliases(signal?: AbortSignal): Promise<Alias[]> {
  const answer = await sendJson<Items<Alias>>('/craton/v1/aliases', { signal })
  return answer.items
}

export async function putAlias(modelId: string, target: AliasTarget): Promise<void> {
  await send(`/craton/v1/aliases/${encodeURIComponent(modelId)}`, { method: 'PUT', json: target })
}

/** Takes a change back; a built-in alias returns to its default. */
export async function deleteAlias(modelId: string): Promise<void> {
  await send(`/craton/v1/aliases/${encodeURIComponent(modelId)}`, { method: 'DELETE' })
}
