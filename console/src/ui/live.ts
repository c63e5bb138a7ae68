/** What a loaded model is doing, in words. */
import type { LoadedModel, Percentiles, Profile, RequestRecord } from '../api/status.ts'
import { bytes, integer, milliseconds } from './format.ts'

/** How much of all prompts came from the cache: `59 %`. */
export function cacheShare({ promptTokens, cachedTokens }: Pick<LoadedModel, 'promptTokens' | 'cachedTokens'>): string {
  return promptTokens > 0 ? `${((100 * cachedTokens) / promptTokens).toFixed(0)} %` : '–'
}

/** `48 MB in 6 beginnings` */
export function cacheKept({ cacheBytes, cacheEntries }: Pick<LoadedModel, 'cacheBytes' | 'cacheEntries'>): string {
  return cacheEntries === 0 ? 'nothing' : `${bytes(cacheBytes)} in ${integer(cacheEntries)} ${cacheEntries === 1 ? 'beginning' : 'beginnings'}`
}

/** `41 ms, 95 % within 120 ms` */
export function times(percentiles: Percentiles | undefined): string {
  return percentiles ? `${milliseconds(percentiles.p50)}, 95 % within ${milliseconds(percentiles.p95)}` : '–'
}

/** Which options a model was loaded with. */
export function profileText(profile: Profile): string {
  if (profile.warning !== undefined) return `default; the tuned one is not used: ${profile.warning}`
  return profile.name === 'tuned' ? `tuned${profile.jobId === undefined ? '' : ` by job ${profile.jobId}`}` : 'default'
}

/** `2 answering, 1 waiting, 94.3 tokens/s` */
export function doing(model: LoadedModel): string {
  const parts = [
    `${integer(model.activeSequences)} answering`,
    `${integer(model.queued)} waiting`,
    ...(model.recent ? [`${model.recent.tokensPerSecond.toFixed(1)} tokens/s`, `first token ${milliseconds(model.recent.firstTokenMs.p50)}`] : []),
  ]
  return parts.join(', ')
}

const STOPS: Record<string, string> = {
  end_turn: 'the model was done',
  max_tokens: 'cut at the most tokens',
  stop_sequence: 'a stop sequence was met',
  tool_use: 'a tool is called',
  context_full: 'the context is full',
  loop: 'it repeated itself',
}

/** Why an answer ended. */
export function stopText(reason: string | null): string {
  return reason === null ? '–' : (STOPS[reason] ?? reason)
}

/** `40 of 52` tokens of a prompt came from the cache. */
export function cachedText({ promptTokens, cachedTokens }: Pick<RequestRecord, 'promptTokens' | 'cachedTokens'>): string {
  return promptTokens === null ? '–' : `${integer(cachedTokens)} of ${integer(promptTokens)}`
}

/** A time that may not have been measured. */
export function measured(ms: number | null): string {
  return ms === null ? '–' : milliseconds(ms)
}
