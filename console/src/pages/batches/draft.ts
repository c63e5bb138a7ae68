import type { BatchRequest, InvocationType } from '../../api/batches.ts'
import type { Tag } from '../../ui/TagEditor.tsx'

/** What the form holds. */
export interface Draft {
  jobName: string
  modelId: string
  roleArn: string
  invocationType: InvocationType
  inputUri: string
  outputUri: string
  kmsKey: string
  /** Hours; empty for the usual 24. */
  timeout: string
  /** The accounts that the buckets belong to; empty: not looked at. */
  inputOwner: string
  outputOwner: string
  tags: Tag[]
}

/** The fields of text. */
export type TextField = Exclude<keyof Draft, 'tags'>
export type Faults = Partial<Record<keyof Draft, string>>

/** How long a job may take, in hours. */
const [LEAST_HOURS, MOST_HOURS] = [24, 168]

const S3_URI = /^s3:\/\/[a-z0-9][-.a-z0-9]{1,61}[a-z0-9](\/[-!_*'().a-z0-9A-Z]+(\/[-!_*'().a-z0-9A-Z]+)*)?\/?$/
const ROLE = /^arn:aws:iam::(\d{12}):role\/.+$/
const KEY = /^(arn:aws:kms:[a-z0-9-]+:\d{12}:(key\/[a-zA-Z0-9-]{36}|alias\/[a-zA-Z0-9/_-]+)|[a-zA-Z0-9-]{36}|alias\/[a-zA-Z0-9/_-]+)$/

export function newDraft(now: Date): Draft {
  const digits = now.toISOString().replace(/\D/g, '').slice(0, 14)
  return {
    jobName: `batch-${digits.slice(0, 8)}-${digits.slice(8)}`,
    modelId: '',
    roleArn: '',
    invocationType: 'InvokeModel',
    inputUri: '',
    outputUri: '',
    kmsKey: '',
    timeout: '',
    inputOwner: '',
    outputOwner: '',
    tags: [],
  }
}

/** What is wrong with the form, as far as that can be told here. */
export function faults(draft: Draft, account: string): Faults {
  const found: Faults = {}
  const rule = (field: keyof Draft, holds: boolean, text: string) => {
    if (!holds) found[field] = text
  }
  rule('jobName', /^[a-zA-Z0-9][a-zA-Z0-9+.-]{0,62}$/.test(draft.jobName), 'At most 63 letters, digits and + - . with a letter or a digit first')
  rule('modelId', draft.modelId.trim() !== '', 'A model id, an ARN or an inference profile')
  rule('inputUri', S3_URI.test(draft.inputUri.trim()), 'A .jsonl file or a folder in a bucket: s3://BUCKET/PREFIX/')
  rule('outputUri', S3_URI.test(draft.outputUri.trim()), 'A folder in a bucket: s3://BUCKET/PREFIX/')
  const role = ROLE.exec(draft.roleArn.trim())
  rule('roleArn', role !== null, 'The ARN of a role: arn:aws:iam::ACCOUNT:role/NAME')
  if (role && role[1] !== account) found.roleArn = `The role must be of this account, ${account}: jobs run where they are started`
  const hours = draft.timeout.trim()
  rule('timeout', hours === '' || (/^\d{1,3}$/.test(hours) && Number(hours) >= LEAST_HOURS && Number(hours) <= MOST_HOURS), `A whole number of hours from ${LEAST_HOURS} to ${MOST_HOURS}`)
  for (const field of ['inputOwner', 'outputOwner'] as const) {
    rule(field, /^(\d{12})?$/.test(draft[field].trim()), 'An account id: twelve digits')
  }
  rule('tags', draft.tags.every(({ key }) => key.trim() !== ''), 'A tag needs a key')
  rule('kmsKey', draft.kmsKey.trim() === '' || KEY.test(draft.kmsKey.trim()), 'The ARN, the id or the alias of a key')
  return found
}

/** The request that starts the batch. */
export function requestOf(draft: Draft): BatchRequest {
  const [kmsKeyId, hours, inputOwner, outputOwner] = [draft.kmsKey, draft.timeout, draft.inputOwner, draft.outputOwner].map((text) => text.trim())
  return {
    jobName: draft.jobName,
    modelId: draft.modelId.trim(),
    roleArn: draft.roleArn.trim(),
    invocationType: draft.invocationType,
    inputUri: draft.inputUri.trim(),
    outputUri: draft.outputUri.trim(),
    ...(kmsKeyId ? { kmsKeyId } : {}),
    ...(hours ? { timeoutHours: Number(hours) } : {}),
    ...(inputOwner ? { inputOwner } : {}),
    ...(outputOwner ? { outputOwner } : {}),
    ...(draft.tags.length > 0 ? { tags: draft.tags } : {}),
  }
}
