/** Evaluations: Bedrock's operations on the jobs, and Craton's own for their reports, records, comparisons and judges. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Bar, EvaluationRequest, HumanLabel, Interval, JobComparison, Kind, MetricSummary, RecordRow, Report, Section } from '../../src/api/evaluations.ts'
import type { Job } from '../../src/api/jobs.ts'
import { HttpError } from './api.ts'
import { arnOf, passport, type EvaluationState, type StoredJob } from './evaluationState.ts'
import { json } from './server.ts'
import type { State } from './state.ts'

const UNCALIBRATED = 'not calibrated: its agreement with people is not known'

/** Bedrock's operations on evaluations, by method and path; false for any other. */
export function evaluations({ evaluations: state }: State, request: IncomingMessage, url: URL, body: string, response: ServerResponse): boolean {
  const [resource = '', id = '', action = ''] = url.pathname.slice(1).split('/').map(decodeURIComponent)
  switch (`${request.method} ${resource}${id === 'batch-delete' ? '/batch-delete' : id === '' ? '' : '/:id'}${action === '' ? '' : `/${action}`}`) {
    case 'GET evaluation-jobs/:id':
      received(state, 'GetEvaluationJob', { id })
      // Bedrock's operation tells nothing of what Craton adds, nor of tags.
      json(response, 200, { ...jobOf(state, id).details, craton: undefined, jobTags: undefined, jobType: 'Automated' })
      return true
    case 'POST evaluation-job/:id/stop': {
      received(state, 'StopEvaluationJob', { id })
      const job = jobOf(state, id)
      if (job.details.status !== 'InProgress') throw new HttpError(400, 'ConflictException', `The evaluation job \`${job.details.jobName}\` is ${job.details.status} already.`)
      Object.assign(job.details, { status: 'Stopped' })
      Object.assign(job, { ended: '2026-05-04T10:05:00Z', secondsLeft: null })
      json(response, 202, {})
      return true
    }
    case 'POST evaluation-jobs/batch-delete': {
      const { jobIdentifiers } = JSON.parse(body) as { jobIdentifiers: string[] }
      received(state, 'BatchDeleteEvaluationJob', { jobIdentifiers })
      const errors = jobIdentifiers.filter((arn) => jobOf(state, arn).details.status === 'InProgress')
      const gone = jobIdentifiers.filter((arn) => !errors.includes(arn))
      state.jobs = state.jobs.filter(({ details }) => !gone.includes(details.jobArn))
      json(response, 202, {
        errors: errors.map((jobIdentifier) => ({ jobIdentifier, code: 'ConflictException', message: 'The evaluation job is InProgress. Stop it first.' })),
        evaluationJobs: gone.map((jobIdentifier) => ({ jobIdentifier, jobStatus: 'Deleting' })),
      })
      return true
    }
    default:
      return false
  }
}

