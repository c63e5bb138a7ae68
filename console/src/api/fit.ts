import { sendJson } from './http.ts'

/** What a model would need of this machine and do on it, told before it is downloaded. */
export interface Fit {
  name: string
  /** Tokens of a request's context, and requests side by side. */
  context: number
  slots: number
  weightsBytes: number
  cacheBytes: number
  workingBytes: number
  memoryBytes: number
  availableBytes: number
  fits: boolean
  missingBytes: number
  prefillTokensPerSecond: number | null
  decodeTokensPerSecond: number | null
  /** What was measured since it is loaded, and by how much the prediction missed it (0.1: 10 %). */
  measured?: MeasuredFit | null
}

export interface MeasuredFit {
  memoryBytes: number | null
  prefillTokensPerSecond: number | null
  decodeTokensPerSecond: number | null
  errors?: Record<string, number | null>
}

export interface FitQuestion {
  context?: number
  slots?: number
  /** Whether the machine is measured anew. */
  measure?: boolean
}

export function getFit(name: string, asked: FitQuestion, signal?: AbortSignal): Promise<Fit> {
  const search = new URLSearchParams()
  for (const [key, value] of Object.entries(asked)) if (value !== undefined) search.set(key, String(value))
  const query = search.size > 0 ? `?${search}` : ''
  return sendJson(`/craton/v1/models/${encodeURIComponent(name)}/fit${query}`, { signal })
}
