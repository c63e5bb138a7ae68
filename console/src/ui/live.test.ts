import { expect, test } from 'vitest'
import type { LoadedModel, Loading } from '../api/status.ts'
import { cachedText, cacheKept, cacheShare, doing, gpuText, loadingText, measured, profileText, stopText, times } from './live.ts'

const LOADING: Loading = {
  replicas: 1,
  cores: [],
  parallel: 8,
  queue: 64,
  contextPerSequence: 4096,
  batching: 'continuous',
  staticBatches: null,
  cacheType: 'f16',
  onePassAttention: null,
  sharedCells: 0,
  prefixCacheBytes: 0,
  prefillThreads: 0,
  decodeThreads: 0,
  gpuLayers: 0,
  gpuSplit: 'layer',
  mainGpu: 0,
  gpuShares: [],
  replicaGpus: [],
}

const MODEL: LoadedModel = {
  name: 'm',
  kind: 'text',
  memoryBytes: 1,
  profile: { name: 'default' },
  loadedWith: LOADING,
  activeSequences: 2,
  queued: 1,
  promptTokens: 0,
  cachedTokens: 0,
  cacheBytes: 0,
  cacheEntries: 0,
  occupancy: null,
  tokensPerSecond: null,
  recent: null,
}

test('what has not happened yet is a dash', () => {
  expect([cacheShare(MODEL), times(undefined), measured(null), stopText(null)]).toEqual(['–', '–', '–', '–'])
  expect(cachedText({ promptTokens: null, cachedTokens: null })).toBe('–')
  expect(cacheKept(MODEL)).toBe('nothing')
})

test('figures are told with their units', () => {
  expect(cacheShare({ promptTokens: 200, cachedTokens: 118 })).toBe('59 %')
  expect(cacheKept({ cacheBytes: 48_000_000, cacheEntries: 1 })).toBe('48 MB in 1 beginning')
  expect(times({ p50: 41.4, p95: 1200 })).toBe('41 ms, 95 % within 1.20 s')
  expect(cachedText({ promptTokens: 52, cachedTokens: 40 })).toBe('40 of 52')
  expect(measured(0)).toBe('0 ms')
})

test('a model says what it is doing, and how fast where it answered lately', () => {
  expect(doing(MODEL)).toBe('2 answering, 1 waiting')
  const zero = { p50: 0, p95: 0 }
  const recent = { windowSeconds: 300, answers: 3, tokensPerSecond: 94.32, queuedMs: zero, firstTokenMs: { p50: 41, p95: 80 } }
  expect(doing({ ...MODEL, recent })).toBe('2 answering, 1 waiting, 94.3 tokens/s, first token 41 ms')
})

test('the profile in use and why a tuned one is not', () => {
  expect(profileText({ name: 'default' })).toBe('default')
  expect(profileText({ name: 'tuned', jobId: 'j-1' })).toBe('tuned by job j-1')
  expect(profileText({ name: 'default', warning: 'Another machine.' })).toContain('Another machine.')
})

test('how models are loaded is told in words', () => {
  expect(loadingText(LOADING)).toBe('1 replica, 8 requests side by side, 4,096 tokens each, continuous batches, f16 caches')
  const staticBatches = { size: 16, waitMs: 20, maxTokens: 4 }
  const tuned: Loading = { ...LOADING, replicas: 2, cores: ['0-1', '2-3'], contextPerSequence: 0, batching: 'static', staticBatches, cacheType: 'q8_0', onePassAttention: true }
  expect(loadingText(tuned)).toBe(
    '2 replicas on cores 0-1:2-3, 8 requests side by side, the model’s own context each, static batches of 16 after 20 ms, answers up to 4 tokens, q8_0 caches, attention in one pass',
  )
})

test('what GPUs do is told where there are any', () => {
  expect(gpuText(LOADING)).toBe('none')
  expect(gpuText({ ...LOADING, gpuLayers: 99, gpuShares: [3, 1] })).toBe('99 layers, split by layer, shares 3:1')
  expect(gpuText({ ...LOADING, gpuLayers: 99, gpuSplit: 'none', mainGpu: 1 })).toBe('99 layers, whole on GPU 1')
  expect(gpuText({ ...LOADING, gpuLayers: 99, replicaGpus: [0, 1] })).toBe('99 layers, each replica on its own: 0, 1')
})

test('an answer that repeated itself is told from one that was cut', () => {
  expect(stopText('loop')).not.toBe(stopText('max_tokens'))
  expect(stopText('something_new')).toBe('something_new')
})
