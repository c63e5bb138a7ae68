/** Evaluations in words, and where their pages are. */
import type { StatusIndicatorProps } from '@cloudscape-design/components/status-indicator'
import type { Bar, EvaluationDetails, EvaluationRow, EvaluationStatus, InferenceConfig, Interval, Kind, MetricComparison, Passport, Repeated, RepeatedSummary, Report, Section, Tokens } from '../../api/evaluations.ts'
import { duration, integer } from '../../ui/format.ts'
import { metricLabel } from './metrics.ts'

export const PATH = '/evaluations'

const path = (query: Record<string, string>) => `${PATH}?${new URLSearchParams(query)}`

export const createPath = (step: string) => path({ create: step })
/** The wizard, of a knowledge base. */
export const createForBasePath = (base: string) => path({ create: 'details', base })
export const jobPath = (job: string, tab?: string) => path({ job, ...(tab ? { tab } : {}) })
/** The records of a job, worst first in a metric; one of them opened where it is named as `record.turn`. */
export const recordsPath = (job: string, metric: string, record?: string) => path({ job, tab: 'records', metric, ...(record ? { record } : {}) })
/** Jobs beside each other, the first of which the others are compared with. */
export const comparePath = (jobs: string[]) => path({ compare: jobs.join(',') })
export const passportPath = (judge: string) => path({ judge })
/** A comparison pair by pair. */
export const pairwisePath = (comparison: string) => path({ pairwise: comparison })

export interface Shown {
  type: StatusIndicatorProps.Type
  text: string
}

export const STATUSES: Record<EvaluationStatus, Shown> = {
  InProgress: { type: 'in-progress', text: 'In progress' },
  Completed: { type: 'success', text: 'Completed' },
  Failed: { type: 'error', text: 'Failed' },
  Stopping: { type: 'in-progress', text: 'Stopping' },
  Stopped: { type: 'stopped', text: 'Stopped' },
  Deleting: { type: 'in-progress', text: 'Deleting' },
}

/** Whether the job will never change again. */
export function isOver(status: EvaluationStatus): boolean {
  return status === 'Completed' || status === 'Failed' || status === 'Stopped'
}

export const KINDS: Record<Kind, string> = {
  model: 'Model',
  'retrieve-only': 'RAG, retrieve only',
  'retrieve-and-generate': 'RAG, retrieve and generate',
}

/** What is evaluated, by a row of the list. */
export function systemsOfRow({ inferenceConfigSummary: summary = {} }: Pick<EvaluationRow, 'inferenceConfigSummary'>): { names: string[]; own: boolean } {
  const { modelConfigSummary: models = {}, ragConfigSummary: rag = {} } = summary
  const asked = [...(models.bedrockModelIdentifiers ?? []), ...(rag.bedrockKnowledgeBaseIdentifiers ?? [])]
  const own = [...(models.precomputedInferenceSourceIdentifiers ?? []), ...(rag.precomputedRagSourceIdentifiers ?? [])]
  return { names: [...asked, ...own], own: own.length > 0 }
}

export function judgesOfRow({ evaluatorModelIdentifiers = [], customMetricsEvaluatorModelIdentifiers = [] }: EvaluationRow): string[] {
  return [...new Set([...evaluatorModelIdentifiers, ...customMetricsEvaluatorModelIdentifiers])]
}

/** The judges of a job: of the built-in metrics, and of those of its own. */
export function judgesOf({ evaluationConfig: { automated } }: Pick<EvaluationDetails, 'evaluationConfig'>): string[] {
  const configs = [automated?.evaluatorModelConfig, automated?.customMetricConfig?.evaluatorModelConfig]
  return [...new Set(configs.flatMap((config) => config?.bedrockEvaluatorModels.map(({ modelIdentifier }) => modelIdentifier) ?? []))]
}

