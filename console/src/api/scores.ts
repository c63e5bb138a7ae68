import { sendJson } from './http.ts'

/** By what log probabilities are divided before they are compared; `choices`: as if one of the texts had to follow. */
export const NORMALIZATIONS = ['none', 'tokens', 'bytes', 'choices'] as const
export type Normalization = (typeof NORMALIZATIONS)[number]

/** Continuations of a prompt as it stands, or answers to a message. */
export interface ScoreRequest {
  model: string
  prompt?: string
  system?: string
  messages?: { role: 'user'; content: string }[]
  continuations: string[]
  normalize: Normalization
  bestOnly?: boolean
  priority?: 'high' | 'low'
  deterministic?: boolean
}

/** How likely one continuation is. */
export interface Score {
  text: string
  /** Of the whole text, or of what was read of it. */
  logProbability: number
  tokens: string[]
  tokenLogProbabilities: number[]
  /** Among the given ones; absent where not all were read to their ends. */
  probability?: number
  normalizedLogProbability?: number
  /** Whether it was not read to its end, so that it can be this likely at most. */
  atMost?: boolean
}

export interface Scores {
  scores: Score[]
  /** The number of the likeliest. */
  best: number
  usage: { inputTokens: number; outputTokens: number; totalTokens: number; cacheReadInputTokens: number }
}

export function score(request: ScoreRequest): Promise<Scores> {
  return sendJson('/craton/v1/score', { method: 'POST', json: request })
}
