/** Imports: Bedrock's operations and Craton's own. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Check, CheckResult, ImportDetails, ImportedModel, PolicyRequest, Quantization } from '../../src/api/imports.ts'
import type { Job } from '../../src/api/jobs.ts'
import { DENIED, FACTS, job as newJob, model as newModel, policiesOf, REPORT, UNFIT } from './importState.ts'
import { HttpError } from './api.ts'
import { json } from './server.ts'
import type { State } from './state.ts'

const STEPS = 20
const STEP_MS = 60
const TOTAL = 14_480_000_000

/** Bedrock's operations, by method and path. */
export function bedrock(state: State, request: IncomingMessage, url: URL, body: string, response: ServerResponse): void {
  const { imports } = state
  const [resource = '', id = ''] = url.pathname.slice(1).split('/').map(decodeURIComponent)
  const name = url.searchParams.get('nameContains') ?? ''
  switch (`${request.method} ${resource}${id === '' ? '' : '/:id'}`) {
    case 'GET model-import-jobs': {
      const status = url.searchParams.get('statusEquals')
      const found = imports.jobs.filter((one) => one.jobName.includes(name) && (status === null || one.status === status))
      const { items, nextToken } = page(found, url)
      const modelImportJobSummaries = items.map(({ jobArn, jobName, status, createdAt, endedAt, modelArn, modelName }) => ({
        jobArn,
        jobName,
        status,
        creationTime: createdAt,
        importedModelName: modelName,
        ...(endedAt ? { endTime: endedAt } : {}),
        ...(status === 'Completed' ? { importedModelArn: modelArn } : {}),
      }))
      return json(response, 200, { modelImportJobSummaries, nextToken })
    }
    case 'POST model-import-jobs':
      return json(response, 201, { jobArn: start(state, request, JSON.parse(body) as Created).jobArn })
    case 'GET imported-models': {
      const { items, nextToken } = page(imports.models.filter((one) => one.modelName.includes(name)), url)
      const modelSummaries = items.map(({ modelArn, modelName, architecture, createdAt, instruct }) => ({
        modelArn,
        modelName,
        modelArchitecture: architecture,
        instructSupported: instruct,
        creationTime: createdAt,
      }))
      return json(response, 200, { modelSummaries, nextToken })
    }
    case 'DELETE imported-models/:id': {
      const model = modelOf(state, id)
      imports.models = imports.models.filter((one) => one !== model)
      return json(response, 200, {})
    }
    default:
      throw new HttpError(501, 'NotImplemented', `\`${request.method} ${url.pathname}\` is not implemented`)
  }
}

/** What the import of `id` is. */
export function importOf(state: State, id: string): ImportDetails {
  const found = state.imports.jobs.find((one) => [one.jobId, one.jobName, one.jobArn].includes(id))
  if (!found) throw new HttpError(404, 'NotFound', `There is no import job \`${id}\``)
  return found
}

export function modelOf(state: State, id: string): ImportedModel {
  const found = state.imports.models.find((one) => [one.modelId, one.modelName, one.modelArn].includes(id))
  if (!found) throw new HttpError(404, 'NotFound', `The imported model \`${id}\` could not be found`)
  return found
}

export function policies(input: Record<string, unknown>): object {
  return { policies: policiesOf(input as unknown as PolicyRequest) }
}

/** Passes unless the bucket's policy is missing, or the URI says that the files are broken. */
export function check(state: State, input: Record<string, unknown>): CheckResult {
  const broken = String(input['s3Uri']).includes('broken')
  const { granted } = state.imports
  const passed = (name: string, title: string): Check => ({ name, title, outcome: 'passed', message: null, hint: null, requestId: null })
  const skipped = (name: string, title: string): Check => ({ ...passed(name, title), outcome: 'skipped' })
  const denied: Check = {
    ...passed('list', 'The role may list the checkpoint’s files'),
    outcome: 'failed',
    message: DENIED,
    hint: 'Put the bucket policy of step 1 on the bucket.',
    requestId: '8b1d6a52-1d33-4e0e-9a51-5f0a4a1b7c9e',
  }
  const examined = passed('examine', 'The checkpoint can be imported')
  const checks = [
    passed('pass-role', 'You may hand the role to Amazon Bedrock'),
    passed('assume-role', 'Amazon Bedrock may assume the role'),
    granted ? passed('list', 'The role may list the checkpoint’s files') : denied,
    granted ? passed('read', 'The role may read and decrypt them') : skipped('read', 'The role may read and decrypt them'),
    !granted
      ? skipped('examine', 'The checkpoint can be imported')
      : broken
        ? { ...examined, outcome: 'failed' as const, message: '2 findings stand in the way.' }
        : examined,
    input['kmsKeyId'] ? passed('encrypt', 'The role may use the key of the imported model') : skipped('encrypt', 'The role may use the key of the imported model'),
  ]
  const passes = checks.every(({ outcome }) => outcome !== 'failed')
  const modelBytes = { F16: 14_500_000_000, Q8_0: 7_700_000_000, Q4_K_M: 4_370_000_000 }[(input['quantization'] ?? 'F16') as Quantization]
  return {
    passes,
    checks,
    report: granted ? (broken ? UNFIT : REPORT) : null,
    model: granted ? { ...FACTS, modelBytes: broken ? 0 : modelBytes, memoryBytes: broken ? null : modelBytes + 1_700_000_000 } : null,
  }
}

