import StatusIndicator from '@cloudscape-design/components/status-indicator'
import type { BatchStatus } from '../../api/batches.ts'
import { STATUSES } from './status.ts'

export function Status({ status }: { status: BatchStatus }) {
  const { type, text } = STATUSES[status]
  return <StatusIndicator type={type}>{text}</StatusIndicator>
}
