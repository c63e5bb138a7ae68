/** Evaluation jobs: Bedrock's operations, and Craton's own for reports, records, comparisons and judges' passports. */
import { send, sendJson } from './http.ts'
import type { Page } from './imports.ts'

export const EVALUATION_STATUSES = ['InProgress', 'Completed', 'Failed', 'Stopping', 'Stopped', 'Deleting'] as const
export type EvaluationStatus = (typeof EVALUATION_STATUSES)[number]

export type ApplicationType = 'ModelEvaluation' | 'RagEvaluation'

/** A row of the list: what Bedrock's tells of a job, and its kind; times are ISO 8601 here and below. */
export interface EvaluationRow {
  jobArn: string
  jobName: string
  kind: Kind
  status: EvaluationStatus
  creationTime: string
  applicationType?: ApplicationType
  evaluatorModelIdentifiers?: string[]
  customMetricsEvaluatorModelIdentifiers?: string[]
  inferenceConfigSummary?: {
    modelConfigSummary?: { bedrockModelIdentifiers?: string[]; precomputedInferenceSourceIdentifiers?: string[] }
    ragConfigSummary?: { bedrockKnowledgeBaseIdentifiers?: string[]; precomputedRagSourceIdentifiers?: string[] }
  }
}

export interface EvaluationFilter {
  nameContains?: string
  status?: EvaluationStatus
  applicationType?: ApplicationType
}

interface Judges {
  bedrockEvaluatorModels: { modelIdentifier: string }[]
}

/** A label of a custom metric's scale, and what it counts. */
export interface RatingItem {
  definition: string
  value: { floatValue: number } | { stringValue: string }
}

export interface CustomMetricDefinition {
  name: string
  instructions: string
  ratingScale?: RatingItem[]
}

export interface EvaluationConfig {
  automated?: {
    datasetMetricConfigs: {
      taskType: string
      dataset: { name: string; datasetLocation?: { s3Uri: string } }
      metricNames: string[]
    }[]
    evaluatorModelConfig?: Judges
    customMetricConfig?: { customMetrics: { customMetricDefinition: CustomMetricDefinition }[]; evaluatorModelConfig: Judges }
  }
}

export interface RetrievalConfiguration {
  vectorSearchConfiguration: { numberOfResults?: number; overrideSearchType?: 'HYBRID' | 'SEMANTIC' }
}

export interface ModelConfig {
  bedrockModel?: { modelIdentifier: string; inferenceParams?: string }
  precomputedInferenceSource?: { inferenceSourceIdentifier: string }
}

export interface RagConfig {
  knowledgeBaseConfig?: {
    retrieveConfig?: { knowledgeBaseId: string; knowledgeBaseRetrievalConfiguration: RetrievalConfiguration }
    retrieveAndGenerateConfig?: {
      type: 'KNOWLEDGE_BASE'
      knowledgeBaseConfiguration: {
        knowledgeBaseId: string
        modelArn: string
        retrievalConfiguration?: RetrievalConfiguration
        generationConfiguration?: {
          /** None: the server's own prompt. */
          promptTemplate?: { textPromptTemplate?: string }
          kbInferenceConfig?: { textInferenceConfig: { temperature?: number; maxTokens?: number } }
        }
      }
    }
  }
  precomputedRagSourceConfig?: {
    retrieveSourceConfig?: { ragSourceIdentifier: string }
    retrieveAndGenerateSourceConfig?: { ragSourceIdentifier: string }
  }
}

export interface InferenceConfig {
  models?: ModelConfig[]
  ragConfigs?: RagConfig[]
}

export interface Tag {
  key: string
  value: string
}

/** What CreateEvaluationJob takes, as far as the console asks for it. */
export interface EvaluationRequest {
  jobName: string
  jobDescription?: string
  roleArn: string
  customerEncryptionKeyId?: string
  jobTags?: Tag[]
  evaluationConfig: EvaluationConfig
  inferenceConfig: InferenceConfig
  outputDataConfig: { s3Uri: string }
  /** What Craton's own operation takes beside it. */
  craton?: CratonOptions
}

/** Prices of a model for 1,000,000 tokens. */
export interface ModelPrice {
  modelId: string
  input: number
  output: number
  cached?: number
}

