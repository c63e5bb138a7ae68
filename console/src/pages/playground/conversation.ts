import type { ConverseEvent, Message, ServedBy } from '../../api/converse.ts'
import type { ApiError } from '../../api/http.ts'

/** What was measured of one answer; times in milliseconds since the request was sent. */
export interface Figures {
  /** Tokens of the prompt, cached ones included. */
  inputTokens?: number
  /** Those of them that came from the cache, and those that were kept at cache points. */
  cachedTokens?: number
  keptTokens?: number
  outputTokens?: number
  firstTextMs?: number
  lastTextMs?: number
  stopReason?: string
}

/** A question and the answer to it. */
export interface Turn {
  id: number
  prompt: string
  modelId: string
  answer: string
  state: 'waiting' | 'streaming' | 'done' | 'stopped' | 'failed'
  figures: Figures
  servedBy?: ServedBy | undefined
  /** What the server found odd about the prompt. */
  warning?: string | undefined
  error?: ApiError
}

/** The turn after one more event, which came `atMs` after the request was sent. */
export function advance(turn: Turn, event: ConverseEvent, atMs: number): Turn {
  switch (event.type) {
    case 'start':
      return { ...turn, servedBy: event.servedBy, ...(event.warning === undefined ? {} : { warning: event.warning }) }
    case 'text': {
      const firstTextMs = turn.figures.firstTextMs ?? atMs
      const figures = { ...turn.figures, firstTextMs, lastTextMs: atMs }
      return { ...turn, state: 'streaming', answer: turn.answer + event.text, figures }
    }
    case 'stop':
      return { ...turn, figures: { ...turn.figures, stopReason: event.reason } }
    case 'metadata': {
      const { outputTokens, totalTokens, cacheReadInputTokens: cachedTokens = 0, cacheWriteInputTokens: keptTokens = 0 } = event.usage
      const inputTokens = totalTokens - outputTokens
      return { ...turn, figures: { ...turn.figures, inputTokens, outputTokens, cachedTokens, keptTokens } }
    }
  }
}

/** The messages to send: every turn that was answered, and the new prompt. */
export function messagesOf(turns: Turn[], prompt: string): Message[] {
  const answered = turns.filter((turn) => turn.state !== 'failed' && turn.answer !== '')
  const earlier = answered.flatMap((turn): Message[] => [
    { role: 'user', content: [{ text: turn.prompt }] },
    { role: 'assistant', content: [{ text: turn.answer }] },
  ])
  return [...earlier, { role: 'user', content: [{ text: prompt }] }]
}

/** The messages for the code view: with the prompt being written, or else those of the latest question. */
export function messagesToShow(turns: Turn[], draft: string): Message[] {
  const last = turns.at(-1)
  if (draft.trim() !== '' || !last) return messagesOf(turns, draft.trim() === '' ? 'Hello!' : draft)
  return messagesOf(turns.slice(0, -1), last.prompt)
}

/**
 * Tokens per second from the first text to the last, the first token not counted; `undefined` where there is too
 * little to measure.
 */
export function tokensPerSecond({ outputTokens, firstTextMs, lastTextMs }: Figures): number | undefined {
  if (outputTokens === undefined || firstTextMs === undefined || lastTextMs === undefined) return undefined
  if (outputTokens < 2 || lastTextMs <= firstTextMs) return undefined
  return ((outputTokens - 1) * 1000) / (lastTextMs - firstTextMs)
}
