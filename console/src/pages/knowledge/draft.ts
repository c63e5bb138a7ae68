/** A knowledge base that is being put together in the wizard, and a data source in its form. */
import type { Chunking, NewDataSource, NewKnowledgeBase } from '../../api/knowledgeBases.ts'
import { shell } from '../../ui/literals.ts'
import { objectOf } from './text.ts'
import { bedrockTrust, policy } from '../../ui/serviceTrust.ts'

export const STRATEGIES = {
  DEFAULT: { label: 'Default chunking', description: 'About 300 tokens a chunk with 20 % overlap, never through a sentence if it can be helped.' },
  FIXED_SIZE: { label: 'Fixed-size chunking', description: 'As many tokens a chunk as you say.' },
  HIERARCHICAL: { label: 'Hierarchical chunking', description: 'Small chunks are searched, the larger ones around them are retrieved.' },
  SEMANTIC: { label: 'Semantic chunking', description: 'Chunks end where the meaning of neighbouring sentences changes most.' },
  NONE: { label: 'No chunking', description: 'Every document is one chunk: for documents that are short already.' },
} as const
export type Strategy = keyof typeof STRATEGIES

export interface SourceDraft {
  type: 'S3' | 'CUSTOM'
  name: string
  s3Uri: string
  deletion: 'DELETE' | 'RETAIN'
  strategy: Strategy
  maxTokens: string
  overlapPercentage: string
  parentTokens: string
  childTokens: string
  overlapTokens: string
  semanticTokens: string
  bufferSize: string
  threshold: string
}

export interface Draft {
  name: string
  description: string
  /** Whether one of the account's roles is used instead of a new one. */
  ownRole: boolean
  roleArn: string
  /** The name of the role that is made. */
  newRole: string
  /** A model's id; it becomes an ARN. */
  model: string
  source: SourceDraft
  /** Whether the data source is synced at once. */
  sync: boolean
}

export type SourceFaults = Partial<Record<keyof SourceDraft, string>>
export type Faults = Partial<Record<Exclude<keyof Draft, 'source'>, string>> & { source: SourceFaults }

/** Bedrock's own console calls the roles that it makes so. */
export const ROLE_PREFIX = 'AmazonBedrockExecutionRoleForKnowledgeBase_'

export function newSource(name: string): SourceDraft {
  return {
    type: 'S3',
    name,
    s3Uri: '',
    deletion: 'DELETE',
    strategy: 'DEFAULT',
    maxTokens: '300',
    overlapPercentage: '20',
    parentTokens: '1500',
    childTokens: '300',
    overlapTokens: '60',
    semanticTokens: '300',
    bufferSize: '0',
    threshold: '95',
  }
}

/** A new draft; `suffix` keeps its names apart from those of others. */
export function newDraft(suffix: string): Draft {
  return {
    name: `knowledge-base-${suffix}`,
    description: '',
    ownRole: false,
    roleArn: '',
    newRole: `${ROLE_PREFIX}${suffix}`,
    model: '',
    source: newSource(`knowledge-base-${suffix}-data-source`),
    sync: true,
  }
}

/** Five letters and digits, as AWS's console adds to names. */
export function newSuffix(): string {
  return crypto.randomUUID().replace(/\D/g, '').slice(0, 5).padEnd(5, '0')
}

const NAME = /^([0-9a-zA-Z][_-]?){1,100}$/
const S3_URI = /^s3:\/\/[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](\/.*)?$/
const ROLE = /^arn:aws(?:-[^:]+)?:iam::(\d{12}):role\/.+$/

/** What cannot be sent, by field; the patterns are Bedrock's. */
export function faults(draft: Draft, account: string): Faults {
  const found: Faults = { source: sourceFaults(draft.source) }
  if (!NAME.test(draft.name)) found.name = 'At most 100 letters and digits, with single - or _ between them'
  if (draft.description.length > 200) found.description = 'At most 200 characters'
  if (draft.model.trim() === '') found.model = 'Choose an embedding model'
  if (draft.ownRole) {
    const role = ROLE.exec(draft.roleArn.trim())
    if (!role) found.roleArn = 'The ARN of a role: arn:aws:iam::ACCOUNT:role/NAME'
    else if (role[1] !== account) found.roleArn = `The role must be of this account, ${account}`
  } else if (!/^[\w+=,.@-]{1,64}$/.test(draft.newRole)) {
    found.newRole = 'At most 64 letters, digits and + = , . @ - _'
  }
  return found
}