export interface CratonOptions {
  /** The price of the machine. */
  pricePerHour?: number
  prices?: ModelPrice[]
  /** How often the judge is asked for each verdict, in other words each time. */
  askings?: number
  /** The model of the embedding similarity. */
  embeddingModelId?: string
}

export interface EvaluationDetails extends EvaluationRequest {
  jobArn: string
  status: EvaluationStatus
  applicationType?: ApplicationType
  creationTime: string
  lastModifiedTime?: string
  failureMessages?: string[]
}

export interface CreatedEvaluation {
  jobArn: string
  jobId: string
  /** Such as a judge that judges itself. */
  warnings: string[]
}

export type Kind = 'model' | 'retrieve-only' | 'retrieve-and-generate'

/** How far a metric is; without a name: the answers. */
export interface MetricProgress {
  dataset: string
  metricName: string | null
  done: number
}

/** A figure with its interval of 95 %. */
export interface Interval {
  value: number
  low: number
  high: number
}

export interface Tokens {
  input: number
  /** Of these, what came from the cache. */
  cached: number
  /** Of these, what prompts on the same record had begun with before. */
  shared?: number
  output: number
}

/** The scores from `from` to `to`; where these are the same, that score. */
export interface Bar {
  from: number
  to: number
  count: number
}

export interface MetricSummary {
  metricName: string
  higherIsWorse: boolean
  /** How far the judge agrees with people, in words; none where no judge is needed. */
  calibration: string | null
  mean: Interval | null
  /** What people would probably say, by what the judge's passport recommends. */
  calibrated?: (Interval & { method: string }) | null
  expected: number | null
  margin: number | null
  scored: number
  notApplicable: number
  failed: number
  passagesLeftOut: number
  histogram: Bar[]
  /** How often each word of a scale of words was chosen. */
  labels: { label: string; count: number }[]
  worst: { record: number; turn: number; result: number }[]
  /** How verdicts vary with the wording; none where the judge was asked once. */
  repeated?: RepeatedSummary | null
  tokens: Tokens
}

/** How verdicts on a metric vary with the wording of the question. */
export interface RepeatedSummary {
  askings: number
  /** The mean share of askings that gave the reported label. */
  agreeing: number
  /** The mean standard deviation of a turn's expected scores. */
  deviation: number | null
  /** How the expected score changes where the labels are listed from the highest down. */
  listedFalling: Interval | null
}

/** What a model cost that the job was told a price of. */
export interface ModelCost {
  modelId: string
  tokens: Tokens
  cost: number
}

/** What a system came to on a dataset. */
export interface Section {
  dataset: string
  system: string
  judge: string | null
  costs?: ModelCost[]
  /** Models that took tokens and have no price, where others have one. */
  unpriced?: string[]
  card: {
    turns: number
    unanswered: number
    metrics: MetricSummary[]
    /** `filter`: those of the model that reads conditions out of prompts. */
    tokens: { generator: Tokens; filter?: Tokens; judge: Tokens }
    /** What came from the cache of the tokens of each group of metrics, and what the prompts on a record allow. */
    cachedShare: { reads: string; share: number; bound?: number }[]
    warnings: string[]
  }
}

export interface Report {
  jobArn: string
  jobName: string
  tags?: Tag[]
  status: EvaluationStatus
  messages: string[]
  kind: Kind
  created: string
  ended: string | null
  /** Answers and scores that there will be, once the datasets were read. */
  total: number | null
  secondsLeft: number | null
  /** What the machine cost, where the job was told its price, from when it began to work until it ended. */
  machineCost?: { pricePerHour: number; seconds: number; cost: number } | null
  /** How often the judge is asked for each verdict. */
  askings?: number
  /** The model of the embedding similarity, where one was named. */
  embeddingModelId?: string | null
  progress: MetricProgress[]
  /** None where only the progress is asked for. */
  results: Section[]
}

/** Characters of an answer that nothing in its passages supports, ends exclusive. */
export interface Unsupported {
  start: number
  end: number
  text: string
  level: 'sentence' | 'claim'
  support: number
  /** Numbers that no passage has. */
  numbers: string[]
}

