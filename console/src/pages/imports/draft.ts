/** An import that is being put together in the wizard. */
import type { ImportDetails, ImportRequest, PolicyRequest, Quantization } from '../../api/imports.ts'
import { QUANTIZATIONS } from '../../api/imports.ts'
import type { KeyRow } from '../../api/kms.ts'
import { shell } from '../../ui/literals.ts'

export interface Draft {
  s3Uri: string
  /** Empty: the account of the caller. */
  sourceAccount: string
  /** The key that the files are encrypted under, if it is a customer's. */
  sourceKey: string
  roleArn: string
  jobName: string
  modelName: string
  quantization: Quantization
  /** What the model must keep to against its weights as they came; empty: the type's own bound. */
  bound: string
  /** The key to encrypt the model under; empty: Craton's own. */
  kmsKey: string
  tags: { key: string; value: string }[]
}

export type Faults = Partial<Record<keyof Draft, string>>

/** An empty draft, with a job's name that no other has. */
export function newDraft(now: Date): Draft {
  const stamp = now.toISOString().slice(0, 19).replace(/[-:]/g, '').replace('T', '-')
  return {
    s3Uri: '',
    sourceAccount: '',
    sourceKey: '',
    roleArn: '',
    jobName: `import-${stamp}`,
    modelName: '',
    quantization: 'F16',
    bound: '',
    kmsKey: '',
    tags: [],
  }
}

/** A draft that asks for the same import as a job did. */
export function draftOf(job: ImportDetails, now: Date): Draft {
  const { s3Uri, roleArn, modelName, quantization, bound, kmsKeyArn } = job
  return { ...newDraft(now), s3Uri, roleArn, modelName, quantization, bound: bound ?? '', kmsKey: kmsKeyArn ?? '' }
}

/** What cannot be sent, by field; the patterns are Bedrock's. */
export function faults(draft: Draft, account: string): Faults {
  const found: Faults = {}
  const rule = (field: keyof Draft, holds: boolean, text: string) => {
    if (!holds) found[field] = text
  }
  rule('s3Uri', S3_URI.test(draft.s3Uri.trim()), 'A folder in a bucket: s3://BUCKET/PREFIX/')
  rule('sourceAccount', /^(\d{12})?$/.test(draft.sourceAccount.trim()), 'An account id has 12 digits')
  rule('sourceKey', draft.sourceKey.trim() === '' || KEY_ARN.test(draft.sourceKey.trim()), 'The ARN of a key: arn:aws:kms:REGION:ACCOUNT:key/ID')
  const role = ROLE.exec(draft.roleArn.trim())
  rule('roleArn', role !== null, 'The ARN of a role: arn:aws:iam::ACCOUNT:role/NAME')
  if (role && role[1] !== account) found.roleArn = `The role must be of this account, ${account}: jobs run where they are started`
  rule('jobName', /^[a-zA-Z0-9][a-zA-Z0-9+.-]{0,62}$/.test(draft.jobName), 'At most 63 letters, digits and + - . with a letter or a digit first')
  rule(
    'modelName',
    draft.modelName.length <= 63 && /^[0-9a-zA-Z]([_-]?[0-9a-zA-Z])*[_-]?$/.test(draft.modelName),
    'At most 63 letters and digits, with single - or _ between them',
  )
  rule('bound', BOUND.test(draft.bound.trim()), 'Such as labels=0.9,argmax=0.8,perplexity=1.1, or none')
  rule('kmsKey', draft.kmsKey.trim() === '' || KEY.test(draft.kmsKey.trim()), 'The ARN, the id or the alias of a key')
  rule('tags', draft.tags.every(({ key }) => key.trim() !== ''), 'A tag needs a key')
  return found
}

/** The request that starts the import, and that is checked before. */
export function requestOf(draft: Draft): ImportRequest {
  const kmsKeyId = draft.kmsKey.trim()
  const bound = draft.bound.trim()
  return {
    jobName: draft.jobName,
    modelName: draft.modelName,
    roleArn: draft.roleArn.trim(),
    s3Uri: draft.s3Uri.trim(),
    ...(kmsKeyId ? { kmsKeyId } : {}),
    quantization: draft.quantization,
    ...(bound ? { bound } : {}),
    tags: draft.tags,
  }
}

/** What the policies are made of: they name keys by their ARNs. */
export function policyRequestOf(draft: Draft, account: string, keys: KeyRow[]): PolicyRequest {
  const kmsKeyArn = keyArn(draft.kmsKey.trim(), keys)
  const sourceKmsKeyArn = draft.sourceKey.trim()
  return {
    roleArn: draft.roleArn.trim(),
    s3Uri: draft.s3Uri.trim(),
    sourceAccount: draft.sourceAccount.trim() || account,
    ...(kmsKeyArn ? { kmsKeyArn } : {}),
    ...(sourceKmsKeyArn ? { sourceKmsKeyArn } : {}),
  }
}

