import type { BatchRequest, InvocationType } from '../../api/batches.ts'

/** What the form holds. */
export interface Draft {
  jobName: string
  modelId: string
  roleArn: string
  invocationType: InvocationType
  inputUri: string
  outputUri: string
  kmsKey: string
}

export type Faults = Partial<Record<keyof Draft, string>>

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
  rule('kmsKey', draft.kmsKey.trim() === '' || KEY.test(draft.kmsKey.trim()), 'The ARN, the id or the alias of a key')
  return found
}

/** The request that starts the batch. */
export function requestOf(draft: Draft): BatchRequest {
  const kmsKeyId = draft.kmsKey.trim()
  return {
    jobName: draft.jobName,
    modelId: draft.modelId.trim(),
    roleArn: draft.roleArn.trim(),
    invocationType: draft.invocationType,
    inputUri: draft.inputUri.trim(),
    outputUri: draft.outputUri.trim(),
    ...(kmsKeyId ? { kmsKeyId } : {}),
  }
}
