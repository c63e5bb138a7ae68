/** The form of scores, and its answer as rows. */
import type { Normalization, Score, ScoreRequest, Scores } from '../../api/scores.ts'

/** What the form holds. */
export interface Draft {
  model: string
  /** Whether the texts continue a prompt as it stands, or answer a message. */
  kind: 'message' | 'prompt'
  system: string
  message: string
  prompt: string
  /** One a line; blanks at a line's beginning belong to the text. */
  lines: string
  normalize: Normalization
  bestOnly: boolean
  priority: 'normal' | 'high' | 'low'
  deterministic: boolean
}

export const INITIAL: Draft = {
  model: '',
  kind: 'message',
  system: '',
  message: '',
  prompt: '',
  lines: '',
  normalize: 'none',
  bestOnly: false,
  priority: 'normal',
  deterministic: false,
}

export const NORMALIZED: Record<Normalization, { label: string; description: string }> = {
  none: { label: 'Whole texts', description: 'The probability of each text.' },
  tokens: { label: 'By tokens', description: 'Log probabilities are divided by the number of tokens.' },
  bytes: { label: 'By bytes', description: 'Log probabilities are divided by the number of bytes.' },
  choices: { label: 'As choices', description: 'As if the model had to write one of them: no more is read than tells them apart.' },
}

/** The most texts of a request. */
const MOST = 1024

export type Faults = Partial<Record<'model' | 'message' | 'prompt' | 'lines', string>>

export function continuationsOf(lines: string): string[] {
  return lines.split('\n').filter((line) => line.trim() !== '')
}

/** What cannot be sent, by field. */
export function faults(draft: Draft): Faults {
  const texts = continuationsOf(draft.lines)
  return {
    ...(draft.model.trim() === '' ? { model: 'Choose a model' } : {}),
    ...(draft.kind === 'message' && draft.message.trim() === '' ? { message: 'What the texts are answers to' } : {}),
    ...(draft.kind === 'prompt' && draft.prompt === '' ? { prompt: 'What the texts continue' } : {}),
    ...(texts.length === 0 ? { lines: 'At least one text' } : texts.length > MOST ? { lines: `At most ${MOST.toLocaleString('en-US')} texts` } : {}),
  }
}

/** The request of a form without faults. */
export function requestOf(draft: Draft): ScoreRequest {
  const { kind, system, message, prompt, normalize, bestOnly, priority, deterministic } = draft
  const asked =
    kind === 'prompt'
      ? { prompt }
      : { messages: [{ role: 'user' as const, content: message }], ...(system.trim() === '' ? {} : { system }) }
  return {
    model: draft.model.trim(),
    ...asked,
    continuations: continuationsOf(draft.lines),
    normalize,
    ...(bestOnly ? { bestOnly } : {}),
    ...(priority === 'normal' ? {} : { priority }),
    ...(deterministic ? { deterministic } : {}),
  }
}

export interface Row extends Score {
  place: number
  isBest: boolean
}

/** The texts, the likeliest first. */
export function rowsOf({ scores, best }: Scores): Row[] {
  const compared = (score: Score) => score.normalizedLogProbability ?? score.logProbability
  return scores
    .map((score, place): Row => ({ ...score, place, isBest: place === best }))
    .sort((a, b) => Number(b.isBest) - Number(a.isBest) || compared(b) - compared(a))
}

/** `62.1 %`; a dash where not all were read to their ends. */
export function shareText(probability: number | undefined): string {
  return probability === undefined ? '–' : `${(100 * probability).toFixed(1)} %`
}

/** `-2.303`, or `≤ -2.303` of a text that was not read to its end. */
export function logText({ logProbability, atMost }: Score): string {
  return `${atMost ? '≤ ' : ''}${logProbability.toFixed(3)}`
}

/** Each token with its log probability, as `Par −0.1`. */
export function tokensText({ tokens, tokenLogProbabilities }: Score): string {
  return tokens.map((token, at) => `${JSON.stringify(token)} ${(tokenLogProbabilities[at] ?? 0).toFixed(2)}`).join('  ')
}
