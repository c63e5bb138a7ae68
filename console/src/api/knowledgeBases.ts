/** Knowledge bases, their data sources, ingestion jobs and documents: the operations of Agents for Amazon Bedrock. */
import { send, sendJson, type Call } from './http.ts'
import { PAGE_SIZE, type Page } from './imports.ts'

export type KnowledgeBaseStatus = 'CREATING' | 'ACTIVE' | 'DELETING' | 'UPDATING' | 'FAILED' | 'DELETE_UNSUCCESSFUL' | 'UPDATE_UNSUCCESSFUL'
export type DataSourceStatus = 'AVAILABLE' | 'CREATING' | 'UPDATING' | 'DELETING' | 'DELETE_UNSUCCESSFUL' | 'FAILED'
export type IngestionStatus = 'STARTING' | 'IN_PROGRESS' | 'COMPLETE' | 'FAILED' | 'STOPPING' | 'STOPPED'
export type DocumentStatus =
  | 'INDEXED'
  | 'PARTIALLY_INDEXED'
  | 'PENDING'
  | 'FAILED'
  | 'METADATA_PARTIALLY_INDEXED'
  | 'METADATA_UPDATE_FAILED'
  | 'IGNORED'
  | 'NOT_FOUND'
  | 'STARTING'
  | 'IN_PROGRESS'
  | 'DELETING'
  | 'DELETE_IN_PROGRESS'

/** A row of the list; times are ISO 8601 here and below. */
export interface KnowledgeBaseRow {
  knowledgeBaseId: string
  name: string
  description?: string
  status: KnowledgeBaseStatus
  updatedAt: string
}

export interface KnowledgeBase extends KnowledgeBaseRow {
  knowledgeBaseArn: string
  roleArn: string
  knowledgeBaseConfiguration: {
    type: string
    vectorKnowledgeBaseConfiguration?: { embeddingModelArn: string }
  }
  storageConfiguration?: { type: string }
  createdAt: string
  failureReasons?: string[]
}

export interface NewKnowledgeBase {
  name: string
  description: string
  roleArn: string
  embeddingModelArn: string
}

/** How documents are cut; absent: as the service does by default. */
export interface Chunking {
  chunkingStrategy: 'FIXED_SIZE' | 'NONE' | 'HIERARCHICAL' | 'SEMANTIC'
  fixedSizeChunkingConfiguration?: { maxTokens: number; overlapPercentage: number }
  hierarchicalChunkingConfiguration?: { levelConfigurations: { maxTokens: number }[]; overlapTokens: number }
  semanticChunkingConfiguration?: { maxTokens: number; bufferSize: number; breakpointPercentileThreshold: number }
}

export interface SourceConfiguration {
  type: string
  s3Configuration?: { bucketArn: string; inclusionPrefixes?: string[]; bucketOwnerAccountId?: string }
}

export interface DataSourceRow {
  knowledgeBaseId: string
  dataSourceId: string
  name: string
  status: DataSourceStatus
  description?: string
  updatedAt: string
}

export interface DataSource extends DataSourceRow {
  dataSourceConfiguration: SourceConfiguration
  vectorIngestionConfiguration?: { chunkingConfiguration?: Chunking }
  dataDeletionPolicy?: 'RETAIN' | 'DELETE'
  createdAt: string
  failureReasons?: string[]
}

export interface NewDataSource {
  name: string
  dataSourceConfiguration: SourceConfiguration
  dataDeletionPolicy: 'RETAIN' | 'DELETE'
  chunking: Chunking | undefined
}

export interface IngestionStatistics {
  numberOfDocumentsScanned?: number
  numberOfMetadataDocumentsScanned?: number
  numberOfNewDocumentsIndexed?: number
  numberOfModifiedDocumentsIndexed?: number
  numberOfMetadataDocumentsModified?: number
  numberOfDocumentsDeleted?: number
  numberOfDocumentsFailed?: number
  numberOfDocumentsSkipped?: number
}

export interface IngestionJob {
  knowledgeBaseId: string
  dataSourceId: string
  ingestionJobId: string
  status: IngestionStatus
  statistics?: IngestionStatistics
  /** Only where one job is asked for. */
  failureReasons?: string[]
  startedAt: string
  updatedAt: string
}

export interface DocumentIdentifier {
  dataSourceType: 'S3' | 'CUSTOM'
  s3?: { uri: string }
  custom?: { id: string }
}

