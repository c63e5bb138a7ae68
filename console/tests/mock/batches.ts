/** Batch inference: Bedrock's operations and Craton's own. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { BatchDetails, InvocationType } from '../../src/api/batches.ts'
import { HttpError } from './api.ts'
import { json } from './server.ts'
import { ACCOUNT, type State } from './state.ts'

interface Created {
  jobName: string
  modelId: string
  roleArn: string
  modelInvocationType: InvocationType
  inputDataConfig: { s3InputDataConfig: { s3Uri: string } }
  outputDataConfig: { s3OutputDataConfig: { s3Uri: string } }
}

/** Bedrock's operations on batches, by method and path; false for any other. */
export function batches(state: State, request: IncomingMessage, url: URL, body: string, response: ServerResponse): boolean {
  const [resource = '', id = '', action = ''] = url.pathname.slice(1).split('/').map(decodeURIComponent)
  switch (`${request.method} ${resource}${id === '' ? '' : '/:id'}${action === '' ? '' : `/${action}`}`) {
    case 'GET model-invocation-jobs': {
      const [name, status] = [url.searchParams.get('nameContains') ?? '', url.searchParams.get('statusEquals')]
      const found = state.batches.filter((one) => one.jobName.includes(name) && (status === null || one.status === status))
      const invocationJobSummaries = found.map(({ createdAt, endedAt, ...job }) => ({
        ...job,
        submitTime: createdAt,
        ...(endedAt ? { endTime: endedAt } : {}),
      }))
      json(response, 200, { invocationJobSummaries })
      return true
    }
    case 'POST model-invocation-job': {
      const job = newBatch(JSON.parse(body) as Created, state.batches.length + 1)
      state.batches.unshift(job)
      json(response, 200, { jobArn: job.jobArn })
      return true
    }
    case 'POST model-invocation-job/:id/stop': {
      Object.assign(batchOf(state, id), { status: 'Stopped', endedAt: '2026-05-04T10:05:00Z' })
      json(response, 200, {})
      return true
    }
    default:
      return false
  }
}

/** The batch of an id or ARN. */
export function batchOf(state: State, id: string): BatchDetails {
  const found = state.batches.find((one) => [one.jobId, one.jobArn].includes(id))
  if (!found) throw new HttpError(404, 'NotFound', `There is no batch inference job \`${id}\``)
  return found
}

/** A batch that answers its records until a test says that it is over. */
function newBatch(asked: Created, number: number): BatchDetails {
  const jobId = `batch${String(number).padStart(7, '0')}`
  const outputUri = asked.outputDataConfig.s3OutputDataConfig.s3Uri
  return {
    jobArn: `arn:aws:bedrock:us-east-1:${ACCOUNT}:model-invocation-job/${jobId}`,
    jobId,
    jobName: asked.jobName,
    status: 'InProgress',
    message: null,
    workId: 'job-0003',
    modelId: asked.modelId,
    modelInvocationType: asked.modelInvocationType,
    roleArn: asked.roleArn,
    inputUri: asked.inputDataConfig.s3InputDataConfig.s3Uri,
    outputUri,
    resultsUri: `${outputUri}${jobId}/`,
    resultFiles: [],
    totalRecordCount: 1_200,
    processedRecordCount: 300,
    successRecordCount: 299,
    errorRecordCount: 1,
    inputTokenCount: 9_000,
    outputTokenCount: 1_500,
    errors: [{ file: 'calls.jsonl', line: 7, recordId: 'CALL0000007', errorCode: 400, errorMessage: 'A `prompt` is required.' }],
    createdAt: '2026-05-04T10:00:00Z',
    endedAt: null,
    expiresAt: '2026-05-05T10:00:00Z',
  }
}
