/** Endpoints in words, and where their pages are. */
import type { StatusIndicatorProps } from '@cloudscape-design/components/status-indicator'
import type { EndpointDetails, EndpointFigures, EndpointStatus, Percentiles3, VariantFigures } from '../../api/endpoints.ts'
import { milliseconds } from '../../ui/format.ts'

export const PATH = '/endpoints'

export const endpointPath = (name: string) => `${PATH}?endpoint=${encodeURIComponent(name)}`
export const deployPath = (model: string) => `${PATH}?deploy=${encodeURIComponent(model)}`
export const playgroundPath = (arn: string) => `/playground?model=${encodeURIComponent(arn)}`

interface Shown {
  type: StatusIndicatorProps.Type
  text: string
}

const STATUSES: Record<EndpointStatus, Shown> = {
  Creating: { type: 'in-progress', text: 'Creating' },
  InService: { type: 'success', text: 'In service' },
  Updating: { type: 'in-progress', text: 'Updating' },
  SystemUpdating: { type: 'in-progress', text: 'Updating' },
  RollingBack: { type: 'in-progress', text: 'Rolling back' },
  OutOfService: { type: 'stopped', text: 'Out of service' },
  Deleting: { type: 'in-progress', text: 'Deleting' },
  Failed: { type: 'error', text: 'Failed' },
  UpdateRollbackFailed: { type: 'error', text: 'Update failed' },
}

export function statusOf(status: EndpointStatus): Shown {
  return STATUSES[status] ?? { type: 'info', text: status }
}

/** Whether its state will change by itself. */
export function isMoving(status: EndpointStatus): boolean {
  return statusOf(status).type === 'in-progress'
}

/** `huggingface-llm-…` of a hub content's ARN; anything else is a name already. */
export function modelName(identifier: string): string {
  return /:hub-content\/[^/]+\/Model\/([^/]+)/.exec(identifier)?.[1] ?? identifier
}

/** The region of an ARN. */
export function regionOf(arn: string): string {
  return arn.split(':')[3] || 'us-east-1'
}

/** `41 ms, 120 ms, 340 ms`: half, 95 % and 99 % stay within. */
export function percentiles({ p50, p95, p99 }: Percentiles3): string {
  if (p50 === null || isUnknown({ p50, p95, p99 })) return '–'
  return [p50, p95, p99].map((value) => (value === null ? '–' : milliseconds(value))).join(', ')
}

/** Nothing was answered lately: the server tells zeros then. */
export function isUnknown({ p50, p99 }: Percentiles3): boolean {
  return p50 === null || (p50 === 0 && p99 === 0)
}

/** `40 %` */
export function percentText(share: number | null): string {
  return share === null ? '–' : `${(100 * share).toFixed(0)} %`
}

/** `6.4 of 8 (80 %)` places are taken. */
export function occupancy({ running, slots }: Pick<VariantFigures, 'running' | 'slots'>): string {
  return slots > 0 ? `${running} of ${slots} (${percentText(running / slots)})` : '–'
}

/** What answers, of all variants: each name once. */
export function answering(figures: EndpointFigures | undefined): string {
  const names = (figures?.variants ?? []).map((variant) => variant.servedModel ?? '')
  return [...new Set(names)].filter((name) => name !== '').join(', ') || '–'
}

/** Whether it grows and shrinks by itself: `1 to 4`; empty where it does not. */
export function scalingText({ configured }: Pick<EndpointDetails, 'configured'>): string {
  const scaling = configured.find((one) => one.ManagedInstanceScaling?.Status === 'ENABLED')?.ManagedInstanceScaling
  return scaling ? `${scaling.MinInstanceCount ?? 0} to ${scaling.MaxInstanceCount ?? 1}` : ''
}