export function sourceFaults(draft: SourceDraft): SourceFaults {
  const found: SourceFaults = {}
  const number = (field: keyof SourceDraft, least: number, most: number) => {
    const value = Number(draft[field])
    if (!/^\d{1,6}$/.test(draft[field].trim()) || value < least || value > most) found[field] = `A whole number from ${least} to ${most.toLocaleString('en')}`
  }
  if (!NAME.test(draft.name)) found.name = 'At most 100 letters and digits, with single - or _ between them'
  if (draft.type === 'S3' && !S3_URI.test(draft.s3Uri.trim())) found.s3Uri = 'A bucket, or a folder in one: s3://BUCKET/PREFIX/'
  switch (draft.strategy) {
    case 'FIXED_SIZE':
      number('maxTokens', 1, 8192)
      number('overlapPercentage', 1, 99)
      break
    case 'HIERARCHICAL':
      number('parentTokens', 1, 8192)
      number('childTokens', 1, 8192)
      number('overlapTokens', 1, 8192)
      if (Object.keys(found).length === 0 && Number(draft.childTokens) > Number(draft.parentTokens)) found.childTokens = 'Not more than the larger chunks have'
      break
    case 'SEMANTIC':
      number('semanticTokens', 1, 8192)
      number('bufferSize', 0, 1)
      number('threshold', 50, 99)
      break
  }
  return found
}

export function hasFaults({ source, ...own }: Faults): boolean {
  return Object.keys(own).length > 0 || Object.keys(source).length > 0
}

export function chunkingOf(draft: SourceDraft): Chunking | undefined {
  switch (draft.strategy) {
    case 'DEFAULT':
      return undefined
    case 'NONE':
      return { chunkingStrategy: 'NONE' }
    case 'FIXED_SIZE': {
      const fixedSizeChunkingConfiguration = { maxTokens: Number(draft.maxTokens), overlapPercentage: Number(draft.overlapPercentage) }
      return { chunkingStrategy: 'FIXED_SIZE', fixedSizeChunkingConfiguration }
    }
    case 'HIERARCHICAL': {
      const levelConfigurations = [draft.parentTokens, draft.childTokens].map((tokens) => ({ maxTokens: Number(tokens) }))
      const hierarchicalChunkingConfiguration = { levelConfigurations, overlapTokens: Number(draft.overlapTokens) }
      return { chunkingStrategy: 'HIERARCHICAL', hierarchicalChunkingConfiguration }
    }
    case 'SEMANTIC': {
      const semanticChunkingConfiguration = {
        maxTokens: Number(draft.semanticTokens),
        bufferSize: Number(draft.bufferSize),
        breakpointPercentileThreshold: Number(draft.threshold),
      }
      return { chunkingStrategy: 'SEMANTIC', semanticChunkingConfiguration }
    }
  }
}

export function sourceOf(draft: SourceDraft): NewDataSource {
  const { bucket, key } = placeOf(draft.s3Uri)
  const s3Configuration = { bucketArn: `arn:aws:s3:::${bucket}`, ...(key ? { inclusionPrefixes: [key] } : {}) }
  return {
    name: draft.name,
    dataSourceConfiguration: draft.type === 'S3' ? { type: 'S3', s3Configuration } : { type: 'CUSTOM' },
    dataDeletionPolicy: draft.deletion,
    chunking: chunkingOf(draft),
  }
}

