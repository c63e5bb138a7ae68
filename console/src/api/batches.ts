/** Batch inference: Bedrock's operations, and Craton's own for what Bedrock has no member for. */
import { send, sendJson } from './http.ts'
import { PAGE_SIZE, type Page } from './imports.ts'

export const BATCH_STATUSES = [
  'Submitted',
  'Validating',
  'Scheduled',
  'InProgress',
  'Completed',
  'PartiallyCompleted',
  'Failed',
  'Stopping',
  'Stopped',
  'Expired',
] as const
export type BatchStatus = (typeof BATCH_STATUSES)[number]

/** Which operation's body the records have. */
export const INVOCATION_TYPES = ['InvokeModel', 'Converse'] as const
export type InvocationType = (typeof INVOCATION_TYPES)[number]

/** A row of Bedrock's list of batch jobs; times are ISO 8601. */
export interface BatchRow {
  jobArn: string
  jobName: string
  status: BatchStatus
  modelId: string
  submitTime: string
  endTime?: string
  totalRecordCount?: number
  processedRecordCount?: number
  errorRecordCount?: number
}

export interface BatchFilter {
  nameContains?: string
  status?: BatchStatus
  /** The oldest first; otherwise the newest. */
  oldestFirst?: boolean
}

/** What is answered, by which model, as which role, into what. */
export interface BatchRequest {
  jobName: string
  modelId: string
  roleArn: string
  invocationType: InvocationType
  inputUri: string
  outputUri: string
  kmsKeyId?: string
  timeoutHours?: number
  /** The accounts that the buckets belong to: another one's is refused. */
  inputOwner?: string
  outputOwner?: string
  tags?: { key: string; value: string }[]
}

/** A record that could not be answered. */
export interface BatchRecordError {
  file: string
  line: number
  recordId: string
  errorCode: number
  errorMessage: string
}

/** One batch with all that is known of it. */
export interface BatchDetails {
  jobArn: string
  jobId: string
  jobName: string
  status: BatchStatus
  message: string | null
  workId: string | null
  modelId: string
  modelInvocationType: InvocationType
  roleArn: string
  inputUri: string
  outputUri: string
  /** The folder of the results. */
  resultsUri: string
  /** The names of the results in it; none before the end. */
  resultFiles: string[]
  totalRecordCount: number
  processedRecordCount: number
  successRecordCount: number
  errorRecordCount: number
  inputTokenCount: number
  outputTokenCount: number
  /** The first of the records that failed. */
  errors: BatchRecordError[]
  createdAt: string
  endedAt: string | null
  expiresAt: string
}

export async function listBatches({ nameContains, status, oldestFirst }: BatchFilter, token?: string, signal?: AbortSignal): Promise<Page<BatchRow>> {
  const search = new URLSearchParams({
    maxResults: String(PAGE_SIZE),
    sortBy: 'CreationTime',
    sortOrder: oldestFirst ? 'Ascending' : 'Descending',
    ...(nameContains ? { nameContains } : {}),
    ...(status ? { statusEquals: status } : {}),
    ...(token === undefined ? {} : { nextToken: token }),
  })
  type Answer = { invocationJobSummaries?: BatchRow[]; nextToken?: string | null }
  const answer = await sendJson<Answer>(`/model-invocation-jobs?${search}`, { service: 'bedrock', signal })
  return { items: answer.invocationJobSummaries ?? [], next: answer.nextToken ?? undefined }
}

/** Starts a batch and gives the ARN of its job. */
export async function createBatch(request: BatchRequest): Promise<string> {
  const { jobName, modelId, roleArn, invocationType, inputUri, outputUri, kmsKeyId, timeoutHours, inputOwner, outputOwner, tags } = request
  const json = {
    jobName,
    modelId,
    roleArn,
    modelInvocationType: invocationType,
    inputDataConfig: { s3InputDataConfig: { s3Uri: inputUri, s3InputFormat: 'JSONL', ...(inputOwner ? { s3BucketOwner: inputOwner } : {}) } },
    outputDataConfig: {
      s3OutputDataConfig: {
        s3Uri: outputUri,
        ...(kmsKeyId ? { s3EncryptionKeyId: kmsKeyId } : {}),
        ...(outputOwner ? { s3BucketOwner: outputOwner } : {}),
      },
    },
    ...(timeoutHours === undefined ? {} : { timeoutDurationInHours: timeoutHours }),
    ...(tags ? { tags } : {}),
    clientRequestToken: crypto.randomUUID(),
  }
  const answer = await sendJson<{ jobArn: string }>('/model-invocation-job', { method: 'POST', json, service: 'bedrock' })
  return answer.jobArn
}

export async function stopBatch(id: string): Promise<void> {
  await send(`/model-invocation-job/${encodeURIComponent(id)}/stop`, { method: 'POST', service: 'bedrock' })
}

/** A batch by its id or ARN. */
export function getBatch(job: string, signal?: AbortSignal): Promise<BatchDetails> {
  return sendJson(`/craton/v1/batches/${encodeURIComponent(job)}`, { signal })
}
