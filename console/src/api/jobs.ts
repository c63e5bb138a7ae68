import { sendJson } from './http.ts'
import type { Items } from './list.ts'

export interface Progress {
  done: number
  total: number | null
  /** `bytes` or the name of what is counted. */
  unit: string
  message: string | null
}

export interface Job {
  id: string
  kind: string
  state: 'queued' | 'running' | 'succeeded' | 'failed' | 'cancelled'
  progress: Progress | null
  attempt: number
  error: { code: string; message: string; hint: string | null } | null
  output: unknown
  /** True from the wish to cancel to the end of the job. */
  cancelRequested: boolean
  /** ISO 8601, as the other times. */
  createdAt: string
  startedAt: string | null
  endedAt: string | null
}

export function isOver(job: Job): boolean {
  return job.state === 'succeeded' || job.state === 'failed' || job.state === 'cancelled'
}

/** The model that the job has made. */
export function modelOf({ output }: Job): { name: string; imported: boolean } | undefined {
  const text = (member: string) => {
    const value = typeof output === 'object' && output !== null ? (output as Record<string, unknown>)[member] : undefined
    return typeof value === 'string' ? value : undefined
  }
  const [imported, pulled] = [text('importedModelName'), text('name')]
  if (imported !== undefined) return { name: imported, imported: true }
  return pulled === undefined ? undefined : { name: pulled, imported: false }
}

export async function listJobs(signal?: AbortSignal): Promise<Job[]> {
  const answer = await sendJson<Items<Job>>('/craton/v1/jobs', { signal })
  return answer.items
}

export function getJob(id: string, signal?: AbortSignal): Promise<Job> {
  return sendJson(`/craton/v1/jobs/${encodeURIComponent(id)}`, { signal })
}

export async function cancelJob(id: string): Promise<void> {
  await sendJson(`/craton/v1/jobs/${encodeURIComponent(id)}/cancel`, { method: 'POST' })
}

/**
 * Calls `onJob` with every change until the job is over or the returned function is called. Listens to the
 * server's event stream, and asks once a second where that stream does not come through.
 */
export function watchJob(id: string, onJob: (job: Job) => void, onError: (reason: unknown) => void): () => void {
  const stop = new AbortController()
  const events = new EventSource(`/craton/v1/jobs/${encodeURIComponent(id)}/events`)
  const receive = (event: MessageEvent<string>) => {
    const job = JSON.parse(event.data) as Job
    onJob(job)
    if (isOver(job)) events.close()
  }
  events.addEventListener('message', receive)
  events.addEventListener('error', () => {
    if (events.readyState === EventSource.CLOSED && stop.signal.aborted) return
    events.close()
    poll(id, onJob, stop.signal).catch((reason: unknown) => {
      if (!stop.signal.aborted) onError(reason)
    })
  })
  return () => {
    stop.abort()
    events.close()
  }
}

async function poll(id: string, onJob: (job: Job) => void, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const job = await getJob(id, signal)
    onJob(job)
    if (isOver(job)) return
    await new Promise((resolve) => setTimeout(resolve, 1000))
  }
}