export interface DocumentRow {
  knowledgeBaseId: string
  dataSourceId: string
  status: DocumentStatus
  identifier: DocumentIdentifier
  statusReason?: string
  updatedAt?: string
}

/** A document whose text comes with the request. */
export interface InlineDocument {
  id: string
  text: string
  /** Users who may read it; nobody named: everybody who may ask. */
  readers: string[]
}

const agent = <T>(path: string, call: Call = {}): Promise<T> => sendJson<T>(path, { ...call, service: 'bedrock-agent' })
const base = (id: string) => `/knowledgebases/${encodeURIComponent(id)}`
const source = (id: string, dataSource: string) => `${base(id)}/datasources/${encodeURIComponent(dataSource)}`
const job = (id: string, dataSource: string, jobId: string) => `${source(id, dataSource)}/ingestionjobs/${encodeURIComponent(jobId)}`
/** One page, of the size that the console's lists have. */
const paged = (token: string | undefined, more: object = {}) => ({ maxResults: PAGE_SIZE, ...more, ...(token === undefined ? {} : { nextToken: token }) })
/** AWS wants at least 33 characters. */
const clientToken = () => crypto.randomUUID()

export async function listKnowledgeBases(token?: string, signal?: AbortSignal): Promise<Page<KnowledgeBaseRow>> {
  type Answer = { knowledgeBaseSummaries?: KnowledgeBaseRow[]; nextToken?: string | null }
  const answer = await agent<Answer>('/knowledgebases/', { method: 'POST', json: paged(token), signal })
  return { items: answer.knowledgeBaseSummaries ?? [], next: answer.nextToken ?? undefined }
}

export async function getKnowledgeBase(id: string, signal?: AbortSignal): Promise<KnowledgeBase> {
  return (await agent<{ knowledgeBase: KnowledgeBase }>(base(id), { signal })).knowledgeBase
}

/** Makes a knowledge base whose vectors this server keeps. */
export async function createKnowledgeBase(asked: NewKnowledgeBase): Promise<KnowledgeBase> {
  const { name, description, roleArn, embeddingModelArn } = asked
  const json = {
    name,
    ...(description ? { description } : {}),
    roleArn,
    knowledgeBaseConfiguration: { type: 'VECTOR', vectorKnowledgeBaseConfiguration: { embeddingModelArn } },
    clientToken: clientToken(),
  }
  return (await agent<{ knowledgeBase: KnowledgeBase }>('/knowledgebases/', { method: 'PUT', json })).knowledgeBase
}

/** Changes name, description and role; the rest stays as it is. */
export async function updateKnowledgeBase(kb: KnowledgeBase, change: { name: string; description: string; roleArn: string }): Promise<void> {
  const { name, description, roleArn } = change
  const json = {
    name,
    ...(description ? { description } : {}),
    roleArn,
    knowledgeBaseConfiguration: kb.knowledgeBaseConfiguration,
    ...(kb.storageConfiguration ? { storageConfiguration: kb.storageConfiguration } : {}),
  }
  await agent(base(kb.knowledgeBaseId), { method: 'PUT', json })
}

export async function deleteKnowledgeBase(id: string): Promise<void> {
  await send(base(id), { method: 'DELETE', service: 'bedrock-agent' })
}

/** All data sources; a knowledge base has few. */
export async function listDataSources(id: string, signal?: AbortSignal): Promise<DataSourceRow[]> {
  type Answer = { dataSourceSummaries?: DataSourceRow[]; nextToken?: string | null }
  const found: DataSourceRow[] = []
  let token: string | undefined
  do {
    const json = paged(token, { maxResults: 100 })
    const page: Answer = await agent<Answer>(`${base(id)}/datasources/`, { method: 'POST', json, signal })
    found.push(...(page.dataSourceSummaries ?? []))
    token = page.nextToken ?? undefined
  } while (token !== undefined)
  return found
}

export async function getDataSource(id: string, dataSource: string, signal?: AbortSignal): Promise<DataSource> {
  return (await agent<{ dataSource: DataSource }>(source(id, dataSource), { signal })).dataSource
}

