import type { Slo, TunedSettings, TuningReport } from '../../api/tunings.ts'
import { milliseconds } from '../../ui/format.ts'

/** The paths of the pages of tunings. */
export const PATH = '/tuning'
export const modelPath = (model: string) => `${PATH}?model=${encodeURIComponent(model)}`
export const startPath = (model: string) => `${modelPath(model)}&start=1`
export const jobPath = (model: string, job: string) => `${modelPath(model)}&job=${encodeURIComponent(job)}`

/** A profile in a few words. */
export function profileText(settings: TunedSettings): string {
  const threads = (count: number) => (count === 0 ? 'all' : String(count))
  const cores = settings.cores.length > 0 ? ` on cores ${settings.cores.join(':')}` : ''
  return [
    settings.replicas > 1 ? `${settings.replicas} replicas${cores}` : '',
    `threads ${threads(settings.prefillThreads)}/${threads(settings.decodeThreads)}`,
    `${settings.parallel} side by side`,
    `context ${settings.contextPerSequence}`,
    `shared ${settings.sharedCells}`,
    settings.cacheType === 'f16' ? '' : `cache ${settings.cacheType}`,
    settings.onePassAttention === null ? '' : `attention in ${settings.onePassAttention ? 'one pass' : 'steps'}`,
    settings.staticBatches ? `static batches of ${settings.staticBatches.size}, answers up to ${settings.staticBatches.maxTokens}` : '',
    settings.weights ? `weights of ${settings.weights}` : '',
  ]
    .filter(Boolean)
    .join(', ')
}

/** `p95 ≤ 300 ms, first token ≤ 80 ms` */
export function sloText(slo: Slo): string {
  const parts: [string, number | null][] = [
    ['p50', slo.p50Ms],
    ['p95', slo.p95Ms],
    ['first token p95', slo.firstTokenP95Ms],
  ]
  return parts.flatMap(([name, value]) => (value === null ? [] : [`${name} ≤ ${milliseconds(value)}`])).join(', ')
}

/** What the report chose, and why. */
export function verdict(report: TuningReport): { type: 'success' | 'info' | 'warning'; title: string; text: string } {
  const { gain } = report
  if (!report.met) {
    return {
      type: 'warning',
      title: 'No profile meets the objective',
      text: 'The model is loaded as before. Ask for less, or try fewer clients.',
    }
  }
  if (report.chosenIsDefault) {
    return { type: 'info', title: 'The default stays', text: 'Nothing was faster in every pass of the last round.' }
  }
  const times = gain ? `× ${gain.median.toFixed(2)} the default’s requests [${gain.low.toFixed(2)}, ${gain.high.toFixed(2)}]` : ''
  const chosen = report.points[report.chosen]
  return {
    type: 'success',
    title: times === '' ? 'Another profile was chosen' : `Another profile was chosen: ${times}`,
    text: chosen ? profileText(chosen.settings) : '',
  }
}

/** A number with as many digits as tell something. */
export function figure(value: number | null | undefined): string {
  if (value === null || value === undefined) return '–'
  if (value >= 1000) return Math.round(value).toLocaleString('en-US')
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2)
}

export function shareText(share: number | null): string {
  return share === null ? '–' : `${(100 * share).toFixed(0)} %`
}
