/** How fast a job goes and when it will be over. */
import type { Progress } from '../api/jobs.ts'
import { bytes, duration } from './format.ts'

export interface Sample {
  /** Milliseconds on any steady clock. */
  atMs: number
  done: number
  total: number
}

/** Speeds are of this long: older ones say nothing of now. */
const WINDOW_MS = 10_000
/** Speeds of less are chance: what a browser was too busy to hear comes all at once. */
const LEAST_MS = 500

/** The samples with one more. A job that counts something else than before, or from its beginning, starts anew. */
export function sampled(samples: Sample[], progress: Progress | null, atMs: number): Sample[] {
  if (!progress?.total || progress.unit !== 'bytes') return []
  const { done, total } = progress
  const last = samples.at(-1)
  const goesOn = last !== undefined && last.total === total && last.done <= done
  if (!goesOn) return [{ atMs, done, total }]
  if (last.done === done) return samples
  const kept = samples.filter((one, index) => one.atMs >= atMs - WINDOW_MS || index === samples.length - 1)
  return [...kept, { atMs, done, total }]
}

/** Bytes a second over the samples; `undefined` where there is too little to tell. */
export function bytesPerSecond(samples: Sample[]): number | undefined {
  const [first, last] = [samples[0], samples.at(-1)]
  if (!first || !last || last.atMs - first.atMs < LEAST_MS) return undefined
  return ((last.done - first.done) * 1000) / (last.atMs - first.atMs)
}

/** `48 MB/s, 2 min 3 s left`; empty where it cannot be told. */
export function speedText(samples: Sample[]): string {
  const speed = bytesPerSecond(samples)
  const last = samples.at(-1)
  if (!speed || !last) return ''
  return `${bytes(speed)}/s, ${duration(Math.ceil((last.total - last.done) / speed))} left`
}
