import StatusIndicator from '@cloudscape-design/components/status-indicator'
import type { Shown } from './text.ts'

export function Status({ shown: { type, text } }: { shown: Shown }) {
  return <StatusIndicator type={type}>{text}</StatusIndicator>
}
