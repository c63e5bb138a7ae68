import { describe, expect, test } from 'vitest'
import type { Progress } from '../api/jobs.ts'
import { bytesPerSecond, sampled, speedText, type Sample } from './rate.ts'

const TOTAL = 1_000_000_000

function progress(done: number, total: number | null = TOTAL): Progress {
  return { done, total, unit: 'bytes', message: null }
}

function after(...steps: [atMs: number, done: number][]): Sample[] {
  return steps.reduce<Sample[]>((samples, [atMs, done]) => sampled(samples, progress(done), atMs), [])
}

describe('rate', () => {
  test('speed and time left are those of the bytes between the first and the last sample', () => {
    const samples = after([0, 0], [1000, 40_000_000], [2000, 100_000_000])
    expect(bytesPerSecond(samples)).toBe(50_000_000)
    expect(speedText(samples)).toBe('50 MB/s, 18 s left')
  })

  test('what was long ago does not count', () => {
    const samples = after([0, 0], [60_000, 10_000_000], [61_000, 20_000_000])
    expect(bytesPerSecond(samples)).toBe(10_000_000)
  })

  test('a pause makes the speed drop', () => {
    expect(bytesPerSecond(after([0, 0], [1000, 10_000_000], [9000, 20_000_000]))).toBeCloseTo(2_222_222, 0)
  })

  test('nothing is told of one sample, or of a job that does not count bytes to an end', () => {
    expect(speedText(after([0, 5]))).toBe('')
    expect(speedText([])).toBe('')
    expect(sampled(after([0, 0], [1000, 5]), progress(0, null), 2000)).toEqual([])
    expect(sampled([], { done: 1, total: 9, unit: 'records', message: null }, 0)).toEqual([])
  })

  test('what comes all at once has no speed', () => {
    expect(bytesPerSecond(after([0, 0], [1, 300_000_000]))).toBeUndefined()
  })

  test('a job that begins again is measured again', () => {
    const samples = after([0, 0], [1000, 50_000_000], [2000, 1_000_000])
    expect(samples).toHaveLength(1)
  })
})
