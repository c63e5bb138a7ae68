import type { Job, Progress } from '../api/jobs.ts'
import { bytes, integer } from './format.ts'

/** 0 to 100, or `undefined` while the end is not known. */
export function percent(progress: Progress | null | undefined): number | undefined {
  if (!progress?.total) return undefined
  return Math.min(100, (100 * progress.done) / progress.total)
}

/** `42 MB of 105 MB`, or what the job says of itself. */
export function progressText(job: Job): string {
  const { progress } = job
  if (!progress) return job.state === 'queued' ? 'Waiting for its turn' : 'Starting'
  if (progress.done === 0 && !progress.total && progress.message) return progress.message.charAt(0).toUpperCase() + progress.message.slice(1)
  const count = progress.unit === 'bytes' ? bytes : (n: number) => `${integer(n)} ${progress.unit}`
  const figures = progress.total ? `${count(progress.done)} of ${count(progress.total)}` : count(progress.done)
  return progress.message ? `${figures} · ${progress.message}` : figures
}
