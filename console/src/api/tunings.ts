import { send, sendJson } from './http.ts'
import type { Job } from './jobs.ts'
import type { Share } from './models.ts'

/** The shapes of requests that the server makes up. */
export const WORKLOADS = ['chat', 'moderation', 'judge', 'embed'] as const
export type Workload = (typeof WORKLOADS)[number]

/** How a model is loaded. */
export interface TunedSettings {
  replicas: number
  /** A set of cores for each replica, as `0-3`; empty: wherever the system likes. */
  cores: string[]
  cacheType: string
  /** Null: as the server's settings say, or the engine chooses. */
  onePassAttention: boolean | null
  /** 0: all. */
  prefillThreads: number
  /** 0: all. */
  decodeThreads: number
  parallel: number
  contextPerSequence: number
  sharedCells: number
  staticBatches: { size: number; waitMs: number; maxTokens: number } | null
  /** The model whose weights are loaded, where that is another. */
  weights: string | null
}

export interface Measured {
  seconds: number
  requests: number
  /** Requests a second. */
  throughput: number
  p50Ms: number
  p95Ms: number
  firstTokenP50Ms: number | null
  firstTokenP95Ms: number | null
  tokensPerSecond: number
  memoryBytes: number
  /** The share of the memory's speed that the weights took. */
  bandwidthShare: number | null
  /** Requests that were computed together. */
  occupancy: number | null
  underLoad: boolean
}

export interface TuningPoint {
  settings: TunedSettings
  round: number
  /** Absent where it failed. */
  measured: Measured | null
  /** The least and the greatest throughput of its passes. */
  throughputRange: [number, number]
  failed: string | null
  meets: boolean
  pareto: boolean
  /** What memory bounds, with so many requests together. */
  ceilingTokensPerSecond: number | null
  secondsPer1000: number | null
  pricePer1000: number | null
}

export interface Machine {
  cores: number
  memoryBytes: number | null
  memoryBytesPerCore: number | null
  coreBandwidthBytesPerSecond: number
  bandwidthBytesPerSecond: number
}

export interface TriedWeights {
  model: string
  file: string
  sha256: string
  format: string
  bytes: number
  labelAgreement: Share | null
}

export interface Slo {
  p50Ms: number | null
  p95Ms: number | null
  firstTokenP95Ms: number | null
}

/** What a tuning found. The first point is the default. */
export interface TuningReport {
  jobId: string
  model: string
  workload: string
  slo: Slo
  clients: number
  minutes: number
  rounds: number
  pricePerHour: number | null
  machine: Machine
  weightsBytes: number
  weights: TriedWeights[]
  decodeCeilingTokensPerSecond: number
  coreDecodeCeilingTokensPerSecond: number
  points: TuningPoint[]
  /** Index of the chosen point. */
  chosen: number
  chosenIsDefault: boolean
  met: boolean
  gain: { median: number; low: number; high: number } | null
  underLoad: boolean
  endedAt: string
}

/** The reports of a model, newest first, how it is loaded, and the tuning that goes on. */
export interface Tunings {
  items: TuningReport[]
  profile: { jobId: string; settings: TunedSettings } | null
  running: Job | null
}

export interface OwnRequest {
  prompt?: string
  messages?: { role: string; content: string }[]
  max_tokens?: number
}

export interface TuningRequest {
  slo: string
  workload?: Workload
  requests?: OwnRequest[]
  minutes: number
  clients: number
  leastContext?: number
  boundedAnswers?: number
  quantized?: boolean
  allow?: string[]
  pricePerHour?: number
}

const path = (model: string, rest: string) => `/craton/v1/models/${encodeURIComponent(model)}/${rest}`

export function listTunings(model: string, signal?: AbortSignal): Promise<Tunings> {
  return sendJson(path(model, 'tunings'), { signal })
}

export function getTuning(model: string, job: string, signal?: AbortSignal): Promise<TuningReport> {
  return sendJson(path(model, `tunings/${encodeURIComponent(job)}`), { signal })
}

export async function startTuning(model: string, json: TuningRequest): Promise<Job> {
  const answer = await sendJson<{ job: Job }>(path(model, 'tunings'), { method: 'POST', json })
  return answer.job
}

/** The model is loaded as the server's settings say again. */
export async function resetTuning(model: string): Promise<void> {
  await send(path(model, 'tuning'), { method: 'DELETE' })
}
