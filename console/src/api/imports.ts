/** Imports of models: Bedrock's operations, and Craton's own for what Bedrock has no member for. */
import { send, sendJson } from './http.ts'
import type { Comparison, QuantizationReport } from './models.ts'

/** How the weights are kept. */
export const QUANTIZATIONS = ['F16', 'Q8_0', 'Q4_K_M'] as const
export type Quantization = (typeof QUANTIZATIONS)[number]

export type ImportStatus = 'InProgress' | 'Completed' | 'Failed'

/** A row of Bedrock's list of import jobs; times are ISO 8601, as everywhere here. */
export interface ImportJobRow {
  jobArn: string
  jobName: string
  status: ImportStatus
  creationTime: string
  endTime?: string
  importedModelArn?: string
  importedModelName?: string
}

/** A row of Bedrock's list of imported models. */
export interface ImportedModelRow {
  modelArn: string
  modelName: string
  creationTime: string
  modelArchitecture?: string
  /** False for models that only continue texts. */
  instructSupported?: boolean
}

export interface Page<T> {
  items: T[]
  /** Carries on where this page ended. */
  next: string | undefined
}

export interface Filter {
  nameContains?: string
  status?: ImportStatus
}

/** What is imported, from where, as which role, into what. */
export interface ImportRequest {
  jobName: string
  modelName: string
  roleArn: string
  s3Uri: string
  kmsKeyId?: string
  quantization: Quantization
  /** What the model must keep to against its weights as they came, where it is not the type's own bound. */
  bound?: string
  tags: { key: string; value: string }[]
}

/** What the doctor found in a checkpoint. */
export interface DoctorReport {
  passes: boolean
  findings: DoctorFinding[]
}

export interface DoctorFinding {
  severity: 'error' | 'warning' | 'note'
  /** Null where no one file is to blame. */
  file: string | null
  problem: string
  fix: string
}

/** One import with all that is known of it. */
export interface ImportDetails {
  jobArn: string
  jobId: string
  jobName: string
  status: ImportStatus
  failureMessage: string | null
  /** The job that does the work, whose progress is counted in bytes. */
  workId: string | null
  modelName: string
  modelArn: string
  modelId: string
  roleArn: string
  s3Uri: string
  kmsKeyArn: string | null
  quantization: Quantization
  /** What was asked of the bound; null: nothing. */
  bound: string | null
  report: DoctorReport | null
  createdAt: string
  modifiedAt: string
  endedAt: string | null
}

export interface Check {
  name: string
  title: string
  outcome: 'passed' | 'failed' | 'skipped'
  message: string | null
  hint: string | null
  /** The denied request, which "Why denied" explains. */
  requestId: string | null
}

/** What the files say of the model that they hold. */
export interface CheckpointFacts {
  class: string
  architecture: string
  parameters: number
  layers: number
  hidden: number
  contextLength: number
  vocabulary: number
  /** The element type of most weights. */
  dtype: string | null
  sourceBytes: number
  modelBytes: number
  /** What the model takes when it is loaded; null where it cannot be made. */
  memoryBytes: number | null
}

export interface CheckResult {
  passes: boolean
  checks: Check[]
  report: DoctorReport | null
  model: CheckpointFacts | null
}

export interface PolicyRequest {
  roleArn: string
  s3Uri: string
  sourceAccount: string
  kmsKeyArn?: string
  sourceKmsKeyArn?: string
}

/** A policy that an import needs. */
export interface NeededPolicy {
  /** The account that it is put in. */
  account: string
  side: 'source' | 'host'
  /** As the steps of "cross-account model deployment" are counted. */
  step: number
  kind: 'bucket-policy' | 'role-policy' | 'trust-policy' | 'key-policy-statement'
  title: string
  /** What it is attached to. */
  resource: string
  document: unknown
  /** The command line that puts it. */
  command: string
}

/** What was measured of an imported model on a fixed text. */
export interface Quality {
  /** The name of the text. */
  text: string
  tokens: number
  perplexity: number
  /** The same measured of the weights as they came; `agreement` is the share of tokens where both hold the same to be
   * likeliest. */
  exact: { perplexity: number; agreement: number; format: string; comparison?: Comparison | null } | null
  /** Why there is no `exact`. */
  unmeasured: string | null
  /** What had to hold at the worse end of each interval; null where it was only measured. */
  bound?: QuantizationReport['bound'] | null
}

export interface ImportedModel {
  modelArn: string
  modelId: string
  modelName: string
  architecture: string
  /** Whether it follows instructions. */
  instruct: boolean
  bytes: number
  /** Null where Craton's own key encrypts it. */
  kmsKeyArn: string | null
  roleArn: string
  s3Uri: string
  jobName: string
  jobArn: string
  createdAt: string
  loaded: boolean
  tags: Record<string, string>
  card: {
    class: string
    parameters: number
    layers: number
    hidden: number
    contextLength: number
    vocabulary: number
    dtype: string | null
    sourceBytes: number
    quantization: Quantization
    warnings: string[]
    /** The question that was asked before the import counted as done. */
    trial: { prompt: string; answer: string; millis: number } | null
    quality: Quality | null
  }
}

