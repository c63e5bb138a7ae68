import type { CheckpointFacts, DoctorReport, ImportDetails, ImportedModel, NeededPolicy, PolicyRequest } from '../../src/api/imports.ts'

const HOST = '111122223333'
const REGION = 'us-east-1'
const KEY = `arn:aws:kms:${REGION}:${HOST}:key/6cd5d3bf-3d9b-4d1c-83d5-8df6284435a1`
export const ROLE = `arn:aws:iam::${HOST}:role/BedrockCMIExecutionRole-${HOST}`

/** What the mock server knows of imports. */
export interface ImportState {
  jobs: ImportDetails[]
  models: ImportedModel[]
  /** Whether the source's bucket policy lets the role in. */
  granted: boolean
  /** The step of twenty at which imports stay amid their weights, while there is one. */
  heldAt: number | undefined
  /** Headers and bodies of CreateModelImportJob in the order of their arrival. */
  created: { quantization: string | undefined; bound: string | null; body: Record<string, unknown> }[]
}

export function newImportState(): ImportState {
  return {
    jobs: [
      job('aaaaaaaaaaa1', 'import-support', 'Completed', { modelName: 'support-mistral', modelId: 'bbbbbbbbbbb1', report: REPORT }),
      job('aaaaaaaaaaa2', 'import-denied', 'Failed', {
        modelName: 'legal-llama',
        modelId: 'bbbbbbbbbbb2',
        failureMessage:
          'Amazon Bedrock does not have access to the S3 location (s3://model-artifacts-222233334444/legal). Update the permissions ' +
          `and try again. ${DENIED}`,
      }),
      job('aaaaaaaaaaa3', 'import-unfit', 'Failed', {
        modelName: 'old-falcon',
        modelId: 'bbbbbbbbbbb3',
        failureMessage: 'The model cannot be imported. `config.json`: `FalconForCausalLM` is not supported.',
        report: UNFIT,
      }),
    ],
    models: [
      model('bbbbbbbbbbb1', 'support-mistral', 'Q4_K_M'),
      model('bbbbbbbbbbb4', 'tiny-qwen', 'F16'),
      { ...model('bbbbbbbbbbb5', 'base-qwen', 'F16'), instruct: false },
    ],
    granted: true,
    heldAt: undefined,
    created: [],
  }
}

export function job(id: string, jobName: string, status: ImportDetails['status'], fields: Partial<ImportDetails> = {}): ImportDetails {
  const modelId = fields.modelId ?? id
  return {
    jobArn: `arn:aws:bedrock:${REGION}:${HOST}:model-import-job/${id}`,
    jobId: id,
    jobName,
    status,
    failureMessage: null,
    workId: null,
    modelName: jobName,
    modelArn: `arn:aws:bedrock:${REGION}:${HOST}:imported-model/${modelId}`,
    modelId,
    roleArn: ROLE,
    s3Uri: 's3://model-artifacts-222233334444/mistral-model-weights/',
    kmsKeyArn: KEY,
    quantization: 'Q4_K_M',
    bound: null,
    report: null,
    createdAt: '2026-05-04T08:20:00Z',
    modifiedAt: '2026-05-04T08:24:00Z',
    endedAt: status === 'InProgress' ? null : '2026-05-04T08:24:00Z',
    ...fields,
  }
}

export function model(modelId: string, modelName: string, quantization: ImportedModel['card']['quantization']): ImportedModel {
  const exact = quantization === 'F16'
  return {
    modelArn: `arn:aws:bedrock:${REGION}:${HOST}:imported-model/${modelId}`,
    modelId,
    modelName,
    architecture: exact ? 'Qwen2ForCausalLM' : 'MistralForCausalLM',
    instruct: true,
    bytes: exact ? 988_000_000 : 4_370_000_000,
    kmsKeyArn: exact ? null : KEY,
    roleArn: ROLE,
    s3Uri: 's3://model-artifacts-222233334444/mistral-model-weights/',
    jobName: 'import-support',
    jobArn: `arn:aws:bedrock:${REGION}:${HOST}:model-import-job/aaaaaaaaaaa1`,
    createdAt: '2026-05-04T08:24:00Z',
    loaded: !exact,
    tags: exact ? {} : { team: 'support' },
    card: {
      class: exact ? 'Qwen2ForCausalLM' : 'MistralForCausalLM',
      parameters: exact ? 494_000_000 : 7_240_000_000,
      layers: exact ? 24 : 32,
      hidden: exact ? 896 : 4096,
      contextLength: 32_768,
      vocabulary: exact ? 151_936 : 32_000,
      dtype: 'BF16',
      sourceBytes: exact ? 988_000_000 : 14_480_000_000,
      quantization,
      warnings: exact ? [] : ['`config.json`: the window of 4,096 tokens that attention slides over is not kept. Long texts are read whole.'],
      trial: { prompt: 'Say hello.', answer: 'Hello! How can I help you today?', millis: 840 },
      quality: {
        text: 'craton-quality-1',
        tokens: 512,
        perplexity: exact ? 9.214 : 7.871,
        exact: exact ? null : { perplexity: 7.602, agreement: 0.9393, format: 'BF16' },
        unmeasured: exact ? 'the exact form does not fit in memory' : null,
      },
    },
  }
}

export const DENIED =
  `User: arn:aws:sts::${HOST}:assumed-role/BedrockCMIExecutionRole-${HOST}/BedrockModelImport is not authorized to perform: ` +
  's3:ListBucket on resource: "arn:aws:s3:::model-artifacts-222233334444" because no resource-based policy allows the s3:ListBucket action'

