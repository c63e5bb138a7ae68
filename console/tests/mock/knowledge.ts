/** Knowledge bases: Bedrock's operations on them, and Craton's own of retrieval. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { nameOf, type DataSource, type DocumentIdentifier, type DocumentRow, type NewDataSource } from '../../src/api/knowledgeBases.ts'
import type { Asked } from '../../src/api/retrieval.ts'
import { HttpError } from './api.ts'
import { encodeEvent, encodeException } from './frames.ts'
import { answer, chunksOf, explain, mayRead, textOf } from './knowledgeSearch.ts'
import { base, job, type KnowledgeState, type StoredDocument } from './knowledgeState.ts'
import { json } from './server.ts'
import type { State } from './state.ts'

type Body = Record<string, unknown>

/** Agents for Amazon Bedrock: the operations on knowledge bases, sources, jobs and documents. */
export function agent({ knowledge: state }: State, request: IncomingMessage, url: URL, body: string, response: ServerResponse): void {
  const [, id = '', list = '', source = '', part = '', item = '', action = ''] = url.pathname.slice(1).split('/').map(decodeURIComponent)
  const input = body === '' ? {} : (JSON.parse(body) as Body)
  const operation = operationOf(`${request.method} ${[id && ':kb', list, source && ':source', part, item && (part === 'documents' ? item : ':item'), action].filter(Boolean).join('/')}`)
  received(state, operation, input)
  switch (operation) {
    case 'ListKnowledgeBases':
      return json(response, 200, paged(state.bases, input, 'knowledgeBaseSummaries'))
    case 'CreateKnowledgeBase': {
      if (state.bases.some(({ name }) => name === input['name'])) throw new HttpError(409, 'ConflictException', `KnowledgeBase with name ${String(input['name'])} already exists.`)
      const made = base(`KBNEW${String(state.bases.length).padStart(5, '0')}`, String(input['name']), 'ACTIVE', {
        roleArn: String(input['roleArn']),
        knowledgeBaseConfiguration: input['knowledgeBaseConfiguration'] as never,
        ...(input['description'] ? { description: String(input['description']) } : {}),
      })
      state.bases.unshift(made)
      return json(response, 202, { knowledgeBase: made })
    }
    case 'GetKnowledgeBase':
      return json(response, 200, { knowledgeBase: baseOf(state, id) })
    case 'UpdateKnowledgeBase':
      Object.assign(baseOf(state, id), { name: input['name'], description: input['description'], roleArn: input['roleArn'] })
      return json(response, 202, { knowledgeBase: baseOf(state, id) })
    case 'DeleteKnowledgeBase':
      baseOf(state, id)
      state.bases = state.bases.filter(({ knowledgeBaseId }) => knowledgeBaseId !== id)
      return json(response, 202, { knowledgeBaseId: id, status: 'DELETING' })
    case 'ListDataSources':
      return json(response, 200, paged(state.sources.filter(({ knowledgeBaseId }) => knowledgeBaseId === id), input, 'dataSourceSummaries'))
    case 'CreateDataSource': {
      const { name, dataSourceConfiguration, dataDeletionPolicy } = input as unknown as NewDataSource
      const made: DataSource = {
        knowledgeBaseId: id,
        dataSourceId: `DSNEW${String(state.sources.length).padStart(5, '0')}`,
        name,
        status: 'AVAILABLE',
        dataSourceConfiguration,
        dataDeletionPolicy,
        ...(input['vectorIngestionConfiguration'] ? { vectorIngestionConfiguration: input['vectorIngestionConfiguration'] } : {}),
        createdAt: '2026-05-04T10:00:00Z',
        updatedAt: '2026-05-04T10:00:00Z',
      }
      state.sources.push(made)
      return json(response, 200, { dataSource: made })
    }
    case 'GetDataSource':
      return json(response, 200, { dataSource: sourceOf(state, source) })
    case 'DeleteDataSource':
      sourceOf(state, source)
      state.sources = state.sources.filter(({ dataSourceId }) => dataSourceId !== source)
      return json(response, 202, { knowledgeBaseId: id, dataSourceId: source, status: 'DELETING' })
    case 'StartIngestionJob': {
      if (state.jobs.some(({ dataSourceId, status }) => dataSourceId === source && status === 'IN_PROGRESS')) {
        throw new HttpError(409, 'ConflictException', `An ingestion job of the data source \`${source}\` is in progress.`)
      }
      const now = new Date().toISOString()
      const started = { ...job(`JOBNEW${String(state.jobs.length).padStart(4, '0')}`, 'IN_PROGRESS', now, now, [12, 3]), knowledgeBaseId: id, dataSourceId: source }
      state.jobs.unshift(started)
      return json(response, 202, { ingestionJob: started })
    }
    case 'ListIngestionJobs': {
      const jobs = state.jobs.filter(({ dataSourceId }) => dataSourceId === source).map(({ failureReasons: _not, ...one }) => one)
      return json(response, 200, paged(jobs, input, 'ingestionJobSummaries'))
    }
    case 'GetIngestionJob': {
      const found = jobOf(state, item)
      json(response, 200, { ingestionJob: found })
      if (found.status === 'STOPPING') Object.assign(found, { status: 'STOPPED' })
      return
    }
    case 'StopIngestionJob':
      Object.assign(jobOf(state, item), { status: 'STOPPING' })
      return json(response, 202, { ingestionJob: jobOf(state, item) })
    case 'ListKnowledgeBaseDocuments':
      return json(response, 200, paged(state.documents.filter((one) => one.source === source).map((one) => rowOf(id, one)), input, 'documentDetails'))
    case 'GetKnowledgeBaseDocuments': {
      const names = (input['documentIdentifiers'] as DocumentIdentifier[]).map(nameOf)
      const documentDetails = names.map((name): DocumentRow => {
        const found = state.documents.find((one) => one.source === source && one.name === name)
        return found ? rowOf(id, found) : { knowledgeBaseId: id, dataSourceId: source, status: 'NOT_FOUND', identifier: identifier(name) }
      })
      return json(response, 200, { documentDetails })
    }
    case 'IngestKnowledgeBaseDocuments':
      return json(response, 202, { documentDetails: (input['documents'] as Body[]).map((one) => rowOf(id, ingest(state, source, one))) })
    case 'DeleteKnowledgeBaseDocuments': {
      const names = (input['documentIdentifiers'] as DocumentIdentifier[]).map(nameOf)
      state.documents = state.documents.filter((one) => one.source !== source || !names.includes(one.name))
      return json(response, 202, { documentDetails: [] })
    }
  }
}