/** `/craton/v1/evaluation-jobs/…`, `/evaluation-datasets/…`, `/pairwise-comparisons/…` and `/judges/…` */
export function ownEvaluations({ evaluations: state, jobs: works }: State, request: IncomingMessage, url: URL, body: string, response: ServerResponse): void {
  const [, , , resource = '', id = '', action = '', other = ''] = url.pathname.split('/').map(decodeURIComponent)
  if (resource === 'judges') {
    received(state, 'GetJudgePassport', { judge: id })
    return json(response, 200, { passports: state.passports.get(id) ?? [] })
  }
  if (resource === 'evaluation-datasets') {
    received(state, 'CheckEvaluationDataset', JSON.parse(body))
    return json(response, 200, state.check)
  }
  if (resource === 'pairwise-comparisons') {
    received(state, 'GetPairwiseComparison', { id })
    const work = works.get(id)
    if (!work) throw new HttpError(404, 'NotFound', `The pairwise comparison \`${id}\` could not be found.`)
    return json(response, 200, { comparisonId: id, job: work, result: work.state === 'succeeded' ? state.pairwise : null })
  }
  if (request.method === 'POST' && id === '') {
    const asked = JSON.parse(body) as EvaluationRequest
    received(state, 'CreateEvaluation', asked)
    return create(state, asked, response)
  }
  if (id === '') return list(state, url, response)
  const job = jobOf(state, id)
  switch (action) {
    case 'report': {
      const format = url.searchParams.get('format') ?? 'json'
      received(state, 'GetEvaluationReport', { id, format })
      if (format === 'progress') return json(response, 200, { ...report(state, job), results: [] })
      if (format === 'json') return json(response, 200, report(state, job))
      response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' })
      response.end(`<!doctype html><html lang="en"><head><title>${job.details.jobName}</title></head><body><h1>${job.details.jobName}</h1></body></html>`)
      return
    }
    case 'records': {
      const metric = url.searchParams.get('metric')
      received(state, 'ListEvaluationRecords', { id, metric, limit: url.searchParams.get('limit') })
      const sign = metric !== null && isWorse(metric) ? -1 : 1
      const worth = (row: RecordRow) => {
        const result = row.scores.find(({ metricName }) => metricName === metric)?.result
        return result === null || result === undefined ? Infinity : sign * result
      }
      const rows = doneRows(job)
      if (metric !== null) rows.sort((a, b) => worth(a) - worth(b) || 0)
      return json(response, 200, { rows: rows.slice(0, Number(url.searchParams.get('limit') ?? 100)) })
    }
    case 'compare': {
      const place = (name: string) => Number(url.searchParams.get(name) ?? 0)
      const [one, two] = [
        { job, dataset: place('dataset'), system: place('system') },
        { job: jobOf(state, other), dataset: place('otherDataset'), system: place('otherSystem') },
      ]
      received(state, 'CompareEvaluations', { id, other, places: [one, two].map(({ dataset, system }) => `${dataset}.${system}`) })
      return json(response, 200, compare(state, one, two))
    }
    case 'pairwise': {
      received(state, 'CompareEvaluationsPairwise', { id, other, ...(JSON.parse(body) as object) })
      const work = comparison(`job-pairs-${works.size + 1}`)
      works.set(work.id, work)
      return json(response, 202, { comparisonId: work.id, job: work, warnings: [] })
    }
    case 'calibrate': {
      const { labels } = JSON.parse(body) as { labels: HumanLabel[] }
      received(state, 'CalibrateJudge', { id, labels })
      const [first] = labels
      if (!first || labels.length < 20) throw new HttpError(400, 'Invalid', `Of the metric \`${first?.metric}\` ${labels.length} records have both a score and a label.`, 'At least 20 are needed.')
      const made = passport(first.metric, 3, true)
      const judge = job.details.evaluationConfig.automated!.evaluatorModelConfig!.bedrockEvaluatorModels[0]!.modelIdentifier
      state.passports.set(judge, [...(state.passports.get(judge) ?? []).filter(({ metricName }) => metricName !== first.metric), made])
      return json(response, 200, { passports: [made] })
    }
    default:
      throw new HttpError(404, 'NotFound', `There is no \`${action}\``)
  }
}

/** Jobs of a page. */
const PAGE = 100

function list(state: EvaluationState, url: URL, response: ServerResponse): void {
  received(state, 'ListEvaluations', Object.fromEntries(url.searchParams))
  const of = (name: string) => url.searchParams.get(name)
  const found = state.jobs.filter(({ details }) => {
    const is = (name: string, value: string | undefined) => of(name) === null || of(name) === value
    return details.jobName.includes(of('nameContains') ?? '') && is('statusEquals', details.status) && is('applicationTypeEquals', details.applicationType)
  })
  const from = Number(of('nextToken') ?? 0)
  json(response, 200, { items: found.slice(from, from + PAGE).map(summary), nextToken: from + PAGE < found.length ? String(from + PAGE) : null })
}

/** The work of a comparison that has just begun. */
function comparison(id: string): Job {
  return {
    id,
    kind: 'pairwise-comparison',
    state: 'running',
    progress: { done: 12, total: 60, unit: 'pairs', message: 'comparing the answers' },
    attempt: 1,
    error: null,
    output: null,
    cancelRequested: false,
    createdAt: '2026-05-04T10:00:00Z',
    startedAt: '2026-05-04T10:00:00Z',
    endedAt: null,
  }
}

