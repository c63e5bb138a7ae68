import StatusIndicator, { type StatusIndicatorProps } from '@cloudscape-design/components/status-indicator'
import type { ImportStatus, Quantization } from '../../api/imports.ts'

/** The paths of the pages of imports. */
export const PATH = '/imported-models'
export const jobPath = (job: string) => `${PATH}?job=${encodeURIComponent(job)}`
export const modelPath = (model: string) => `${PATH}?model=${encodeURIComponent(model)}`
export const wizardPath = (step: string) => `${PATH}?import=${step}`

export function Status({ status }: { status: ImportStatus }) {
  const { type, text } = STATUSES[status]
  return <StatusIndicator type={type}>{text}</StatusIndicator>
}

export const STATUSES: Record<ImportStatus, { type: StatusIndicatorProps.Type; text: string }> = {
  InProgress: { type: 'in-progress', text: 'In progress' },
  Completed: { type: 'success', text: 'Completed' },
  Failed: { type: 'error', text: 'Failed' },
}

/** What the ways to keep weights are called, and what speaks for each. */
export const FORMATS: Record<Quantization, { label: string; description: string }> = {
  F16: { label: 'F16: half precision', description: 'As exact as the weights came; two bytes a parameter.' },
  Q8_0: { label: 'Q8_0: 8-bit integers (INT8)', description: 'Half the memory, nearly the same answers.' },
  Q4_K_M: { label: 'Q4_K_M: 4 to 6 bits', description: 'Less than a third of the memory, the fastest; answers differ more.' },
}