const OPERATIONS: Record<string, string> = {
  'POST ': 'ListKnowledgeBases',
  'PUT ': 'CreateKnowledgeBase',
  'GET :kb': 'GetKnowledgeBase',
  'PUT :kb': 'UpdateKnowledgeBase',
  'DELETE :kb': 'DeleteKnowledgeBase',
  'POST :kb/datasources': 'ListDataSources',
  'PUT :kb/datasources': 'CreateDataSource',
  'GET :kb/datasources/:source': 'GetDataSource',
  'DELETE :kb/datasources/:source': 'DeleteDataSource',
  'PUT :kb/datasources/:source/ingestionjobs': 'StartIngestionJob',
  'POST :kb/datasources/:source/ingestionjobs': 'ListIngestionJobs',
  'GET :kb/datasources/:source/ingestionjobs/:item': 'GetIngestionJob',
  'POST :kb/datasources/:source/ingestionjobs/:item/stop': 'StopIngestionJob',
  'POST :kb/datasources/:source/documents': 'ListKnowledgeBaseDocuments',
  'PUT :kb/datasources/:source/documents': 'IngestKnowledgeBaseDocuments',
  'POST :kb/datasources/:source/documents/getDocuments': 'GetKnowledgeBaseDocuments',
  'POST :kb/datasources/:source/documents/deleteDocuments': 'DeleteKnowledgeBaseDocuments',
}