/** How many rows a page of a list has. */
export const PAGE_SIZE = 25

export async function listImportJobs(filter: Filter, token?: string, signal?: AbortSignal): Promise<Page<ImportJobRow>> {
  const search = searchOf(filter, PAGE_SIZE, token)
  type Answer = { modelImportJobSummaries?: ImportJobRow[]; nextToken?: string | null }
  const answer = await sendJson<Answer>(`/model-import-jobs?${search}`, { service: 'bedrock', signal })
  return { items: answer.modelImportJobSummaries ?? [], next: answer.nextToken ?? undefined }
}

export function listImportedModels(filter: Filter, token?: string, signal?: AbortSignal): Promise<Page<ImportedModelRow>> {
  return importedModels(filter, PAGE_SIZE, token, signal)
}

/** The imported models of all pages. */
export async function everyImportedModel(signal?: AbortSignal): Promise<ImportedModelRow[]> {
  const found: ImportedModelRow[] = []
  let token: string | undefined
  do {
    const page = await importedModels({}, 1000, token, signal)
    found.push(...page.items)
    token = page.next
  } while (token !== undefined)
  return found
}

/** Starts an import and gives the ARN of its job. */
export async function createImportJob(request: ImportRequest): Promise<string> {
  const { jobName, modelName, roleArn, s3Uri, kmsKeyId, quantization, bound, tags } = request
  const json = {
    jobName,
    importedModelName: modelName,
    roleArn,
    modelDataSource: { s3DataSource: { s3Uri } },
    ...(kmsKeyId ? { importedModelKmsKeyId: kmsKeyId } : {}),
    ...(tags.length > 0 ? { jobTags: tags, importedModelTags: tags } : {}),
    clientRequestToken: crypto.randomUUID(),
  }
  const headers = { 'x-craton-quantization': quantization, ...(bound ? { 'x-craton-quantization-bound': bound } : {}) }
  const answer = await sendJson<{ jobArn: string }>('/model-import-jobs', { method: 'POST', json, headers, service: 'bedrock' })
  return answer.jobArn
}

export async function deleteImportedModel(model: string): Promise<void> {
  await send(`/imported-models/${encodeURIComponent(model)}`, { method: 'DELETE', service: 'bedrock' })
}

/** An import by its job's name, id or ARN. */
export function getImport(job: string, signal?: AbortSignal): Promise<ImportDetails> {
  return sendJson(`/craton/v1/imports/${encodeURIComponent(job)}`, { signal })
}

/** Tries everything that an import does before it copies; nothing is started. */
export function checkImport(request: ImportRequest, signal?: AbortSignal): Promise<CheckResult> {
  const { jobName, modelName, roleArn, s3Uri, kmsKeyId, quantization, bound } = request
  const json = { jobName, modelName, roleArn, s3Uri, ...(kmsKeyId ? { kmsKeyId } : {}), quantization, ...(bound ? { bound } : {}) }
  return sendJson('/craton/v1/imports/check', { method: 'POST', json, signal })
}

/** The policies that each account needs. */
export async function importPolicies(request: PolicyRequest, signal?: AbortSignal): Promise<NeededPolicy[]> {
  const answer = await sendJson<{ policies: NeededPolicy[] }>('/craton/v1/imports/policies', { method: 'POST', json: request, signal })
  return answer.policies
}

/** An imported model by its name, id or ARN. */
export function getImportedModel(model: string, signal?: AbortSignal): Promise<ImportedModel> {
  return sendJson(`/craton/v1/imported-models/${encodeURIComponent(model)}`, { signal })
}

/** What comes after the last slash of an ARN. */
export function idOf(arn: string): string {
  return arn.slice(arn.lastIndexOf('/') + 1)
}

async function importedModels(filter: Filter, size: number, token?: string, signal?: AbortSignal): Promise<Page<ImportedModelRow>> {
  const search = searchOf({ ...(filter.nameContains ? { nameContains: filter.nameContains } : {}) }, size, token)
  type Answer = { modelSummaries?: ImportedModelRow[]; nextToken?: string | null }
  const answer = await sendJson<Answer>(`/imported-models?${search}`, { service: 'bedrock', signal })
  return { items: answer.modelSummaries ?? [], next: answer.nextToken ?? undefined }
}

function searchOf({ nameContains, status }: Filter, size: number, token: string | undefined): string {
  return new URLSearchParams({
    maxResults: String(size),
    sortBy: 'CreationTime',
    sortOrder: 'Descending',
    ...(nameContains ? { nameContains } : {}),
    ...(status ? { statusEquals: status } : {}),
    ...(token === undefined ? {} : { nextToken: token }),
  }).toString()
}