function create(state: EvaluationState, asked: EvaluationRequest, response: ServerResponse): void {
  if (state.jobs.some(({ details }) => details.jobName === asked.jobName)) {
    throw new HttpError(409, 'Conflict', `There is an evaluation job \`${asked.jobName}\` already.`, 'Names of evaluation jobs are unique in an account and region: choose another.')
  }
  const id = `evalnew${String(state.jobs.length).padStart(5, '0')}`
  const isModel = asked.inferenceConfig.models !== undefined
  const kind: Kind = isModel ? 'model' : JSON.stringify(asked.inferenceConfig).includes('"retrieveAndGenerate') ? 'retrieve-and-generate' : 'retrieve-only'
  state.jobs.unshift({
    id,
    details: { ...asked, jobArn: arnOf(id), status: 'InProgress', applicationType: isModel ? 'ModelEvaluation' : 'RagEvaluation', creationTime: new Date().toISOString() },
    kind,
    total: null,
    done: 0,
    secondsLeft: null,
    ended: null,
    warnings: [],
    records: [],
  })
  const text = JSON.stringify(asked)
  const judge = asked.evaluationConfig.automated?.evaluatorModelConfig?.bedrockEvaluatorModels[0]?.modelIdentifier
  const itself = judge !== undefined && text.split(JSON.stringify(judge)).length > 2
  const warnings = itself ? [`The judge \`${judge}\` and the generator \`${judge}\` are the same model, \`smollm2-135m-instruct\`.`] : []
  json(response, 202, { jobArn: arnOf(id), jobId: id, warnings })
}

/** Remembers a call, and fails it where a test asks for it. */
function received(state: EvaluationState, operation: string, body: unknown): void {
  state.received.push({ operation, body })
  const failure = state.failures.get(operation)
  if (failure) throw new HttpError(failure.status, failure.code, failure.message, failure.hint)
}

function jobOf(state: EvaluationState, id: string): StoredJob {
  const found = state.jobs.find((job) => job.id === id || job.details.jobArn === id)
  if (!found) throw new HttpError(404, 'NotFound', `The evaluation job \`${id}\` could not be found.`)
  return found
}

function summary({ details, kind }: StoredJob): object {
  const { jobArn, jobName, status, creationTime, applicationType, evaluationConfig, inferenceConfig } = details
  const judge = evaluationConfig.automated?.evaluatorModelConfig?.bedrockEvaluatorModels.map(({ modelIdentifier }) => modelIdentifier)
  const { models, ragConfigs } = inferenceConfig
  const text = (values: (string | undefined)[]) => values.filter((value) => value !== undefined)
  const inferenceConfigSummary = models
    ? {
        modelConfigSummary: {
          bedrockModelIdentifiers: text(models.map(({ bedrockModel }) => bedrockModel?.modelIdentifier)),
          precomputedInferenceSourceIdentifiers: text(models.map(({ precomputedInferenceSource }) => precomputedInferenceSource?.inferenceSourceIdentifier)),
        },
      }
    : {
        ragConfigSummary: {
          bedrockKnowledgeBaseIdentifiers: text(
            (ragConfigs ?? []).map(({ knowledgeBaseConfig: base }) => base?.retrieveConfig?.knowledgeBaseId ?? base?.retrieveAndGenerateConfig?.knowledgeBaseConfiguration.knowledgeBaseId),
          ),
          precomputedRagSourceIdentifiers: text(
            (ragConfigs ?? []).map(({ precomputedRagSourceConfig: own }) => (own?.retrieveSourceConfig ?? own?.retrieveAndGenerateSourceConfig)?.ragSourceIdentifier),
          ),
        },
      }
  return { jobArn, jobName, kind, status, creationTime, jobType: 'Automated', evaluationTaskTypes: ['Custom'], applicationType, inferenceConfigSummary, ...(judge ? { evaluatorModelIdentifiers: judge } : {}) }
}

function metricsOf({ details }: StoredJob): string[] {
  return details.evaluationConfig.automated?.datasetMetricConfigs[0]?.metricNames ?? []
}

/** What is judged: all of a job that has ended. */
function doneRows({ records, done, details }: StoredJob): RecordRow[] {
  return details.status === 'InProgress' ? records.slice(0, done) : [...records]
}

