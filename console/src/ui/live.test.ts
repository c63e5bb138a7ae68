import { expect, test } from 'vitest'
import type { LoadedModel } from '../api/status.ts'
import { cachedText, cacheKept, cacheShare, doing, measured, profileText, stopText, times } from './live.ts'

const MODEL: LoadedModel = {
  name: 'm',
  kind: 'text',
  memoryBytes: 1,
  profile: { name: 'default' },
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

test('an answer that repeated itself is told from one that was cut', () => {
  expect(stopText('loop')).not.toBe(stopText('max_tokens'))
  expect(stopText('something_new')).toBe('something_new')
})
