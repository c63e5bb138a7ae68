/** Knowledge bases in words, and where their pages are. */
import type { StatusIndicatorProps } from '@cloudscape-design/components/status-indicator'
import type {
  Chunking,
  DataSource,
  DataSourceStatus,
  DocumentStatus,
  IngestionJob,
  IngestionStatistics,
  IngestionStatus,
  KnowledgeBase,
  KnowledgeBaseStatus,
  SourceConfiguration,
} from '../../api/knowledgeBases.ts'
import type { Location } from '../../api/retrieval.ts'
import { integer } from '../../ui/format.ts'
import type { Effect } from './turn.ts'

export const PATH = '/knowledge-bases'

const path = (query: Record<string, string>) => `${PATH}?${new URLSearchParams(query)}`

export const createPath = (step: string) => path({ create: step })
/** The wizard, of the documents in a bucket or in a folder of one. */
export const createOfPath = (uri: string) => path({ create: 'details', uri })
export const basePath = (kb: string) => path({ kb })
export const testPath = (kb: string) => path({ kb, test: '1' })
export const addSourcePath = (kb: string) => path({ kb, add: '1' })
export const sourcePath = (kb: string, source: string, tab?: string) => path({ kb, source, ...(tab ? { tab } : {}) })
export const jobPath = (kb: string, source: string, job: string) => path({ kb, source, job })
export const documentPath = (kb: string, source: string, document: string, chunk?: string) =>
  path({ kb, source, document, ...(chunk ? { chunk } : {}) })

export interface Shown {
  type: StatusIndicatorProps.Type
  text: string
}

const BASE_STATUSES: Record<KnowledgeBaseStatus, Shown> = {
  CREATING: { type: 'in-progress', text: 'Creating' },
  ACTIVE: { type: 'success', text: 'Available' },
  DELETING: { type: 'in-progress', text: 'Deleting' },
  UPDATING: { type: 'in-progress', text: 'Updating' },
  FAILED: { type: 'error', text: 'Failed' },
  DELETE_UNSUCCESSFUL: { type: 'error', text: 'Not deleted' },
  UPDATE_UNSUCCESSFUL: { type: 'error', text: 'Not updated' },
}

const SOURCE_STATUSES: Record<DataSourceStatus, Shown> = {
  AVAILABLE: { type: 'success', text: 'Available' },
  CREATING: { type: 'in-progress', text: 'Creating' },
  UPDATING: { type: 'in-progress', text: 'Updating' },
  DELETING: { type: 'in-progress', text: 'Deleting' },
  DELETE_UNSUCCESSFUL: { type: 'error', text: 'Not deleted' },
  FAILED: { type: 'error', text: 'Failed' },
}

const JOB_STATUSES: Record<IngestionStatus, Shown> = {
  STARTING: { type: 'pending', text: 'Starting' },
  IN_PROGRESS: { type: 'in-progress', text: 'In progress' },
  COMPLETE: { type: 'success', text: 'Complete' },
  FAILED: { type: 'error', text: 'Failed' },
  STOPPING: { type: 'in-progress', text: 'Stopping' },
  STOPPED: { type: 'stopped', text: 'Stopped' },
}

const DOCUMENT_STATUSES: Record<DocumentStatus, Shown> = {
  INDEXED: { type: 'success', text: 'Indexed' },
  PARTIALLY_INDEXED: { type: 'warning', text: 'Partially indexed' },
  PENDING: { type: 'pending', text: 'Pending' },
  FAILED: { type: 'error', text: 'Failed' },
  METADATA_PARTIALLY_INDEXED: { type: 'warning', text: 'Metadata partially indexed' },
  METADATA_UPDATE_FAILED: { type: 'error', text: 'Metadata not updated' },
  IGNORED: { type: 'stopped', text: 'Ignored' },
  NOT_FOUND: { type: 'warning', text: 'Not found' },
  STARTING: { type: 'pending', text: 'Starting' },
  IN_PROGRESS: { type: 'in-progress', text: 'In progress' },
  DELETING: { type: 'in-progress', text: 'Deleting' },
  DELETE_IN_PROGRESS: { type: 'in-progress', text: 'Deleting' },
}