function report(state: EvaluationState, job: StoredJob): Report {
  const { details, kind, ended, total, secondsLeft, warnings } = job
  const { jobArn, jobName, status, creationTime, evaluationConfig } = details
  const dataset = evaluationConfig.automated?.datasetMetricConfigs[0]?.dataset.name ?? 'dataset'
  const judge = judgeOf(job)
  const rows = doneRows(job)
  const systems = systemsOf(job)
  return {
    jobArn,
    jobName,
    tags: details.jobTags ?? [],
    status,
    messages: details.failureMessages ?? (rows.some(({ error }) => error !== null) ? [`1 of ${rows.length} prompts were not answered: The model did not answer in 120 s.`] : []),
    kind,
    created: creationTime,
    ended,
    total,
    secondsLeft,
    machineCost: machineCost(job),
    askings: details.craton?.askings ?? 1,
    embeddingModelId: details.craton?.embeddingModelId ?? null,
    progress: rows.length === 0 ? [] : [null, ...metricsOf(job)].map((metricName) => ({ dataset, metricName, done: rows.length })),
    results: systems.map((system, at): Section => {
      const own = rows.filter((row) => row.system === at)
      const tokens = { input: 640 * own.length, cached: 410 * own.length, output: 22 * own.length }
      return {
        dataset,
        system,
        judge,
        costs: (details.craton?.prices ?? []).map(({ modelId, input, output }) => ({ modelId, tokens, cost: (tokens.input * input + tokens.output * output) / 1e6 })),
        card: {
          turns: own.length,
          unanswered: own.filter(({ error }) => error !== null).length,
          metrics: metricsOf(job).map((metric) => summarised(state, judge, metric, own, details.craton?.askings !== undefined)),
          tokens: { generator: details.inferenceConfig.models?.[0]?.bedrockModel ? tokens : { input: 0, cached: 0, output: 0 }, judge: tokens },
          cachedShare: [
            { reads: 'task + ground truth + response', share: 0.71, bound: 0.78 },
            { reads: 'passages + response', share: 0.52, bound: 0.6 },
          ],
          warnings,
        },
      }
    }),
  }
}

/** Every job takes five minutes. */
function machineCost({ details: { craton }, ended }: StoredJob): NonNullable<Report['machineCost']> | null {
  const pricePerHour = craton?.pricePerHour
  return pricePerHour === undefined || ended === null ? null : { pricePerHour, seconds: 300, cost: (300 * pricePerHour) / 3600 }
}

function systemsOf({ details: { inferenceConfig } }: StoredJob): string[] {
  const models = (inferenceConfig.models ?? []).map(({ bedrockModel, precomputedInferenceSource: own }) => bedrockModel?.modelIdentifier ?? own?.inferenceSourceIdentifier ?? '')
  const rag = (inferenceConfig.ragConfigs ?? []).map(({ knowledgeBaseConfig: base, precomputedRagSourceConfig: own }) => {
    const source = own?.retrieveSourceConfig ?? own?.retrieveAndGenerateSourceConfig
    return base?.retrieveConfig?.knowledgeBaseId ?? base?.retrieveAndGenerateConfig?.knowledgeBaseConfiguration.knowledgeBaseId ?? source?.ragSourceIdentifier ?? ''
  })
  return [...models, ...rag]
}

function isWorse(metric: string): boolean {
  return ['Builtin.Harmfulness', 'Builtin.Stereotyping', 'Builtin.Refusal'].includes(metric)
}

/** How far a judge agrees with people on a metric, in words. */
function calibrationOf(state: EvaluationState, judge: string | null, metric: string): string | null {
  if (metric.startsWith('Craton.')) return null
  return (state.passports.get(judge ?? '') ?? []).find(({ metricName }) => metricName === metric)?.summary ?? UNCALIBRATED
}

function judgeOf({ details }: StoredJob): string | null {
  return details.evaluationConfig.automated?.evaluatorModelConfig?.bedrockEvaluatorModels[0]?.modelIdentifier ?? null
}

function summarised(state: EvaluationState, judge: string | null, metricName: string, rows: RecordRow[], repeats: boolean): MetricSummary {
  const scores = rows.flatMap((row) => row.scores.filter((score) => score.metricName === metricName).map((score) => ({ row, ...score })))
  const results = scores.flatMap(({ result }) => (result === null ? [] : [result]))
  const values = (of: (score: (typeof scores)[number]) => number | null) => scores.flatMap((score) => of(score) ?? [])
  const words = scores.flatMap(({ result, label, error }) => (result === null && error === null && label !== null ? [label] : []))
  const known = (state.passports.get(judge ?? '') ?? []).find((one) => one.metricName === metricName)
  const worse = isWorse(metricName)
  const ranked = scores.filter(({ result }) => result !== null && result !== (worse ? 0 : 1)).sort((a, b) => (worse ? -1 : 1) * (a.result! - b.result!) || a.row.record - b.row.record)
  const input = metricName.startsWith('Craton.') ? 0 : 210 * rows.length
  return {
    metricName,
    higherIsWorse: worse,
    calibration: calibrationOf(state, judge, metricName),
    mean: interval(results),
    calibrated: known?.usable ? { value: 0.61, low: 0.52, high: 0.7, method: 'expected score' } : null,
    expected: mean(values(({ expected }) => expected)) ?? null,
    margin: mean(values(({ margin }) => margin)) ?? null,
    scored: results.length,
    notApplicable: 0,
    failed: scores.filter(({ error }) => error !== null).length,
    passagesLeftOut: scores.filter(({ passagesLeftOut }) => passagesLeftOut > 0).length,
    histogram: bars(results, metricName),
    repeated: repeats && !metricName.startsWith('Craton.') ? { askings: 4, agreeing: 0.82, deviation: 0.06, listedFalling: { value: -0.04, low: -0.07, high: -0.01 } } : null,
    labels: [...new Set(words)].map((label) => ({ label, count: words.filter((word) => word === label).length })),
    worst: ranked.slice(0, 5).map(({ row, result }) => ({ record: row.record, turn: row.turn, result: result! })),
    tokens: { input, cached: Math.round(input * 0.6), output: Math.round(input / 20) },
  }
}