interface Created extends Record<string, unknown> {
  jobName: string
  importedModelName: string
  roleArn: string
  modelDataSource: { s3DataSource: { s3Uri: string } }
  importedModelKmsKeyId?: string
}

/** Starts an import that goes through its stages in about two seconds, unless it is held. */
function start(state: State, request: IncomingMessage, body: Created): ImportDetails {
  const { imports } = state
  if (imports.jobs.some(({ jobName }) => jobName === body.jobName)) {
    throw new HttpError(400, 'ValidationException', `The job name \`${body.jobName}\` is taken`)
  }
  const header = request.headers['x-craton-quantization']
  const quantization = (typeof header === 'string' ? header : 'F16') as Quantization
  const asked = request.headers['x-craton-quantization-bound']
  const bound = typeof asked === 'string' ? asked : null
  imports.created.push({ quantization: typeof header === 'string' ? header : undefined, bound, body })
  const id = `ccccccccccc${imports.jobs.length}`
  const work: Job = {
    id: `job-${String(state.jobs.size + 1).padStart(4, '0')}`,
    kind: 'model-import',
    state: 'running',
    progress: { done: 0, total: null, unit: 'bytes', message: 'waiting' },
    attempt: 1,
    error: null,
    output: null,
    cancelRequested: false,
    createdAt: '2026-05-04T10:00:00Z',
    startedAt: '2026-05-04T10:00:00Z',
    endedAt: null,
  }
  state.jobs.set(work.id, work)
  const { s3Uri } = body.modelDataSource.s3DataSource
  const job = newJob(id, body.jobName, 'InProgress', {
    modelName: body.importedModelName,
    roleArn: body.roleArn,
    s3Uri,
    quantization,
    bound,
    kmsKeyArn: body.importedModelKmsKeyId ?? null,
    workId: work.id,
  })
  imports.jobs.unshift(job)
  void go(state, job, work)
  return job
}

async function go(state: State, job: ImportDetails, work: Job): Promise<void> {
  const say = async (message: string, done = 0, total: number | null = null) => {
    work.progress = { done, total, unit: 'bytes', message }
    await sleep(STEP_MS)
  }
  await say('examining the checkpoint')
  if (!state.imports.granted) return end(job, work, `Amazon Bedrock does not have access to the S3 location (${job.s3Uri}). Update the permissions and try again. ${DENIED}`)
  job.report = REPORT
  for (let step = 0; step <= STEPS && work.state === 'running'; step++) {
    await say('importing the weights', Math.round((TOTAL * step) / STEPS), TOTAL)
    while (state.imports.heldAt === step && work.state === 'running') await sleep(STEP_MS)
  }
  for (const stage of ['measuring the quality', 'trying the model']) if (work.state === 'running') await say(stage)
  if (work.state !== 'running') return end(job, work, 'The import was cancelled.')
  const made = newModel(job.modelId, job.modelName, job.quantization)
  state.imports.models.unshift({ ...made, jobName: job.jobName, jobArn: job.jobArn, kmsKeyArn: job.kmsKeyArn, s3Uri: job.s3Uri })
  end(job, work, null)
  work.output = { importedModelArn: job.modelArn, importedModelName: job.modelName }
}

function end(job: ImportDetails, work: Job, failure: string | null): void {
  Object.assign(job, { status: failure === null ? 'Completed' : 'Failed', failureMessage: failure, endedAt: '2026-05-04T10:00:03Z' })
  if (work.state === 'running') {
    const error = failure === null ? null : { code: 'Denied', message: failure, hint: null }
    Object.assign(work, { state: failure === null ? 'succeeded' : 'failed', error, endedAt: '2026-05-04T10:00:03Z' })
  }
}

function page<T>(items: T[], url: URL): { items: T[]; nextToken: string | null } {
  const from = Number(url.searchParams.get('nextToken') ?? 0)
  const to = from + Number(url.searchParams.get('maxResults') ?? 100)
  return { items: items.slice(from, to), nextToken: to < items.length ? String(to) : null }
}
