import { sendJson } from './http.ts'

export interface Embeddings {
  vectors: number[][]
  /** Tokens of all texts together. */
  tokens: number
}

/** The vectors of texts, by a local name, an AWS id or an ARN. Without `dimensions` they are as long as the model or its id says. */
export async function embed(model: string, texts: string[], dimensions?: number): Promise<Embeddings> {
  const json = { model, input: texts, encoding_format: 'float', ...(dimensions === undefined ? {} : { dimensions }) }
  type Answer = { data: { embedding: number[] }[]; usage: { prompt_tokens: number } }
  const answer = await sendJson<Answer>('/v1/embeddings', { method: 'POST', json })
  return { vectors: answer.data.map(({ embedding }) => embedding), tokens: answer.usage.prompt_tokens }
}