const STEPS: Record<string, number> = { 'Builtin.Correctness': 2, 'Builtin.Completeness': 4, 'Builtin.Faithfulness': 4, 'Builtin.Refusal': 1 }

function bars(results: number[], metric: string): Bar[] {
  const top = STEPS[metric]
  if (top !== undefined) {
    return Array.from({ length: top + 1 }, (_, at) => ({ from: at / top, to: at / top, count: results.filter((result) => Math.abs(result - at / top) < 0.001).length }))
  }
  const bin = (result: number) => Math.min(9, Math.floor(result * 10))
  return Array.from({ length: 10 }, (_, at) => ({ from: at / 10, to: (at + 1) / 10, count: results.filter((result) => bin(result) === at).length }))
}

function mean(values: number[]): number | undefined {
  return values.length === 0 ? undefined : values.reduce((sum, value) => sum + value, 0) / values.length
}

/** The mean with its interval, by the normal distribution: near enough to a bootstrap for a picture. */
function interval(values: number[]): Interval | null {
  const value = mean(values)
  if (value === undefined) return null
  const deviation = Math.sqrt(values.reduce((sum, one) => sum + (one - value) ** 2, 0) / Math.max(1, values.length - 1))
  const half = (1.96 * deviation) / Math.sqrt(values.length)
  return { value, low: value - half, high: value + half }
}

interface Part {
  job: StoredJob
  dataset: number
  system: number
}

/** What a part is called: with its system, where the job has several. */
function nameOf({ job, system }: Part): string {
  const systems = systemsOf(job)
  return systems.length > 1 ? `${job.details.jobName} of ${systems[system]}` : job.details.jobName
}

function compare(state: EvaluationState, first: Part, second: Part): JobComparison {
  const shared = metricsOf(first.job).filter((metric) => metricsOf(second.job).includes(metric))
  if (shared.length === 0) throw new HttpError(400, 'Invalid', `\`${first.job.details.jobName}\` and \`${second.job.details.jobName}\` have no metric in common.`)
  const rowsOf = ({ job, dataset, system }: Part) => doneRows(job).filter((row) => row.dataset === dataset && row.system === system)
  const [ours, theirs] = [rowsOf(first), rowsOf(second)]
  const turns = Math.min(ours.length, theirs.length)
  const of = (row: RecordRow | undefined, metric: string) => row?.scores.find(({ metricName }) => metricName === metric)?.result ?? null
  const same = first.job.id === second.job.id && first.system === second.system
  const judges = [first, second].map(({ job }) => judgeOf(job))
  const metrics = shared.map((metricName) => {
    const pairs = ours.slice(0, turns).flatMap((row, at) => {
      const [one, other] = [of(row, metricName), of(theirs[at], metricName)]
      return one === null || other === null ? [] : [[one, other] as const]
    })
    const difference = interval(pairs.map(([one, other]) => one - other))
    const means = [mean(pairs.map(([one]) => one)), mean(pairs.map(([, other]) => other))]
    const told = difference !== null && pairs.length >= 10 && (difference.low > 0 || difference.high < 0)
    const better = difference !== null && difference.value > 0 !== isWorse(metricName) ? 'the first is better' : 'the second is better'
    return {
      metricName,
      turns: pairs.length,
      means: means[0] === undefined || means[1] === undefined ? null : ([means[0], means[1]] as [number, number]),
      difference: difference && { ...difference, p: told ? 0.0004 : 0.231 },
      mcnemar: pairs.length === 0 ? null : told ? 0.012 : 0.58,
      judgement: same ? 'same model: not a comparison' : pairs.length === 0 ? 'no records in common' : told ? better : 'not distinguishable',
      calibrations: judges.map((judge) => calibrationOf(state, judge, metricName)) as [string | null, string | null],
    }
  })
  return { first: nameOf(first), second: nameOf(second), turns, judgedDifferently: judges[0] !== judges[1], metrics }
}