export async function createDataSource(id: string, asked: NewDataSource): Promise<DataSource> {
  const { name, dataSourceConfiguration, dataDeletionPolicy, chunking } = asked
  const json = {
    name,
    dataSourceConfiguration,
    dataDeletionPolicy,
    ...(chunking ? { vectorIngestionConfiguration: { chunkingConfiguration: chunking } } : {}),
    clientToken: clientToken(),
  }
  return (await agent<{ dataSource: DataSource }>(`${base(id)}/datasources/`, { method: 'PUT', json })).dataSource
}

export async function deleteDataSource(id: string, dataSource: string): Promise<void> {
  await send(source(id, dataSource), { method: 'DELETE', service: 'bedrock-agent' })
}

export async function startIngestionJob(id: string, dataSource: string): Promise<IngestionJob> {
  const json = { clientToken: clientToken() }
  return (await agent<{ ingestionJob: IngestionJob }>(`${source(id, dataSource)}/ingestionjobs/`, { method: 'PUT', json })).ingestionJob
}

/** The jobs of a data source, the newest first. */
export async function listIngestionJobs(
  id: string,
  dataSource: string,
  token?: string,
  signal?: AbortSignal,
  size = PAGE_SIZE,
): Promise<Page<IngestionJob>> {
  type Answer = { ingestionJobSummaries?: IngestionJob[]; nextToken?: string | null }
  const json = paged(token, { maxResults: size, sortBy: { attribute: 'STARTED_AT', order: 'DESCENDING' } })
  const answer = await agent<Answer>(`${source(id, dataSource)}/ingestionjobs/`, { method: 'POST', json, signal })
  return { items: answer.ingestionJobSummaries ?? [], next: answer.nextToken ?? undefined }
}

export async function getIngestionJob(id: string, dataSource: string, jobId: string, signal?: AbortSignal): Promise<IngestionJob> {
  return (await agent<{ ingestionJob: IngestionJob }>(job(id, dataSource, jobId), { signal })).ingestionJob
}

export async function stopIngestionJob(id: string, dataSource: string, jobId: string): Promise<void> {
  await send(`${job(id, dataSource, jobId)}/stop`, { method: 'POST', service: 'bedrock-agent' })
}

export async function listDocuments(id: string, dataSource: string, token?: string, signal?: AbortSignal): Promise<Page<DocumentRow>> {
  type Answer = { documentDetails?: DocumentRow[]; nextToken?: string | null }
  const answer = await agent<Answer>(`${source(id, dataSource)}/documents`, { method: 'POST', json: paged(token), signal })
  return { items: answer.documentDetails ?? [], next: answer.nextToken ?? undefined }
}

export async function getDocument(
  id: string,
  dataSource: string,
  identifier: DocumentIdentifier,
  signal?: AbortSignal,
): Promise<DocumentRow | undefined> {
  const json = { documentIdentifiers: [identifier] }
  const answer = await agent<{ documentDetails?: DocumentRow[] }>(`${source(id, dataSource)}/documents/getDocuments`, { method: 'POST', json, signal })
  return answer.documentDetails?.[0]
}

/** Puts a text into a data source of the type CUSTOM. */
export async function ingestDocument(id: string, dataSource: string, { id: name, text, readers }: InlineDocument): Promise<void> {
  const content = {
    dataSourceType: 'CUSTOM',
    custom: {
      customDocumentIdentifier: { id: name },
      sourceType: 'IN_LINE',
      inlineContent: { type: 'TEXT', textContent: { data: text } },
    },
  }
  const metadata = { type: 'IN_LINE_ATTRIBUTE', accessControlList: readers.map((reader) => ({ name: reader, type: 'USER', access: 'ALLOW' })) }
  const json = { documents: [{ content, ...(readers.length > 0 ? { metadata } : {}) }], clientToken: clientToken() }
  await agent(`${source(id, dataSource)}/documents`, { method: 'PUT', json })
}

export async function deleteDocument(id: string, dataSource: string, identifier: DocumentIdentifier): Promise<void> {
  const json = { documentIdentifiers: [identifier], clientToken: clientToken() }
  await agent(`${source(id, dataSource)}/documents/deleteDocuments`, { method: 'POST', json })
}

/** The name by which a document is asked for: its URI, or its own id. */
export function nameOf({ s3, custom }: DocumentIdentifier): string {
  return s3?.uri ?? custom?.id ?? ''
}

/** The other way round. */
export function identifierOf(name: string): DocumentIdentifier {
  return name.startsWith('s3://') ? { dataSourceType: 'S3', s3: { uri: name } } : { dataSourceType: 'CUSTOM', custom: { id: name } }
}
