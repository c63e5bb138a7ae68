/** Retrieval and answers out of knowledge bases: Agents for Amazon Bedrock Runtime, and Craton's own API for what AWS does not tell. */
import { bodyOf, framesOf } from '../eventstream/events.ts'
import type { Frame } from '../eventstream/frames.ts'
import { servedByOf, type ServedBy } from './converse.ts'
import { send, sendJson } from './http.ts'

/** How passages are found. AWS has no word for the lexical one. */
export type SearchType = 'HYBRID' | 'SEMANTIC' | 'LEXICAL'

/** A value of a document's metadata. */
export type MetadataValue = string | number | boolean | string[]

/** Bedrock's filter on metadata: one member, named by the operator. */
export type RetrievalFilter = { [operator: string]: FilterAttribute | RetrievalFilter[] }

export interface FilterAttribute {
  key: string
  value: MetadataValue | number[]
}

export interface Location {
  type: string
  s3Location?: { uri: string }
  customDocumentLocation?: { id: string }
}

/** What is asked, of what, by whom. */
export interface Asked {
  text: string
  numberOfResults: number
  /** Absent: as the service does by default. */
  searchType?: SearchType
  filter?: RetrievalFilter
  /** Asks as this user; absent: as the caller. */
  userId?: string
  /** The ARN of the model that puts the passages into order. */
  rerankingModelId?: string
  /** How many chunks before and after each passage are joined to it. AWS has no word for it. */
  neighbours?: number
  /** Whether passages that say nearly the same as a better one are kept. AWS has no word for it. */
  nearDuplicates?: boolean
}

/** One side's view of a passage. */
export interface Part {
  /** From 1; null for a passage that is not among the side's candidates. */
  rank: number | null
  /** BM25, or the cosine. */
  score: number
  /** From 0 to 1. */
  normalized: number
}

/** What a term of the question gave to the lexical score. */
export interface TermPart {
  field: string
  term: string
  /** How often the passage has it. */
  frequency: number
  /** How many of the passages that the reader may see have it. */
  documents: number
  idf: number
  score: number
}

/** A passage with the reasons for its rank. */
export interface Passage {
  /** The chunk's key; that of the parent, where chunks have parents. */
  chunk: string
  /** The document's URI, or the id that it was put in under. */
  documentId: string
  dataSourceId: string
  text: string
  /** From 1, where the document has pages. */
  page: number | null
  score: number
  location: Location
  metadata: Record<string, MetadataValue>
  lexical: Part | null
  vector: Part | null
  terms: TermPart[]
  /** Which characters of the text are the words that it was found by, the end exclusive. */
  highlights: Span[]
}

export interface Explanation {
  results: Passage[]
  searchType: SearchType
  /** How many passages the reader may see, and how many of them meet the filter. */
  visible: number
  matching: number
  /** As the search understood it. */
  filter: string | null
  embeddingModel: string
  /** The model that put the passages into order, whose scores they have then. */
  rankedBy: ServedBy | null
}

/** Counted in characters (Unicode code points). */
export interface Span {
  start: number
  /** Whether the character at `end` belongs to it depends on what it is a span of. */
  end: number
}

/** A passage that a part of an answer rests on. */
export interface Reference {
  text: string
  location: Location
  metadata: Record<string, MetadataValue>
  /** What of the passage's text says it, the last character included; absent where only the passage is known. */
  sourceSpan?: Span
}

export interface Citation {
  /** The part of the answer, the last character included, as AWS counts it. */
  span: Span
  references: Reference[]
}

export interface ModelAnswer {
  answer: string
  citations: Citation[]
  /** Who speaks: the passages in their own sentences, because that was asked for or because nothing of the model's was supported. */
  voice: 'model' | 'passages' | 'passages-instead' | 'nobody'
  sessionId: string
  /** How many passages the model's prompt had no room for, the last ones. */
  leftOut: number
  /** The model that wrote, where one did. */
  served: ServedBy | null
}

export interface Chunk {
  key: string
  /** Characters of the document's text, the end exclusive. */
  start: number
  end: number
  /** What is retrieved where it is found, where chunks have parents. */
  parent: Span | null
  page: number | null
  tokens: number
  text: string
}

export interface ChunkedDocument {
  text: string
  title: string | null
  /** ISO 639-1. */
  language: string | null
  /** What was odd about the file. */
  warnings: string[]
  chunks: Chunk[]
}

const own = (id: string) => `/craton/v1/knowledge-bases/${encodeURIComponent(id)}`

/** The same question without what may follow the search: reranking, neighbours, passages that say the same. */
export function plainly({ rerankingModelId: _model, neighbours: _neighbours, nearDuplicates: _kept, ...asked }: Asked): Asked {
  return asked
}

/** What is retrieved, and why in this order. */
export function explainRetrieval(id: string, asked: Asked, signal?: AbortSignal): Promise<Explanation> {
  return sendJson(`${own(id)}/explain`, { method: 'POST', json: asked, signal })
}

/** An answer made of sentences of the passages themselves; it needs no model. */
export function askExtractive(id: string, asked: Asked, signal?: AbortSignal): Promise<ModelAnswer> {
  return sendJson(`${own(id)}/ask`, { method: 'POST', json: { ...asked, mode: 'extractive' }, signal })
}

/** A model's answer as a whole. Other than AWS's operations it tells which characters of a passage support it. */
export function askModel(id: string, modelId: string, asked: Asked, sessionId: string | undefined, signal?: AbortSignal): Promise<ModelAnswer> {
  const json = { ...asked, mode: 'generate', modelId, ...(sessionId === undefined ? {} : { sessionId }) }
  return sendJson(`${own(id)}/ask`, { method: 'POST', json, signal })
}