/** What a job evaluates, as names and texts. */
export function systemsOf({ models = [], ragConfigs = [] }: InferenceConfig): { label: string; value: string }[] {
  const ofModels = models.map(({ bedrockModel, precomputedInferenceSource }) =>
    bedrockModel
      ? { label: 'Generator', value: bedrockModel.modelIdentifier }
      : { label: 'Answers of', value: precomputedInferenceSource?.inferenceSourceIdentifier ?? '–' },
  )
  const ofRag = ragConfigs.flatMap(({ knowledgeBaseConfig, precomputedRagSourceConfig: own }) => {
    const { retrieveConfig: retrieve, retrieveAndGenerateConfig: generate } = knowledgeBaseConfig ?? {}
    const base = retrieve ?? generate?.knowledgeBaseConfiguration
    if (!base) return [{ label: 'Answers of', value: (own?.retrieveSourceConfig ?? own?.retrieveAndGenerateSourceConfig)?.ragSourceIdentifier ?? '–' }]
    const search = (retrieve?.knowledgeBaseRetrievalConfiguration ?? generate?.knowledgeBaseConfiguration.retrievalConfiguration)?.vectorSearchConfiguration
    return [
      { label: 'Knowledge base', value: base.knowledgeBaseId },
      ...(generate ? [{ label: 'Generator', value: generate.knowledgeBaseConfiguration.modelArn }] : []),
      { label: 'Search', value: search?.overrideSearchType === undefined ? 'by the default of the knowledge base' : search.overrideSearchType.toLowerCase() },
      { label: 'Number of results', value: search?.numberOfResults === undefined ? 'by default' : String(search.numberOfResults) },
    ]
  })
  return [...ofModels, ...ofRag]
}

/** What the generator of a knowledge base is told; nothing where it is the server's own prompt. */
export function promptOf({ ragConfigs = [] }: InferenceConfig): string | undefined {
  return ragConfigs[0]?.knowledgeBaseConfig?.retrieveAndGenerateConfig?.knowledgeBaseConfiguration.generationConfiguration?.promptTemplate?.textPromptTemplate
}

/** How much of a job is done, of 100; nothing before its datasets were read. */
export function percentOf({ total, progress }: Pick<Report, 'total' | 'progress'>): number | undefined {
  return total ? Math.min(100, Math.floor((100 * doneOf(progress)) / total)) : undefined
}

function doneOf(progress: Report['progress']): number {
  return progress.reduce((sum, { done }) => sum + done, 0)
}

/** `360 of 1,200 answers and scores, about 3 min left` */
export function progressText({ total, progress, secondsLeft }: Pick<Report, 'total' | 'progress' | 'secondsLeft'>): string {
  if (!total) return 'Reading the datasets'
  const left = secondsLeft === null ? '' : secondsLeft < 1 ? ', nearly done' : `, about ${duration(secondsLeft)} left`
  return `${integer(doneOf(progress))} of ${integer(total)} answers and scores${left}`
}

export interface MetricBar {
  dataset: string
  label: string
  done: number
  /** Nothing before the datasets were read. */
  percent: number | undefined
}

/** How far the answers and each metric are. Each dataset has as many answers as scores of each of its metrics. */
export function metricBars({ progress, total }: Pick<Report, 'progress' | 'total'>, asked: { dataset: string; metrics: string[] }[]): MetricBar[] {
  // With one dataset every metric has the same share of the whole; with several only the job knows how many records each has.
  const [only] = asked
  const each = asked.length === 1 && only && total ? total / (only.metrics.length + 1) : undefined
  return asked.flatMap(({ dataset, metrics }) =>
    [null, ...metrics].map((name) => {
      const done = progress.find((one) => one.dataset === dataset && one.metricName === name)?.done ?? 0
      return {
        dataset,
        label: name === null ? 'Answers' : metricLabel(name),
        done,
        percent: each ? Math.min(100, Math.floor((100 * done) / each)) : undefined,
      }
    }),
  )
}

export type Trust = 'uncalibrated' | 'unusable' | 'usable'

/** How far a judge can be trusted, by what the report says of it; nothing where no judge was asked. */
export function trustOf(calibration: string | null): Trust | undefined {
  if (calibration === null) return undefined
  if (calibration.startsWith('usable')) return 'usable'
  return calibration.startsWith('not usable') ? 'unusable' : 'uncalibrated'
}

export const TRUSTS: Record<Trust, Shown> = {
  uncalibrated: { type: 'warning', text: 'Judge uncalibrated' },
  unusable: { type: 'error', text: 'Judge not usable for this metric' },
  usable: { type: 'success', text: 'Judge usable' },
}

/** Of a passport whose classifier was fitted to features of an earlier version. */
export const OUTDATED: Shown = { type: 'warning', text: 'Its classifier is outdated: run the evaluation again, and calibrate the judge by the new job' }