/** The ARN of a key that was named by ARN, id or alias. */
export function keyArn(text: string, keys: KeyRow[]): string {
  const found = keys.find(({ KeyId, Arn, aliases }) => [KeyId, Arn, ...aliases].includes(text.replace(/^arn:.*:(?=alias\/)/, '')))
  return found?.Arn ?? text
}

/** The AWS CLI's line for the same import. It has no option for the quantization. */
export function commandOf(request: ImportRequest): string {
  const tags = request.tags.map(({ key, value }) => shell(`key=${key},value=${value}`)).join(' ')
  const options = [
    `--job-name ${shell(request.jobName)}`,
    `--imported-model-name ${shell(request.modelName)}`,
    `--role-arn ${shell(request.roleArn)}`,
    `--model-data-source ${shell(JSON.stringify({ s3DataSource: { s3Uri: request.s3Uri } }))}`,
    ...(request.kmsKeyId ? [`--imported-model-kms-key-id ${shell(request.kmsKeyId)}`] : []),
    ...(tags ? [`--job-tags ${tags}`, `--imported-model-tags ${tags}`] : []),
  ]
  return `aws bedrock create-model-import-job \\\n  ${options.join(' \\\n  ')}`
}

/** Craton's own line for the same import, which checks it first and follows it. */
export function cratonCommandOf(request: ImportRequest): string {
  const tags = request.tags.flatMap(({ key, value }) => [`--tag ${shell(`${key}=${value}`)}`, `--model-tag ${shell(`${key}=${value}`)}`])
  const options = [
    `--job-name ${shell(request.jobName)}`,
    `--model-name ${shell(request.modelName)}`,
    `--from ${shell(request.s3Uri)}`,
    `--role-arn ${shell(request.roleArn)}`,
    `--quantization ${request.quantization}`,
    ...(request.bound ? [`--bound ${shell(request.bound)}`] : []),
    ...(request.kmsKeyId ? [`--kms-key ${shell(request.kmsKeyId)}`] : []),
    ...tags,
  ]
  return `craton import create \\\n  ${options.join(' \\\n  ')}`
}

const KEPT = 'craton.import-draft'

/** Keeps a draft for this tab, so that it outlasts a look at another page. It holds no secret. */
export function keep(draft: Draft): void {
  window.sessionStorage.setItem(KEPT, JSON.stringify(draft))
}

export function forget(): void {
  window.sessionStorage.removeItem(KEPT)
}

/** The draft of this tab, or a new one. */
export function kept(now: Date): Draft {
  return parse(window.sessionStorage.getItem(KEPT), now)
}

/** A draft out of its text; what is missing or odd is as in a new one. */
export function parse(text: string | null, now: Date): Draft {
  const fresh = newDraft(now)
  try {
    const found = JSON.parse(text ?? '{}') as Partial<Record<keyof Draft, unknown>>
    const word = (field: Exclude<keyof Draft, 'tags' | 'quantization'>) => {
      const value = found[field]
      return typeof value === 'string' ? value : fresh[field]
    }
    return {
      s3Uri: word('s3Uri'),
      sourceAccount: word('sourceAccount'),
      sourceKey: word('sourceKey'),
      roleArn: word('roleArn'),
      jobName: word('jobName'),
      modelName: word('modelName'),
      bound: word('bound'),
      kmsKey: word('kmsKey'),
      quantization: QUANTIZATIONS.find((one) => one === found.quantization) ?? fresh.quantization,
      tags: Array.isArray(found.tags) ? (found.tags as Draft['tags']) : [],
    }
  } catch {
    return fresh
  }
}

const S3_URI = /^s3:\/\/[a-z0-9][-.a-z0-9]{1,61}[a-z0-9](?:\/[-!_*'().a-z0-9A-Z]+)*\/?$/
const ROLE = /^arn:aws(?:-[^:]+)?:iam::(\d{12}):role\/\S+$/
const KEY_ARN = /^arn:aws(?:-[^:]+)?:kms:[a-zA-Z0-9-]+:\d{12}:key\/[a-zA-Z0-9-]{36}$/
const BOUND = /^(none|default|(labels|argmax|perplexity)\s*=\s*[\d.]+(\s*,\s*(labels|argmax|perplexity)\s*=\s*[\d.]+)*)?$/
const KEY = /^(arn:aws(-[^:]+)?:kms:[a-zA-Z0-9-]*:\d{12}:(key\/[a-zA-Z0-9-]{36}|alias\/[a-zA-Z0-9-_/]+)|[a-zA-Z0-9-]{36}|alias\/[a-zA-Z0-9-_/]+)$/