const unknown = (status: string): Shown => ({ type: 'info', text: status })

export const baseStatus = (status: KnowledgeBaseStatus): Shown => BASE_STATUSES[status] ?? unknown(status)
export const sourceStatus = (status: DataSourceStatus): Shown => SOURCE_STATUSES[status] ?? unknown(status)
export const jobStatus = (status: IngestionStatus): Shown => JOB_STATUSES[status] ?? unknown(status)
export const documentStatus = (status: DocumentStatus): Shown => DOCUMENT_STATUSES[status] ?? unknown(status)

/** Whether it will change by itself. */
export function isMoving({ type }: Shown): boolean {
  return type === 'in-progress' || type === 'pending'
}

/** Whether an ingestion job will never change again. */
export function isOver(status: IngestionStatus): boolean {
  return status === 'COMPLETE' || status === 'FAILED' || status === 'STOPPED'
}

/** Whether there are chunks of a document to look at. */
export function hasChunks(status: DocumentStatus): boolean {
  return !['FAILED', 'PENDING', 'STARTING', 'NOT_FOUND', 'IGNORED'].includes(status)
}

/** The model of an ARN of Bedrock: `amazon.titan-embed-text-v2:0`. Any other ARN is told whole. */
export function modelOf(arn: string): string {
  return /^arn:[^:]+:bedrock:[^:]*:[^:]*:foundation-model\/(.+)$/.exec(arn)?.[1] ?? arn
}

export function embeddingModelOf(kb: KnowledgeBase): string {
  const arn = kb.knowledgeBaseConfiguration.vectorKnowledgeBaseConfiguration?.embeddingModelArn
  return arn === undefined ? '–' : modelOf(arn)
}

/** Where a data source's documents come from: `s3://policies/hr/`. */
export function originOf({ type, s3Configuration }: SourceConfiguration): string {
  if (!s3Configuration) return type === 'CUSTOM' ? 'Documents put in directly' : type
  return `s3://${bucketOf(s3Configuration.bucketArn)}/${s3Configuration.inclusionPrefixes?.[0] ?? ''}`
}

export function bucketOf(arn: string): string {
  return arn.slice(arn.lastIndexOf(':') + 1)
}

/** The bucket and the key of an S3 URI; nothing for anything else. */
export function objectOf(uri: string): { bucket: string; key: string } | undefined {
  const found = /^s3:\/\/([^/]+)\/(.*)$/.exec(uri)
  return found ? { bucket: found[1] ?? '', key: found[2] ?? '' } : undefined
}

/** A document's name without its folders. */
export function shortName(name: string): string {
  return name.split('/').filter(Boolean).pop() ?? name
}

export function placeOf({ s3Location, customDocumentLocation, type }: Location): string {
  return s3Location?.uri ?? customDocumentLocation?.id ?? type
}

export function chunkingText(source: DataSource): string {
  const chunking = source.vectorIngestionConfiguration?.chunkingConfiguration
  return chunking ? describeChunking(chunking) : 'Default: about 300 tokens, 20 % overlap'
}

export function describeChunking(chunking: Chunking): string {
  const { fixedSizeChunkingConfiguration: fixed, hierarchicalChunkingConfiguration: levels, semanticChunkingConfiguration: semantic } = chunking
  switch (chunking.chunkingStrategy) {
    case 'NONE':
      return 'None: every document is one chunk'
    case 'FIXED_SIZE':
      return fixed ? `Fixed size: ${integer(fixed.maxTokens)} tokens, ${fixed.overlapPercentage} % overlap` : 'Fixed size'
    case 'HIERARCHICAL': {
      const [parent, child] = levels?.levelConfigurations ?? []
      return `Hierarchical: ${integer(parent?.maxTokens)} and ${integer(child?.maxTokens)} tokens, ${integer(levels?.overlapTokens)} overlap`
    }
    case 'SEMANTIC':
      return semantic
        ? `Semantic: up to ${integer(semantic.maxTokens)} tokens, breaks at the ${semantic.breakpointPercentileThreshold}th percentile, ${semantic.bufferSize} sentences around`
        : 'Semantic'
  }
}