export const REPORT: DoctorReport = {
  passes: true,
  findings: [
    {
      severity: 'warning',
      file: 'config.json',
      problem: 'the window of 4,096 tokens that attention slides over is not kept',
      fix: 'Long texts are read whole; nothing needs to be done.',
    },
    { severity: 'note', file: 'training_args.bin', problem: 'it is not needed', fix: 'Leave it out.' },
  ],
}

export const UNFIT: DoctorReport = {
  passes: false,
  findings: [
    { severity: 'note', file: 'training_args.bin', problem: 'it is not needed', fix: 'Leave it out.' },
    {
      severity: 'error',
      file: 'tokenizer_config.json',
      problem: 'the model has no chat template',
      fix: 'Upload the template that the model was trained with, as `chat_template` in tokenizer_config.json or as chat_template.jinja.',
    },
    { severity: 'error', file: 'model-00002-of-00002.safetensors', problem: 'it is missing', fix: 'Upload all shards that the index names.' },
  ],
}

export const FACTS: CheckpointFacts = {
  class: 'MistralForCausalLM',
  architecture: 'mistral',
  parameters: 7_240_000_000,
  layers: 32,
  hidden: 4096,
  contextLength: 32_768,
  vocabulary: 32_000,
  dtype: 'BF16',
  sourceBytes: 14_480_000_000,
  modelBytes: 14_500_000_000,
  memoryBytes: 16_200_000_000,
}

/** The article's policies, shortened. */
export function policiesOf({ roleArn, s3Uri, sourceAccount, kmsKeyArn, sourceKmsKeyArn }: PolicyRequest): NeededPolicy[] {
  const bucket = s3Uri.slice('s3://'.length).split('/')[0] ?? ''
  const host = roleArn.split(':')[4] ?? ''
  const role = roleArn.slice(roleArn.lastIndexOf('/') + 1)
  const resources = [`arn:aws:s3:::${bucket}`, `arn:aws:s3:::${bucket}/*`]
  const source = { account: sourceAccount, side: 'source' as const }
  const hosting = { account: host, side: 'host' as const }
  const bucketPolicy = {
    Version: '2012-10-17',
    Id: 'AllowCrossAccountS3Access',
    Statement: [
      {
        Sid: 'cross-account-list-get',
        Effect: 'Allow',
        Principal: { AWS: `arn:aws:iam::${host}:root` },
        Action: ['s3:ListBucket', 's3:GetObject'],
        Resource: resources,
        Condition: { ArnLike: { 'aws:PrincipalArn': `${roleArn}*` } },
      },
    ],
  }
  const rolePolicy = {
    Version: '2012-10-17',
    Statement: [{ Sid: '1', Effect: 'Allow', Action: ['s3:ListBucket', 's3:GetObject'], Resource: resources, Condition: { StringEquals: { 'aws:ResourceAccount': sourceAccount } } }],
  }
  const trust = {
    Version: '2012-10-17',
    Statement: [{ Sid: '1', Effect: 'Allow', Principal: { Service: 'bedrock.amazonaws.com' }, Action: 'sts:AssumeRole', Condition: { StringEquals: { 'aws:SourceAccount': host }, ArnEquals: { 'aws:SourceArn': `arn:aws:bedrock:${REGION}:${host}:model-import-job/*` } } }],
  }
  const all: NeededPolicy[] = [
    {
      ...source,
      step: 1,
      kind: 'bucket-policy',
      title: `Let the role read the bucket ${bucket}`,
      resource: `arn:aws:s3:::${bucket}`,
      document: bucketPolicy,
      command: `aws s3api put-bucket-policy --bucket ${bucket} --policy file://bucket-policy.json`,
    },
    {
      ...hosting,
      step: 2,
      kind: 'trust-policy',
      title: 'Let Amazon Bedrock assume the role for import jobs of this account',
      resource: roleArn,
      document: trust,
      command: `aws iam update-assume-role-policy --role-name ${role} --policy-document file://trust-policy.json`,
    },
  ]
  const statement = (side: typeof source | typeof hosting, step: number, title: string, key: string, actions: string[]): NeededPolicy => ({
    ...side,
    step,
    kind: 'key-policy-statement',
    title,
    resource: key,
    document: { Sid: 'Allow use of the key', Effect: 'Allow', Principal: { AWS: roleArn }, Action: actions, Resource: '*' },
    command: `aws kms put-key-policy --key-id ${key.slice(key.lastIndexOf('/') + 1)} --policy-name default --policy file://key-policy.json`,
  })
  if (sourceKmsKeyArn) all.push(statement(source, 3, 'Let the role decrypt the checkpoint', sourceKmsKeyArn, READ_KEY))
  if (kmsKeyArn) all.push(statement(hosting, 4, 'Let the role encrypt and decrypt the imported model', kmsKeyArn, USE_KEY))
  all.push({
    ...hosting,
    step: sourceKmsKeyArn || kmsKeyArn ? 5 : 2,
    kind: 'role-policy',
    title: 'Let the role read the checkpoint and use the keys',
    resource: roleArn,
    document: rolePolicy,
    command: `aws iam put-role-policy --role-name ${role} --policy-name BedrockModelImport --policy-document file://role-policy.json`,
  })
  return all
}

const READ_KEY = ['kms:Decrypt', 'kms:DescribeKey']
const USE_KEY = ['kms:Encrypt', 'kms:Decrypt', 'kms:ReEncrypt*', 'kms:GenerateDataKey*', 'kms:DescribeKey']
