import { sendJson } from './http.ts'
import type { Items } from './list.ts'

/** Milliseconds that half, and 95 %, of a sample stay within. */
export interface Percentiles {
  p50: number
  p95: number
}

/** Which options a model was loaded with. */
export interface Profile {
  name: 'default' | 'tuned'
  /** The tuning that found them. */
  jobId?: string
  /** Why tuned options are not used. */
  warning?: string
}

/** How models are loaded. */
export interface Loading {
  /** Engines that serve a model side by side. */
  replicas: number
  /** A set of cores for each, as `0-3`; empty: wherever the system likes. */
  cores: string[]
  /** Requests that each of them computes side by side. */
  parallel: number
  /** Requests of an account that may wait. */
  queue: number
  /** Tokens of each request; 0: as many as the model was trained for. */
  contextPerSequence: number
  batching: 'continuous' | 'static'
  staticBatches: { size: number; waitMs: number; maxTokens: number } | null
  cacheType: string
  /** Null: the engine chooses. */
  onePassAttention: boolean | null
  sharedCells: number
  prefixCacheBytes: number
  /** 0: all, as for the next. */
  prefillThreads: number
  decodeThreads: number
  gpuLayers: number
  gpuSplit: string
  mainGpu: number
  gpuShares: number[]
  replicaGpus: number[]
}

/** The answers of the last minutes. */
export interface RecentAnswers {
  windowSeconds: number
  answers: number
  /** Of all of them together. */
  tokensPerSecond: number
  queuedMs: Percentiles
  firstTokenMs: Percentiles
}

export interface LoadedModel {
  name: string
  kind: 'text' | 'embedding'
  memoryBytes: number
  profile: Profile
  /** What those say; null for models that embed. */
  loadedWith: Loading | null
  /** Requests being answered now. */
  activeSequences: number
  /** Requests waiting for a place. */
  queued: number
  /** Tokens of all prompts since it was loaded, and those of them that came from the cache. */
  promptTokens: number
  cachedTokens: number
  /** What is kept for prompts to begin with. */
  cacheBytes: number
  cacheEntries: number
  /** The mean number of requests that are computed together. */
  occupancy: number | null
  /** Recent speed of the whole model. */
  tokensPerSecond: number | null
  recent: RecentAnswers | null
}

export interface Status {
  version: string
  uptimeSeconds: number
  account: string
  arn: string
  region: string
  listen: string
  dataDir: string
  modelsDir: string
  engine: Record<string, string | number | boolean | null>
  /** How models are loaded where no tuning says otherwise. */
  loading: Loading
  memory: { budgetBytes: number | null; usedBytes: number; residentBytes: number }
  /** What is kept on disk of prompts; none where the settings keep nothing. */
  prefixSnapshots: { bytes: number } | null
  loaded: LoadedModel[]
  /** How many there are, and how many of them this deployment has set itself. */
  aliases: { total: number; set: number }
  recommendedModel: string | null
}

/** One answered request of the caller's account. */
export interface RequestRecord {
  requestId: string
  /** ISO 8601 */
  time: string
  service: string
  operation: string
  status: number
  errorCode: string | null
  durationMs: number
  principal: string
  /** The model that answered. */
  servedBy: string | null
  /** Which of its replicas, counted from 0, where it has several. */
  replica: number | null
  /** Tokens of the prompt; null where no model answered, as all that follow. */
  promptTokens: number | null
  cachedTokens: number | null
  outputTokens: number | null
  /** The wait for a place beside other requests. */
  queuedMs: number | null
  firstTokenMs: number | null
  stopReason: string | null
}

export function getStatus(signal?: AbortSignal): Promise<Status> {
  return sendJson('/craton/v1/status', { signal })
}

export async function listRequests(limit: number, signal?: AbortSignal): Promise<RequestRecord[]> {
  const answer = await sendJson<Items<RequestRecord>>(`/craton/v1/requests?limit=${limit}`, { signal })
  return answer.items
}