function operationOf(call: string): string {
  const operation = OPERATIONS[call]
  if (operation === undefined) throw new HttpError(404, 'UnknownOperationException', `There is no \`${call}\``)
  return operation
}

/** Agents for Amazon Bedrock Runtime: answers out of knowledge bases, and who may read what. */
export async function agentRuntime({ knowledge: state }: State, url: URL, body: string, response: ServerResponse): Promise<void> {
  const input = JSON.parse(body) as Body
  if (url.pathname === '/retrieveAndGenerateStream') {
    received(state, 'RetrieveAndGenerateStream', input)
    return generate(state, input, response)
  }
  const action = url.pathname.split('/').pop()
  const document = documentOf(state, String(input['documentId']))
  if (action === 'check-ingested-document-acl') {
    received(state, 'CheckIngestedDocumentAcl', input)
    const { userId } = input['userContext'] as { userId: string }
    return json(response, 200, { hasAccess: mayRead(document, userId, state.groups[userId] ?? []) })
  }
  received(state, 'GetIngestedDocumentAcl', input)
  const named = (ids: string[]) => ids.map((id) => ({ id, type: 'KNOWLEDGE_BASE' }))
  const { users, groups, denied } = document.readers
  return json(response, 200, {
    documentAcl: {
      allowList: { memberRelation: 'OR', conditions: users.length + groups.length > 0 ? [{ conditionOperator: 'OR', users: named(users), groups: named(groups) }] : [] },
      denyList: { memberRelation: 'OR', conditions: denied.length > 0 ? [{ conditionOperator: 'OR', users: named(denied), groups: [] }] : [] },
    },
  })
}

async function generate(state: KnowledgeState, input: Body, response: ServerResponse): Promise<void> {
  const { text } = input['input'] as { text: string }
  const { knowledgeBaseConfiguration } = input['retrieveAndGenerateConfiguration'] as {
    knowledgeBaseConfiguration: { modelArn: string; retrievalConfiguration: { vectorSearchConfiguration: { numberOfResults: number; overrideSearchType?: Asked['searchType']; filter?: Asked['filter'] } } }
  }
  const { numberOfResults, overrideSearchType, filter } = knowledgeBaseConfiguration.retrievalConfiguration.vectorSearchConfiguration
  const userId = (input['userContext'] as { userId: string } | undefined)?.userId
  const made = answer(state, {
    text,
    numberOfResults,
    ...(overrideSearchType ? { searchType: overrideSearchType } : {}),
    ...(filter ? { filter } : {}),
    ...(userId ? { userId } : {}),
  })
  response.writeHead(200, {
    'content-type': 'application/vnd.amazon.eventstream',
    'x-amzn-bedrock-knowledge-base-session-id': (input['sessionId'] as string | undefined) ?? 'session-0001',
    'x-craton-served-by': `smollm2-135m-instruct${knowledgeBaseConfiguration.modelArn.startsWith('anthropic.') ? '; substituted=true' : ''}`,
  })
  const words = made.answer.split(/(?<= )/)
  for (const [at, word] of words.entries()) {
    if (response.destroyed) return
    response.write(encodeEvent('output', { text: word }))
    if (at === Math.floor(words.length / 2) && state.failures.has('midstream')) {
      const { code, message } = state.failures.get('midstream')!
      response.end(encodeException(code, message))
      return
    }
    await sleep(state.wordMs)
  }
  // What nothing supports is one part without a reference.
  const whole = { span: { start: 0, end: [...made.answer].length - 1 }, references: [] }
  for (const { span, references } of made.voice === 'nobody' ? [whole] : made.citations) {
    const retrievedReferences = references.map(({ text: passage, location, metadata }) => ({ content: { type: 'TEXT', text: passage }, location, metadata }))
    const citation = { generatedResponsePart: { textResponsePart: { span, text: [...made.answer].slice(span.start, span.end + 1).join('') } }, retrievedReferences }
    response.write(encodeEvent('citation', { citation }))
  }
  response.end()
}

