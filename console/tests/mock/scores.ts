/** Scores of continuations, the shorter the likelier; and vectors of texts. */
import type { Score, Scores } from '../../src/api/scores.ts'

export function score(input: Record<string, unknown>): Scores {
  const texts = input['continuations'] as string[]
  const whole = input['bestOnly'] !== true
  const logProbabilities = texts.map((text) => -text.length / 4)
  const sum = logProbabilities.reduce((all, one) => all + Math.exp(one), 0)
  const best = logProbabilities.indexOf(Math.max(...logProbabilities))
  const scores = texts.map((text, at): Score => {
    const logProbability = logProbabilities[at] ?? 0
    return {
      text,
      logProbability,
      tokens: [text],
      tokenLogProbabilities: [logProbability],
      ...(whole ? { probability: Math.exp(logProbability) / sum } : { atMost: at !== best }),
    }
  })
  return { scores, best, usage: { inputTokens: 9, outputTokens: texts.length, totalTokens: 9 + texts.length, cacheReadInputTokens: 0 } }
}

export interface EmbeddingRequest {
  input: string[]
  dimensions?: number
}

export function embeddings({ input, dimensions = 4 }: EmbeddingRequest): object {
  const vector = (text: string) => Array.from({ length: dimensions }, (_, at) => Math.sin(text.length + at))
  return {
    object: 'list',
    data: input.map((text, index) => ({ object: 'embedding', index, embedding: vector(text) })),
    usage: { prompt_tokens: input.length, total_tokens: input.length },
  }
}