/** Characters of a text, ends exclusive. */
export interface TextSpan {
  start: number
  end: number
  text: string
}

/** What a rule objects to in an answer. */
export interface Objection {
  rule: string
  reason: string
  /** Where in the answer; empty where it is about all of it. */
  spans: TextSpan[]
  /** The words of the prompt that say otherwise. */
  against: TextSpan | null
}

export interface RecordScore {
  metricName: string
  result: number | null
  label: string | null
  expected: number | null
  margin: number | null
  explanation: string
  /** Only of metrics of rules. */
  objections?: Objection[]
  passagesLeftOut: number
  /** What came of asking in other words; none where the judge was asked once. */
  repeated?: Repeated | null
  error: string | null
}

/** How a verdict varies with the wording. */
export interface Repeated {
  askings: number
  /** In how many of them the judge gave the reported label. */
  agreeing: number
  mean: number | null
  deviation: number | null
  listedFalling: number | null
}

/** A turn with what was asked, found, answered and should have been, and its scores. */
export interface RecordRow {
  /** Places of dataset and system, from 0. */
  dataset: number
  system: number
  /** Places of record and turn, from 1. */
  record: number
  turn: number
  conversationInput: string
  generationOutput: string | null
  retrievedSources: number
  passages: { name: string | null; text: string }[]
  groundTruth: string[]
  error: string | null
  unsupported: Unsupported[]
  scores: RecordScore[]
}

export interface MetricComparison {
  metricName: string
  turns: number
  means: [number, number] | null
  difference: (Interval & { p: number }) | null
  mcnemar: number | null
  judgement: string
  /** How far the judge of each job agrees with people, in words; null where no judge is needed. */
  calibrations?: [string | null, string | null]
}

/** A job, or a part of it: a system on a dataset, by their places from 0. */
export interface JobPart {
  job: string
  dataset: number
  system: number
}

export interface JobComparison {
  /** The names of the jobs, with those of system and dataset where they have several. */
  first: string
  second: string
  /** Turns that were asked the same in both. */
  turns: number
  /** Whether a metric has different judges: then a difference may be theirs. */
  judgedDifferently?: boolean
  metrics: MetricComparison[]
}

/** How far a judge agrees with people on a metric. */
export interface Passport {
  metricName: string
  rubric: string
  labels: number
  items: number
  kappa: Interval | null
  quadraticKappa: Interval | null
  spearman: Interval | null
  kendall: Interval | null
  balancedAccuracy: Interval | null
  baseline: number
  bias: Interval | null
  verbosity: Interval | null
  calibrated: Interval | null
  /** For each label but the lowest, the points of the mapping: score, and the probability of that label or a higher one. */
  mapping: [number, number][][]
  /** What labels were made by, and how well each did on the half that it was not fitted on. */
  methods?: { method: string; balancedAccuracy: Interval; gain: Interval }[]
  /** The best of these. */
  recommended?: string | null
  /** Whether that is a classifier of what an earlier version of the server knew of scores: reports don't use it then. */
  outdated?: boolean
  usable: boolean
  summary: string
}

/** What people say of a record: the place of their label on the metric's scale, from 0. */
export interface HumanLabel {
  record: number
  turn?: number
  metric: string
  label: number
}

/** A dataset as a job would read it. */
export interface DatasetCheckRequest {
  kind: 'model' | 'rag' | 'retrieve'
  ownResponses: boolean
  /** By whose scales the labels beside the records are looked at; none: by the usual ones. */
  judge?: string
  /** Those of one's own included. */
  metricNames: string[]
  customMetrics?: { customMetricDefinition: CustomMetricDefinition }[]
  s3Uri: string
  /** More prompts than AWS takes. */
  unlimited: boolean
}

export interface DatasetCheck {
  records: number
  /** At most 100; without a line it is the dataset as a whole. */
  problems: { line: number | null; message: string }[]
  /** What the instructions of each metric of one's own name. */
  customMetrics?: { metricName: string; variables: string[] }[]
}

const job = (id: string) => `/craton/v1/evaluation-jobs/${encodeURIComponent(id)}`