/** `/craton/v1/knowledge-bases/…` */
export function ownApi({ knowledge: state }: State, url: URL, body: string, response: ServerResponse): void {
  const [, , , , id = '', what = '', document = ''] = url.pathname.split('/').map(decodeURIComponent)
  baseOf(state, id)
  const asked = (body === '' ? {} : JSON.parse(body)) as Asked
  switch (what) {
    case 'explain':
      received(state, 'Explain', asked as unknown as Body)
      return json(response, 200, explain(state, asked))
    case 'ask':
      received(state, 'Ask', asked as unknown as Body)
      return json(response, 200, answer(state, asked, (asked as { mode?: string }).mode === 'generate' ? 'model' : 'passages'))
    case 'documents': {
      received(state, 'Chunks', {})
      const found = documentOf(state, document)
      return json(response, 200, { text: textOf(found), title: null, language: 'en', warnings: [], chunks: chunksOf(found) })
    }
    default:
      throw new HttpError(404, 'NotFound', `There is no \`${what}\``)
  }
}

/** Remembers a call, and fails it where a test asks for it. */
function received(state: KnowledgeState, operation: string, body: Body): void {
  state.received.push({ operation, body })
  const failure = state.failures.get(operation)
  if (failure) throw new HttpError(failure.status, failure.code, failure.message)
}

function paged<T>(items: T[], input: Body, member: string): Body {
  const [from, size] = [Number(input['nextToken'] ?? 0), Number(input['maxResults'] ?? 1000)]
  const next = from + size
  return { [member]: items.slice(from, next), ...(next < items.length ? { nextToken: String(next) } : {}) }
}

function baseOf(state: KnowledgeState, id: string) {
  const found = state.bases.find(({ knowledgeBaseId }) => knowledgeBaseId === id)
  if (!found) throw new HttpError(404, 'ResourceNotFoundException', `Knowledge Base with id ${id} does not exist`)
  return found
}

function sourceOf(state: KnowledgeState, id: string) {
  const found = state.sources.find(({ dataSourceId }) => dataSourceId === id)
  if (!found) throw new HttpError(404, 'ResourceNotFoundException', `DataSource with id ${id} does not exist`)
  return found
}

function jobOf(state: KnowledgeState, id: string) {
  const found = state.jobs.find(({ ingestionJobId }) => ingestionJobId === id)
  if (!found) throw new HttpError(404, 'ResourceNotFoundException', `Ingestion job with id ${id} does not exist`)
  return found
}

function documentOf(state: KnowledgeState, name: string): StoredDocument {
  const found = state.documents.find((one) => one.name === name)
  if (!found) throw new HttpError(404, 'ResourceNotFoundException', `There is no document \`${name}\``)
  return found
}

function identifier(name: string): DocumentIdentifier {
  return name.startsWith('s3://') ? { dataSourceType: 'S3', s3: { uri: name } } : { dataSourceType: 'CUSTOM', custom: { id: name } }
}

function rowOf(id: string, { source, name, status, reason }: StoredDocument): DocumentRow {
  return { knowledgeBaseId: id, dataSourceId: source, status, identifier: identifier(name), ...(reason ? { statusReason: reason } : {}), updatedAt: '2026-05-04T08:00:20Z' }
}

function ingest(state: KnowledgeState, source: string, document: Body): StoredDocument {
  const { custom } = document['content'] as { custom: { customDocumentIdentifier: { id: string }; inlineContent: { textContent: { data: string } } } }
  const readers = ((document['metadata'] as { accessControlList?: { name: string }[] } | undefined)?.accessControlList ?? []).map(({ name }) => name)
  const made: StoredDocument = {
    source,
    name: custom.customDocumentIdentifier.id,
    status: 'INDEXED',
    pages: [custom.inlineContent.textContent.data],
    metadata: {},
    readers: { users: readers, groups: [], denied: [] },
  }
  state.documents = [...state.documents.filter(({ name }) => name !== made.name), made]
  return made
}
