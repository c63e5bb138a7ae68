import type { StatusIndicatorProps } from '@cloudscape-design/components/status-indicator'
import type { BatchDetails, BatchStatus } from '../../api/batches.ts'

/** The paths of the pages of batches. */
export const PATH = '/batches'
export const jobPath = (job: string) => `${PATH}?job=${encodeURIComponent(job)}`
export const CREATE = `${PATH}?create=1`

export const STATUSES: Record<BatchStatus, { type: StatusIndicatorProps.Type; text: string }> = {
  Submitted: { type: 'pending', text: 'Submitted' },
  Validating: { type: 'in-progress', text: 'Validating' },
  Scheduled: { type: 'pending', text: 'Scheduled' },
  InProgress: { type: 'in-progress', text: 'In progress' },
  Completed: { type: 'success', text: 'Completed' },
  PartiallyCompleted: { type: 'warning', text: 'Partially completed' },
  Failed: { type: 'error', text: 'Failed' },
  Stopping: { type: 'in-progress', text: 'Stopping' },
  Stopped: { type: 'stopped', text: 'Stopped' },
  Expired: { type: 'error', text: 'Expired' },
}

/** Whether the job will never change again. */
export function isOver(status: BatchStatus): boolean {
  return ['Completed', 'PartiallyCompleted', 'Failed', 'Stopped', 'Expired'].includes(status)
}

/** How far a batch is, of 100; nothing before its records are counted. */
export function percentOf({ processedRecordCount, totalRecordCount }: Pick<BatchDetails, 'processedRecordCount' | 'totalRecordCount'>) {
  return totalRecordCount > 0 ? Math.floor((processedRecordCount / totalRecordCount) * 100) : undefined
}

/** How many records are processed: `3 of 9`. */
export function recordsText(done: number | undefined, total: number | undefined): string {
  return total ? `${(done ?? 0).toLocaleString('en')} of ${total.toLocaleString('en')}` : '–'
}

/** The bucket and the folder of an S3 URI: `s3://b/out/abc/` → `b` and `out/abc/`. */
export function placeOf(uri: string): { bucket: string; prefix: string } {
  const rest = uri.replace(/^s3:\/\//, '')
  const slash = rest.indexOf('/')
  return slash < 0 ? { bucket: rest, prefix: '' } : { bucket: rest.slice(0, slash), prefix: rest.slice(slash + 1) }
}