/** The jobs, the newest first, a page of them. */
export async function listEvaluations(filter: EvaluationFilter, token?: string, signal?: AbortSignal): Promise<Page<EvaluationRow>> {
  const { nameContains, status, applicationType } = filter
  const search = new URLSearchParams({
    ...(nameContains ? { nameContains } : {}),
    ...(status ? { statusEquals: status } : {}),
    ...(applicationType ? { applicationTypeEquals: applicationType } : {}),
    ...(token === undefined ? {} : { nextToken: token }),
  })
  const answer = await sendJson<{ items: EvaluationRow[]; nextToken: string | null }>(`/craton/v1/evaluation-jobs?${search}`, { signal })
  return { items: answer.items, next: answer.nextToken ?? undefined }
}

/** Starts an evaluation of any number of prompts; AWS's operation takes 1,000. */
export function createEvaluation(request: EvaluationRequest): Promise<CreatedEvaluation> {
  const json = { ...request, clientRequestToken: crypto.randomUUID() }
  return sendJson('/craton/v1/evaluation-jobs', { method: 'POST', json })
}

/** Looks at a dataset before a job reads it. */
export function checkDataset(request: DatasetCheckRequest): Promise<DatasetCheck> {
  return sendJson('/craton/v1/evaluation-datasets/check', { method: 'POST', json: request })
}

/** What was asked for. Bedrock's operations take ARNs alone. */
export function getEvaluation(arn: string, signal?: AbortSignal): Promise<EvaluationDetails> {
  return sendJson(`/evaluation-jobs/${encodeURIComponent(arn)}`, { service: 'bedrock', signal })
}

export async function stopEvaluation(arn: string): Promise<void> {
  await send(`/evaluation-job/${encodeURIComponent(arn)}/stop`, { method: 'POST', service: 'bedrock' })
}

/** Deletes jobs; gives what was refused, each with its reason. */
export async function deleteEvaluations(arns: string[]): Promise<{ jobIdentifier: string; code: string; message?: string }[]> {
  type Answer = { errors: { jobIdentifier: string; code: string; message?: string }[] }
  const json = { jobIdentifiers: arns }
  const answer = await sendJson<Answer>('/evaluation-jobs/batch-delete', { method: 'POST', json, service: 'bedrock' })
  return answer.errors ?? []
}

/** How far a job is, without its results. */
export function getProgress(id: string, signal?: AbortSignal): Promise<Report> {
  return sendJson(`${job(id)}/report?format=progress`, { signal })
}

export function getReport(id: string, signal?: AbortSignal): Promise<Report> {
  return sendJson(`${job(id)}/report`, { signal })
}

/** Where the browser itself reads a report: a page to print, or the JSON. */
export function reportUrl(id: string, format: 'html' | 'json', metric?: string): string {
  return `${job(id)}/report?${new URLSearchParams({ format, ...(metric ? { metric } : {}) })}`
}

/** The most records that are given at once. */
export const MOST_RECORDS = 1000

/** The records, those with the worst score of `metric` first where one is named. */
export async function listRecords(id: string, metric: string | undefined, limit: number, signal?: AbortSignal): Promise<RecordRow[]> {
  const search = new URLSearchParams({ limit: String(limit), ...(metric ? { metric } : {}) })
  return (await sendJson<{ rows: RecordRow[] }>(`${job(id)}/records?${search}`, { signal })).rows
}

export function compareEvaluations(first: JobPart, second: JobPart, signal?: AbortSignal): Promise<JobComparison> {
  const search = new URLSearchParams({
    dataset: String(first.dataset),
    system: String(first.system),
    otherDataset: String(second.dataset),
    otherSystem: String(second.system),
  })
  return sendJson(`${job(first.job)}/compare/${encodeURIComponent(second.job)}?${search}`, { signal })
}

export async function getPassports(model: string, signal?: AbortSignal): Promise<Passport[]> {
  return (await sendJson<{ passports: Passport[] }>(`/craton/v1/judges/${encodeURIComponent(model)}/passport`, { signal })).passports
}

/** Compares a job's judge with people, and keeps how far it agrees with them. */
export async function calibrateJudge(id: string, labels: HumanLabel[]): Promise<Passport[]> {
  const json = { labels }
  return (await sendJson<{ passports: Passport[] }>(`${job(id)}/calibrate`, { method: 'POST', json })).passports
}