/** A URI may name a bucket alone, with or without a slash. */
export function placeOf(uri: string): { bucket: string; key: string } {
  const text = uri.trim()
  return objectOf(text) ?? { bucket: text.replace(/^s3:\/\//, ''), key: '' }
}

export function modelArn(model: string, region: string): string {
  return model.startsWith('arn:') ? model : `arn:aws:bedrock:${region}::foundation-model/${model}`
}

export function baseOf(draft: Draft, region: string, roleArn: string): NewKnowledgeBase {
  return { name: draft.name, description: draft.description.trim(), roleArn, embeddingModelArn: modelArn(draft.model, region) }
}

/** Lets Bedrock take the role on, for knowledge bases of this account. */
export function trustPolicy(account: string, region: string): string {
  return bedrockTrust(account, region, 'knowledge-base')
}

/** Lets the role embed texts with the model. */
export function modelPolicy(model: string, region: string): string {
  return policy([{ Sid: 'EmbedTexts', Effect: 'Allow', Action: 'bedrock:InvokeModel', Resource: modelArn(model, region) }])
}

/** Lets the role read the documents, and decrypt them where the bucket's own key is a customer's. */
export function readPolicy(uri: string, account: string, kmsKeyArn?: string): string {
  const { bucket, key } = placeOf(uri)
  const ofAccount = { StringEquals: { 'aws:ResourceAccount': account } }
  return policy([
    { Sid: 'ListTheBucket', Effect: 'Allow', Action: 's3:ListBucket', Resource: `arn:aws:s3:::${bucket}`, Condition: ofAccount },
    { Sid: 'ReadDocuments', Effect: 'Allow', Action: 's3:GetObject', Resource: `arn:aws:s3:::${bucket}/${key}*`, Condition: ofAccount },
    ...(kmsKeyArn ? [{ Sid: 'Decrypt', Effect: 'Allow', Action: 'kms:Decrypt', Resource: kmsKeyArn }] : []),
  ])
}

/** The AWS CLI's lines for the same. */
export function commandsOf(draft: Draft, region: string, account: string): string {
  const roleArn = draft.ownRole ? draft.roleArn.trim() : `arn:aws:iam::${account}:role/${draft.newRole}`
  const { name, description, embeddingModelArn } = baseOf(draft, region, roleArn)
  const { dataSourceConfiguration, dataDeletionPolicy, chunking, name: sourceName } = sourceOf(draft.source)
  const command = (head: string, options: string[]) => `${head} \\\n  ${options.join(' \\\n  ')}`
  const role = draft.ownRole
    ? []
    : [
        command('aws iam create-role', [`--role-name ${shell(draft.newRole)}`, `--assume-role-policy-document ${shell(compact(trustPolicy(account, region)))}`]),
        ...rolePolicies(draft, region, account).map(([policyName, document]) =>
          command('aws iam put-role-policy', [
            `--role-name ${shell(draft.newRole)}`,
            `--policy-name ${policyName}`,
            `--policy-document ${shell(compact(document))}`,
          ]),
        ),
      ]
  const vector = { type: 'VECTOR', vectorKnowledgeBaseConfiguration: { embeddingModelArn } }
  return [
    ...role,
    command('KB=$(aws bedrock-agent create-knowledge-base', [
      `--name ${shell(name)}`,
      ...(description ? [`--description ${shell(description)}`] : []),
      `--role-arn ${shell(roleArn)}`,
      `--knowledge-base-configuration ${shell(JSON.stringify(vector))}`,
      '--query knowledgeBase.knowledgeBaseId --output text)',
    ]),
    command('SOURCE=$(aws bedrock-agent create-data-source', [
      '--knowledge-base-id "$KB"',
      `--name ${shell(sourceName)}`,
      `--data-source-configuration ${shell(JSON.stringify(dataSourceConfiguration))}`,
      `--data-deletion-policy ${dataDeletionPolicy}`,
      ...(chunking ? [`--vector-ingestion-configuration ${shell(JSON.stringify({ chunkingConfiguration: chunking }))}`] : []),
      '--query dataSource.dataSourceId --output text)',
    ]),
    ...(draft.sync && draft.source.type === 'S3'
      ? ['aws bedrock-agent start-ingestion-job --knowledge-base-id "$KB" --data-source-id "$SOURCE"']
      : []),
  ].join('\n\n')
}

const CHUNKINGS: Record<Strategy, string> = { DEFAULT: 'default', FIXED_SIZE: 'fixed', HIERARCHICAL: 'hierarchical', SEMANTIC: 'semantic', NONE: 'none' }

/** Craton's own line for the same; none where it has no options for what was chosen. It names source and role by itself. */
export function cratonCommandOf(draft: Draft): string | undefined {
  const { source } = draft
  if (source.deletion !== 'DELETE') return undefined
  const bucket = source.type === 'S3'
  const options = [
    ...(bucket ? [`--from ${shell(source.s3Uri.trim())}`] : []),
    ...(draft.description.trim() ? [`--description ${shell(draft.description.trim())}`] : []),
    `--embedding-model ${shell(draft.model)}`,
    ...(source.strategy === 'DEFAULT' ? [] : [`--chunking ${CHUNKINGS[source.strategy]}`]),
    ...sizesOf(source),
    ...(draft.ownRole ? [`--role-arn ${shell(draft.roleArn.trim())}`] : []),
    ...(draft.sync || !bucket ? [] : ['--no-sync']),
  ]
  return `craton kb create ${shell(draft.name)} \\\n  ${options.join(' \\\n  ')}`
}

/** Options for the sizes of chunks, where these are not the usual ones. */
function sizesOf(source: SourceDraft): string[] {
  const chunking = chunkingOf(source)
  const usual = chunkingOf({ ...newSource(''), strategy: source.strategy })
  if (!chunking || JSON.stringify(chunking) === JSON.stringify(usual)) return []
  const { fixedSizeChunkingConfiguration: fixed, hierarchicalChunkingConfiguration: levels, semanticChunkingConfiguration: semantic } = chunking
  const [parent, child] = levels?.levelConfigurations ?? []
  return [
    ...(fixed ? [`--chunk-tokens ${fixed.maxTokens}`, `--chunk-overlap ${fixed.overlapPercentage}`] : []),
    ...(levels && parent && child ? [`--parent-tokens ${parent.maxTokens}`, `--chunk-tokens ${child.maxTokens}`, `--chunk-overlap ${levels.overlapTokens}`] : []),
    ...(semantic
      ? [`--chunk-tokens ${semantic.maxTokens}`, `--buffer-sentences ${semantic.bufferSize}`, `--breakpoint-percentile ${semantic.breakpointPercentileThreshold}`]
      : []),
  ]
}

/** The new role's policies by name. */
export function rolePolicies(draft: Draft, region: string, account: string, kmsKeyArn?: string): [string, string][] {
  return [
    ['EmbeddingModel', modelPolicy(draft.model, region)],
    ...(draft.source.type === 'S3' ? [[sourcePolicyName(draft.source), readPolicy(draft.source.s3Uri, account, kmsKeyArn)] as [string, string]] : []),
  ]
}

/** What the policy is called that lets a role read a source: each source has its own. */
export function sourcePolicyName({ name }: Pick<SourceDraft, 'name'>): string {
  return `Read-${name}`.slice(0, 128)
}

function compact(document: string): string {
  return JSON.stringify(JSON.parse(document))
}