/** The counts of a job in the order in which they are read. */
export const COUNTS: { member: keyof IngestionStatistics; label: string; column: string }[] = [
  { member: 'numberOfDocumentsScanned', label: 'Documents scanned', column: 'Scanned' },
  { member: 'numberOfNewDocumentsIndexed', label: 'New, indexed', column: 'New' },
  { member: 'numberOfModifiedDocumentsIndexed', label: 'Modified, indexed anew', column: 'Modified' },
  { member: 'numberOfDocumentsDeleted', label: 'Deleted', column: 'Deleted' },
  { member: 'numberOfDocumentsFailed', label: 'Failed', column: 'Failed' },
  { member: 'numberOfDocumentsSkipped', label: 'Skipped', column: 'Skipped' },
  { member: 'numberOfMetadataDocumentsScanned', label: 'Metadata files scanned', column: 'Metadata files' },
  { member: 'numberOfMetadataDocumentsModified', label: 'Metadata changed', column: 'Metadata changed' },
]

/** What a job did, in a sentence: `12 new, 3 modified, 1 failed of 40`. */
export function summaryOf({ statistics = {} }: Pick<IngestionJob, 'statistics'>): string {
  const of = (count: number | undefined, word: string) => (count ? [`${integer(count)} ${word}`] : [])
  const parts = [
    ...of(statistics.numberOfNewDocumentsIndexed, 'new'),
    ...of(statistics.numberOfModifiedDocumentsIndexed, 'modified'),
    ...of(statistics.numberOfMetadataDocumentsModified, 'with changed metadata'),
    ...of(statistics.numberOfDocumentsDeleted, 'deleted'),
    ...of(statistics.numberOfDocumentsFailed, 'failed'),
    ...of(statistics.numberOfDocumentsSkipped, 'skipped'),
  ]
  const scanned = statistics.numberOfDocumentsScanned ?? 0
  return `${parts.join(', ') || 'nothing changed'} of ${integer(scanned)} scanned`
}

/** Why a job failed, and why documents did in it. */
export interface Failures {
  own: string | undefined
  /** Those that are told: the first hundred. */
  documents: { name: string | undefined; reason: string }[]
  /** How many more there are. */
  untold: number
}

/** Between a document and its reason, which is a sentence. A key may have it, too. */
const SEPARATOR = /: (?=[A-Z`])/

/** What failed in a job: of one that failed itself, the first reason is its own. Where it does not show where a document's name ends, none is told. */
export function failuresOf({ status, failureReasons = [], statistics }: Pick<IngestionJob, 'status' | 'failureReasons' | 'statistics'>): Failures {
  const own = status === 'FAILED' ? failureReasons[0] : undefined
  const documents = failureReasons.slice(own === undefined ? 0 : 1).map((told) => {
    const [name, reason, ...more] = told.startsWith('s3://') ? told.split(SEPARATOR) : []
    return reason === undefined || more.length > 0 ? { name: undefined, reason: told } : { name, reason }
  })
  return { own, documents, untold: Math.max(0, (statistics?.numberOfDocumentsFailed ?? 0) - documents.length) }
}

/** `0.8312` → `0.831` */
export function scoreText(score: number): string {
  return score.toFixed(3)
}

/** What was made of a passage after the search: `4th before reranking, with 0.612 · 240 characters of its neighbours joined`. */
export function effectText({ before, reranked, joined, repeats }: Effect): string {
  const parts = [
    reranked && before ? `${ordinal(before.rank)} before reranking, with ${scoreText(before.score)}` : undefined,
    joined > 0 ? `${integer(joined)} characters of its neighbours joined` : undefined,
    repeats ? 'says nearly the same as a better one' : undefined,
  ]
  return parts.filter((part) => part !== undefined).join(' · ')
}

const ENDINGS: Record<string, string> = { one: 'st', two: 'nd', few: 'rd', other: 'th' }
const RULES = new Intl.PluralRules('en', { type: 'ordinal' })

/** `22` → `22nd` */
function ordinal(number: number): string {
  return `${integer(number)}${ENDINGS[RULES.select(number)]}`
}