export function trustOfPassport({ usable }: Pick<Passport, 'usable'>): Trust {
  return usable ? 'usable' : 'unusable'
}

/** `83 % of what reads passages + response (87 % is what its prompts allow)` */
export function cachedText({ reads, share, bound }: Section['card']['cachedShare'][number]): string {
  const allowed = bound === undefined ? '' : ` (its prompts allow ${Math.round(100 * bound)} %)`
  return `${Math.round(100 * share)} % of what reads ${reads}${allowed}`
}

/** `640 read (410 cached), 22 written` */
export function tokensText({ input, cached, output }: Tokens): string {
  return `${integer(input)} read (${integer(cached)} cached), ${integer(output)} written`
}

/** Money of whoever named the prices: `0.0123` */
export function moneyText(cost: number): string {
  return cost > 0 && cost < 0.0001 ? '< 0.0001' : cost.toFixed(4)
}

/** `The machine cost 0.0300: 5 min at 0.36 an hour.` */
export function machineText({ pricePerHour, seconds, cost }: NonNullable<Report['machineCost']>): string {
  return `The machine cost ${moneyText(cost)}: ${duration(Math.round(seconds))} at ${pricePerHour} an hour.`
}

/** How verdicts on a metric vary with the wording. */
export function variedText({ askings, agreeing, deviation, listedFalling }: RepeatedSummary): string {
  const parts = [
    `Asked ${askings} times: the same label in ${Math.round(100 * agreeing)} %`,
    ...(deviation === null ? [] : [`expected scores within ±${deviation.toFixed(2)}`]),
    ...(listedFalling === null ? [] : [`${withInterval(listedFalling)} more where the labels are listed from the highest down`]),
  ]
  return `${parts.join(', ')}.`
}

/** The same of one verdict. */
export function repeatedText({ askings, agreeing, deviation }: Repeated): string {
  return `the same label in ${agreeing} of ${askings} askings${deviation === null ? '' : ` (expected ±${deviation.toFixed(2)})`}`
}

/** `0.83`, or a dash. */
export function score(value: number | null | undefined): string {
  return value === null || value === undefined ? '–' : value.toFixed(2)
}

/** `0.79 to 0.87` */
export function range(interval: Interval | null): string {
  return interval ? `${signed(interval.low)} to ${signed(interval.high)}` : '–'
}

/** `0.83 (0.79 to 0.87)` */
export function withInterval(interval: Interval | null): string {
  return interval ? `${signed(interval.value)} (${range(interval)})` : '–'
}

/** With a proper minus. */
function signed(value: number): string {
  return value.toFixed(2).replace(/^-0\.00$/, '0.00').replace('-', '−')
}

/** `0.50`, or `0.1 to 0.2` of a histogram's bar. */
export function barText({ from, to }: Bar): string {
  return from === to ? from.toFixed(2) : `${from.toFixed(1)} to ${to.toFixed(1)}`
}

export interface Judged {
  type: StatusIndicatorProps.Type
  text: string
}

/** What follows of a comparison. */
export function judgementOf({ judgement }: Pick<MetricComparison, 'judgement'>, first: string, second: string): Judged {
  switch (judgement) {
    case 'the first is better':
      return { type: 'success', text: `${first} is better` }
    case 'the second is better':
      return { type: 'success', text: `${second} is better` }
    case 'same model: not a comparison':
      return { type: 'warning', text: 'Same model: not a comparison' }
    case 'not distinguishable':
      return { type: 'info', text: 'Not distinguishable' }
    case 'no records in common':
      return { type: 'stopped', text: 'No records in common' }
    default:
      return { type: 'info', text: judgement }
  }
}

/** What the instructions of a metric of one's own name, which every record must have. */
export function namedText(metric: string, variables: string[]): string {
  return `${metric} names ${variables.map((name) => `{{${name}}}`).join(', ') || 'nothing of a record'}.`
}

/** `0.032`, `< 0.001` */
export function probability(p: number | null | undefined): string {
  if (p === null || p === undefined) return '–'
  return p < 0.001 ? '< 0.001' : p.toFixed(3)
}

/** The last part of an ARN: `arn:…:evaluation-job/abc` → `abc`. */
export function shortId(id: string): string {
  return id.startsWith('arn:') ? id.slice(id.lastIndexOf('/') + 1) : id
}