/** The text of a document as it was read, and how it was cut. */
export function documentChunks(id: string, dataSource: string, document: string, signal?: AbortSignal): Promise<ChunkedDocument> {
  const search = new URLSearchParams({ dataSourceId: dataSource })
  return sendJson(`${own(id)}/documents/${encodeURIComponent(document)}/chunks?${search}`, { signal })
}

export type AnswerEvent =
  | { type: 'session'; sessionId: string }
  | { type: 'text'; text: string }
  | { type: 'citation'; citation: Citation }
  | { type: 'served'; by: ServedBy }

/** Has a model answer out of the knowledge base and yields the answer as it is made. Aborting the signal stops it. */
export async function* retrieveAndGenerate(
  id: string,
  modelArn: string,
  asked: Asked,
  sessionId: string | undefined,
  signal: AbortSignal,
): AsyncGenerator<AnswerEvent> {
  const json = {
    input: { text: asked.text },
    retrieveAndGenerateConfiguration: {
      type: 'KNOWLEDGE_BASE',
      knowledgeBaseConfiguration: { knowledgeBaseId: id, modelArn, retrievalConfiguration: retrievalConfiguration(asked) },
    },
    ...(sessionId === undefined ? {} : { sessionId }),
    ...(asked.userId === undefined ? {} : { userContext: { userId: asked.userId } }),
  }
  const response = await send('/retrieveAndGenerateStream', { method: 'POST', json, service: 'bedrock-agent-runtime', signal })
  const session = response.headers.get('x-amzn-bedrock-knowledge-base-session-id')
  if (session) yield { type: 'session', sessionId: session }
  const servedBy = servedByOf(response.headers.get('x-craton-served-by'))
  if (servedBy) yield { type: 'served', by: servedBy }
  const requestId = response.headers.get('x-amzn-requestid') ?? undefined
  for await (const frame of framesOf(response)) {
    const event = answerEventOf(frame, requestId)
    if (event) yield event
  }
}

/** AWS's form of what is asked of the retrieval. */
export function retrievalConfiguration({ numberOfResults, searchType, filter, rerankingModelId }: Omit<Asked, 'text' | 'userId'>): object {
  return {
    vectorSearchConfiguration: {
      numberOfResults,
      ...(searchType === undefined || searchType === 'LEXICAL' ? {} : { overrideSearchType: searchType }),
      ...(filter === undefined ? {} : { filter }),
      ...(rerankingModelId === undefined ? {} : { rerankingConfiguration: reranking(rerankingModelId) }),
    },
  }
}

function reranking(modelArn: string): object {
  return { type: 'BEDROCK_RERANKING_MODEL', bedrockRerankingConfiguration: { modelConfiguration: { modelArn } } }
}

interface WireReference {
  content?: { text?: string }
  location?: Location
  metadata?: Record<string, MetadataValue>
}

/** The event in a frame; `undefined` for kinds that are not shown. Throws an exception of the stream. */
export function answerEventOf(frame: Frame, requestId?: string): AnswerEvent | undefined {
  const body = bodyOf(frame, requestId) as Record<string, unknown>
  switch (frame.headers[':event-type']) {
    case 'output':
      return { type: 'text', text: (body as { text?: string }).text ?? '' }
    case 'citation': {
      const { citation, ...flat } = body as { citation?: WireCitation } & WireCitation
      const { generatedResponsePart: part, retrievedReferences = [] } = citation ?? flat
      const span = part?.textResponsePart?.span
      if (!span) return undefined
      return { type: 'citation', citation: { span: { start: span.start ?? 0, end: span.end ?? 0 }, references: retrievedReferences.map(reference) } }
    }
    default:
      return undefined
  }
}

interface WireCitation {
  generatedResponsePart?: { textResponsePart?: { text?: string; span?: Partial<Span> } }
  retrievedReferences?: WireReference[]
}

function reference({ content, location, metadata }: WireReference): Reference {
  return { text: content?.text ?? '', location: location ?? { type: '' }, metadata: metadata ?? {} }
}

/** Who a document names in its access lists. */
export interface DocumentAcl {
  allowList?: AclMembership
  denyList?: AclMembership
}

export interface AclMembership {
  memberRelation?: 'AND' | 'OR'
  conditions?: { conditionOperator?: 'AND' | 'OR'; users?: { id: string }[]; groups?: { id: string }[] }[]
}

const ingested = (id: string, dataSource: string) => `/knowledgebases/${encodeURIComponent(id)}/datasources/${encodeURIComponent(dataSource)}`

export async function documentAcl(id: string, dataSource: string, documentId: string, signal?: AbortSignal): Promise<DocumentAcl> {
  const path = `${ingested(id, dataSource)}/get-ingested-document-acl`
  const answer = await sendJson<{ documentAcl?: DocumentAcl }>(path, { method: 'POST', json: { documentId }, service: 'bedrock-agent-runtime', signal })
  return answer.documentAcl ?? {}
}

/** Whether a user may read a document. */
export async function mayRead(id: string, dataSource: string, documentId: string, userId: string): Promise<boolean> {
  const path = `${ingested(id, dataSource)}/check-ingested-document-acl`
  const json = { documentId, userContext: { userId } }
  return (await sendJson<{ hasAccess: boolean }>(path, { method: 'POST', json, service: 'bedrock-agent-runtime' })).hasAccess
}
