/** What a loaded model is doing, in words. */
import type { LoadedModel, Loading, Percentiles, Profile, RequestRecord } from '../api/status.ts'
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

/** `1 replica, 8 requests side by side, 4,096 tokens each, continuous batches, f16 caches` */
export function loadingText(loading: Loading): string {
  const { replicas, cores, parallel, contextPerSequence: context, staticBatches, cacheType, onePassAttention } = loading
  const parts = [
    `${replicas === 1 ? '1 replica' : `${integer(replicas)} replicas`}${cores.length > 0 ? ` on cores ${cores.join(':')}` : ''}`,
    `${integer(parallel)} requests side by side`,
    context === 0 ? 'the model’s own context each' : `${integer(context)} tokens each`,
    staticBatches
      ? `static batches of ${staticBatches.size} after ${milliseconds(staticBatches.waitMs)}, answers up to ${integer(staticBatches.maxTokens)} tokens`
      : 'continuous batches',
    `${cacheType} caches`,
    ...(onePassAttention === null ? [] : [`attention in ${onePassAttention ? 'one pass' : 'steps'}`]),
  ]
  return parts.join(', ')
}

/** What a build with GPUs does with them: `32 layers, split by layer, shares 3:1`. */
export function gpuText({ gpuLayers, gpuSplit, mainGpu, gpuShares, replicaGpus }: Loading): string {
  if (gpuLayers === 0) return 'none'
  if (replicaGpus.length > 0) return `${integer(gpuLayers)} layers, each replica on its own: ${replicaGpus.join(', ')}`
  const split = gpuSplit === 'none' ? `whole on GPU ${mainGpu}` : `split by ${gpuSplit}`
  return `${integer(gpuLayers)} layers, ${split}${gpuShares.length > 0 ? `, shares ${gpuShares.join(':')}` : ''}`
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
