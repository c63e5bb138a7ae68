import { describe, expect, it, test } from 'vitest'
import type { Frame } from '../../eventstream/frames.ts'
import { identifierOf, nameOf } from '../../api/knowledgeBases.ts'
import { answerEventOf, plainly, type Explanation, type Passage, type Reference } from '../../api/retrieval.ts'
import { accessOf } from './acl.ts'
import { samplesFor, type CodeInput } from './code.ts'
import { baseOf, chunkingOf, commandsOf, cratonCommandOf, faults, hasFaults, modelArn, newDraft, newSource, placeOf, readPolicy, rolePolicies, sourceFaults, sourceOf, trustPolicy, type Draft, type SourceDraft } from './draft.ts'
import { embeddingOptions } from './embedding.ts'
import { rerankingOptions } from './reranking.ts'
import { askedOf, check, INITIAL, isStreamed, searchTypesOf, type Settings } from './settings.ts'
import { baseStatus, describeChunking, documentPath, documentStatus, effectText, failuresOf, hasChunks, isMoving, isOver, jobStatus, modelOf, objectOf, originOf, placeOf as placeOfLocation, shortName, summaryOf } from './text.ts'
import { advance, answered, isUnsupported, newTurn, numbersOf, sourcesOf } from './turn.ts'

const ACCOUNT = '111122223333'
const source = (change: Partial<SourceDraft> = {}): SourceDraft => ({ ...newSource('policies'), s3Uri: 's3://rental-policies/current/', ...change })
const draft = (change: Partial<Draft> = {}): Draft => ({ ...newDraft('12345'), model: 'amazon.titan-embed-text-v2:0', source: source(), ...change })

describe('a new knowledge base', () => {
  it('has names that others do not have, and only wants a bucket and a model', () => {
    expect(hasFaults(faults(draft(), ACCOUNT))).toBe(false)
    expect(draft().newRole).toBe('AmazonBedrockExecutionRoleForKnowledgeBase_12345')
    expect(Object.keys(faults(newDraft('12345'), ACCOUNT))).toEqual(['source', 'model'])
    expect(Object.keys(faults(newDraft('12345'), ACCOUNT).source)).toEqual(['s3Uri'])
  })

  it.each([
    ['name', { name: '_rental' }],
    ['name', { name: 'rental policies' }],
    ['description', { description: 'x'.repeat(201) }],
    ['model', { model: ' ' }],
    ['roleArn', { ownRole: true, roleArn: 'Knowledge' }],
    ['roleArn', { ownRole: true, roleArn: 'arn:aws:iam::444455556666:role/x' }],
    ['newRole', { newRole: 'x'.repeat(65) }],
  ] as const)('is refused for its %s', (field, change) => {
    const { source: _, ...found } = faults(draft(change), ACCOUNT)
    expect(Object.keys(found)).toEqual([field])
  })

  it('asks Bedrock for what it says', () => {
    expect(baseOf(draft({ description: ' Rules ' }), 'eu-west-1', 'arn:aws:iam::1:role/x')).toEqual({
      name: 'knowledge-base-12345',
      description: 'Rules',
      roleArn: 'arn:aws:iam::1:role/x',
      embeddingModelArn: 'arn:aws:bedrock:eu-west-1::foundation-model/amazon.titan-embed-text-v2:0',
    })
    expect(modelArn('arn:aws:bedrock:us-east-1::foundation-model/x', 'eu-west-1')).toBe('arn:aws:bedrock:us-east-1::foundation-model/x')
  })

  it('has a role that may do nothing else', () => {
    expect(JSON.parse(trustPolicy(ACCOUNT, 'us-east-1')).Statement[0].Condition).toEqual({
      StringEquals: { 'aws:SourceAccount': ACCOUNT },
      ArnLike: { 'aws:SourceArn': `arn:aws:bedrock:us-east-1:${ACCOUNT}:knowledge-base/*` },
    })
    const read = JSON.parse(readPolicy('s3://rental-policies/current/', ACCOUNT, 'arn:key')).Statement as { Action: string; Resource: string }[]
    expect(read.map(({ Action, Resource }) => [Action, Resource])).toEqual([
      ['s3:ListBucket', 'arn:aws:s3:::rental-policies'],
      ['s3:GetObject', 'arn:aws:s3:::rental-policies/current/*'],
      ['kms:Decrypt', 'arn:key'],
    ])
    expect(rolePolicies(draft(), 'us-east-1', ACCOUNT).map(([name]) => name)).toEqual(['EmbeddingModel', 'Read-policies'])
    expect(rolePolicies(draft({ source: source({ type: 'CUSTOM' }) }), 'us-east-1', ACCOUNT).map(([name]) => name)).toEqual(['EmbeddingModel'])
  })

  it('can be made on the command line', () => {
    const commands = commandsOf(draft(), 'us-east-1', ACCOUNT)
    expect(commands.match(/^(KB=\$\(|SOURCE=\$\()?aws \S+ \S+/gm)).toEqual([
      'aws iam create-role',
      'aws iam put-role-policy',
      'aws iam put-role-policy',
      'KB=$(aws bedrock-agent create-knowledge-base',
      'SOURCE=$(aws bedrock-agent create-data-source',
      'aws bedrock-agent start-ingestion-job',
    ])
    expect(commandsOf(draft({ ownRole: true, roleArn: 'arn:aws:iam::1:role/x', sync: false }), 'us-east-1', ACCOUNT)).not.toMatch(/create-role|start-ingestion/)
  })
})

describe('craton’s own command', () => {
  it('is offered where it can say what was chosen', () => {
    expect(cratonCommandOf(draft())).toBe(
      'craton kb create knowledge-base-12345 \\\n  --from s3://rental-policies/current/ \\\n  --embedding-model amazon.titan-embed-text-v2:0',
    )
    expect(cratonCommandOf(draft({ source: source({ strategy: 'HIERARCHICAL' }), sync: false }))).toMatch(/--chunking hierarchical \\\n {2}--no-sync$/)
    expect(cratonCommandOf(draft({ ownRole: true, roleArn: 'arn:aws:iam::1:role/x' }))).toContain('--role-arn arn:aws:iam::1:role/x')
    expect(cratonCommandOf(draft({ source: source({ strategy: 'FIXED_SIZE', maxTokens: '512' }) }))).toMatch(/--chunking fixed \\\n {2}--chunk-tokens 512 \\\n {2}--chunk-overlap 20$/)
    expect(cratonCommandOf(draft({ source: source({ strategy: 'HIERARCHICAL', overlapTokens: '30' }) }))).toContain('--parent-tokens 1500 \\\n  --chunk-tokens 300 \\\n  --chunk-overlap 30')
    expect(cratonCommandOf(draft({ source: source({ strategy: 'SEMANTIC', bufferSize: '1' }) }))).toContain('--buffer-sentences 1 \\\n  --breakpoint-percentile 95')
    expect(cratonCommandOf(draft({ source: source({ deletion: 'RETAIN' }) }))).toBeUndefined()
    const custom = cratonCommandOf(draft({ source: source({ type: 'CUSTOM' }), sync: false }))
    expect(custom).toBe('craton kb create knowledge-base-12345 \\\n  --embedding-model amazon.titan-embed-text-v2:0')
  })
})

describe('a data source', () => {
  it('is a bucket, or a folder in one', () => {
    expect(sourceOf(source()).dataSourceConfiguration).toEqual({
      type: 'S3',
      s3Configuration: { bucketArn: 'arn:aws:s3:::rental-policies', inclusionPrefixes: ['current/'] },
    })
    for (const s3Uri of ['s3://rental-policies', 's3://rental-policies/', ' s3://rental-policies/ ']) {
      expect(sourceFaults(source({ s3Uri }))).toEqual({})
      expect(placeOf(s3Uri)).toEqual({ bucket: 'rental-policies', key: '' })
    }
    for (const s3Uri of ['', 'rental-policies', 's3://Rental', 'https://rental-policies']) expect(sourceFaults(source({ s3Uri }))).toHaveProperty('s3Uri')
    expect(sourceFaults(source({ type: 'CUSTOM', s3Uri: '' }))).toEqual({})
    expect(sourceOf(source({ type: 'CUSTOM' })).dataSourceConfiguration).toEqual({ type: 'CUSTOM' })
  })

  it('is cut in each of Bedrock’s ways', () => {
    expect(chunkingOf(source())).toBeUndefined()
    expect(chunkingOf(source({ strategy: 'NONE' }))).toEqual({ chunkingStrategy: 'NONE' })
    expect(chunkingOf(source({ strategy: 'FIXED_SIZE', maxTokens: '512' }))?.fixedSizeChunkingConfiguration).toEqual({ maxTokens: 512, overlapPercentage: 20 })
    expect(chunkingOf(source({ strategy: 'HIERARCHICAL' }))?.hierarchicalChunkingConfiguration).toEqual({
      levelConfigurations: [{ maxTokens: 1500 }, { maxTokens: 300 }],
      overlapTokens: 60,
    })
    expect(chunkingOf(source({ strategy: 'SEMANTIC' }))?.semanticChunkingConfiguration).toEqual({ maxTokens: 300, bufferSize: 0, breakpointPercentileThreshold: 95 })
  })

  it.each([
    [{ strategy: 'FIXED_SIZE', maxTokens: '0' }, 'maxTokens'],
    [{ strategy: 'FIXED_SIZE', maxTokens: '8193' }, 'maxTokens'],
    [{ strategy: 'FIXED_SIZE', overlapPercentage: '100' }, 'overlapPercentage'],
    [{ strategy: 'FIXED_SIZE', overlapPercentage: '1.5' }, 'overlapPercentage'],
    [{ strategy: 'HIERARCHICAL', childTokens: '1501' }, 'childTokens'],
    [{ strategy: 'SEMANTIC', bufferSize: '2' }, 'bufferSize'],
    [{ strategy: 'SEMANTIC', threshold: '49' }, 'threshold'],
  ] as const)('is refused for %o', (change, field) => {
    expect(Object.keys(sourceFaults(source(change)))).toEqual([field])
  })

  test('what another strategy wants does not matter', () => {
    expect(sourceFaults(source({ maxTokens: '' }))).toEqual({})
  })
})

describe('words', () => {
  it('has one for every status, and for one that is new', () => {
    expect(baseStatus('ACTIVE')).toEqual({ type: 'success', text: 'Available' })
    expect(documentStatus('SOMETHING' as never)).toEqual({ type: 'info', text: 'SOMETHING' })
    expect(isMoving(jobStatus('STOPPING'))).toBe(true)
    expect((['STARTING', 'IN_PROGRESS', 'COMPLETE', 'FAILED', 'STOPPING', 'STOPPED'] as const).filter(isOver)).toEqual(['COMPLETE', 'FAILED', 'STOPPED'])
    expect((['INDEXED', 'PARTIALLY_INDEXED', 'METADATA_UPDATE_FAILED', 'FAILED', 'NOT_FOUND', 'IGNORED'] as const).map(hasChunks)).toEqual([true, true, true, false, false, false])
  })

  it('tells places and models', () => {
    expect(modelOf('arn:aws:bedrock:us-east-1::foundation-model/amazon.titan-embed-text-v2:0')).toBe('amazon.titan-embed-text-v2:0')
    expect(modelOf('arn:aws:sagemaker:us-east-1:1:endpoint/x')).toBe('arn:aws:sagemaker:us-east-1:1:endpoint/x')
    expect(originOf({ type: 'S3', s3Configuration: { bucketArn: 'arn:aws:s3:::b', inclusionPrefixes: ['p/'] } })).toBe('s3://b/p/')
    expect(originOf({ type: 'CUSTOM' })).toBe('Documents put in directly')
    expect(objectOf('s3://b/a/c.md')).toEqual({ bucket: 'b', key: 'a/c.md' })
    expect(objectOf('opening-hours')).toBeUndefined()
    expect(shortName('s3://b/a/c.md')).toBe('c.md')
    expect(placeOfLocation({ type: 'CUSTOM', customDocumentLocation: { id: 'x' } })).toBe('x')
    expect(nameOf(identifierOf('s3://b/c'))).toBe('s3://b/c')
    expect(identifierOf('x')).toEqual({ dataSourceType: 'CUSTOM', custom: { id: 'x' } })
    expect(documentPath('K', 'D', 's3://b/ü&=.md')).toBe('/knowledge-bases?kb=K&source=D&document=s3%3A%2F%2Fb%2F%C3%BC%26%3D.md')
  })

  it('says what a sync did', () => {
    expect(summaryOf({ statistics: { numberOfDocumentsScanned: 1200, numberOfNewDocumentsIndexed: 3, numberOfDocumentsFailed: 1 } })).toBe('3 new, 1 failed of 1,200 scanned')
    expect(summaryOf({})).toBe('nothing changed of 0 scanned')
  })

  it('tells a sync’s own failure from those of its documents', () => {
    const [scan, odd] = ['s3://b/scan.pdf: The PDF has no text: it may be a scan.', 'Something else.']
    expect(failuresOf({ status: 'COMPLETE', failureReasons: [scan, odd], statistics: { numberOfDocumentsFailed: 5 } })).toEqual({
      own: undefined,
      documents: [
        { name: 's3://b/scan.pdf', reason: 'The PDF has no text: it may be a scan.' },
        { name: undefined, reason: 'Something else.' },
      ],
      untold: 3,
    })
    expect(failuresOf({ status: 'FAILED', failureReasons: ['The disk is full.', scan], statistics: { numberOfDocumentsFailed: 1 } })).toMatchObject({ own: 'The disk is full.', documents: [{ name: 's3://b/scan.pdf' }], untold: 0 })
    expect(failuresOf({ status: 'IN_PROGRESS' })).toEqual({ own: undefined, documents: [], untold: 0 })
  })

  it('takes no part of a key for a document’s name', () => {
    const documents = (told: string) => failuresOf({ status: 'COMPLETE', failureReasons: [told], statistics: {} }).documents
    expect(documents('s3://b/notes: old.txt: The file has no text.')).toEqual([{ name: 's3://b/notes: old.txt', reason: 'The file has no text.' }])
    for (const told of ['s3://b/notes: Old.txt: The file has no text.', 's3://b/a.md: `s3://b/a.md.metadata.json`: The sidecar is no JSON.']) {
      expect(documents(told)).toEqual([{ name: undefined, reason: told }])
    }
  })

  it('describes how documents are cut', () => {
    const all = (['NONE', 'FIXED_SIZE', 'HIERARCHICAL', 'SEMANTIC'] as const).map((strategy) => describeChunking(chunkingOf(source({ strategy }))!))
    expect(all).toEqual([
      'None: every document is one chunk',
      'Fixed size: 300 tokens, 20 % overlap',
      'Hierarchical: 1,500 and 300 tokens, 60 overlap',
      'Semantic: up to 300 tokens, breaks at the 95th percentile, 0 sentences around',
    ])
  })

  it('tells who may read a document', () => {
    expect(accessOf({})).toEqual({ open: true, allowed: [], denied: [] })
    const list = (users: string[], groups: string[]) => ({ conditions: [{ users: users.map((id) => ({ id })), groups: groups.map((id) => ({ id })) }] })
    expect(accessOf({ allowList: list(['ana', 'ana'], ['hr']), denyList: list(['ben'], []) })).toEqual({
      open: false,
      allowed: [
        { kind: 'user', id: 'ana' },
        { kind: 'group', id: 'hr' },
      ],
      denied: [{ kind: 'user', id: 'ben' }],
    })
  })

  it('offers embedding models, those that are here first', () => {
    const card = (name: string, state: 'ready' | 'not-pulled', kind = 'embedding') => ({ name, title: name, kind, state, provider: 'P', languages: ['en'] }) as never
    const alias = (modelId: string, local: string | null, upstream: object | null = null) => ({ modelId, local, upstream, pool: null, builtIn: true }) as never
    const [local, aws] = embeddingOptions(
      [card('e5', 'not-pulled'), card('minilm', 'ready'), card('smollm', 'ready', 'text')],
      [alias('amazon.titan-embed-text-v2:0', 'minilm'), alias('anthropic.claude', 'smollm'), alias('cohere.embed', null, {}), alias('cohere.command', null, {})],
    )
    expect(local?.options.map(({ value, disabled }) => [value, disabled])).toEqual([['minilm', undefined], ['e5', true]])
    expect(aws?.options.map(({ value }) => value)).toEqual(['amazon.titan-embed-text-v2:0', 'cohere.embed'])
  })
})

describe('a question', () => {
  it('is asked with what was set, and nothing else', () => {
    const asked = (settings: Settings) => askedOf(settings, 'Why?', 'eu-west-1')
    expect(asked(INITIAL)).toEqual({ text: 'Why?', numberOfResults: 5 })
    expect(asked({ ...INITIAL, searchType: 'LEXICAL', userId: ' ana ', mode: 'retrieve' })).toEqual({ text: 'Why?', numberOfResults: 5, searchType: 'LEXICAL', userId: 'ana' })
    const more = asked({ ...INITIAL, rerankingModelId: 'cohere.rerank-v3-5:0', neighbours: '2', keepsDuplicates: true })
    expect(more).toEqual({
      text: 'Why?',
      numberOfResults: 5,
      rerankingModelId: 'arn:aws:bedrock:eu-west-1::foundation-model/cohere.rerank-v3-5:0',
      neighbours: 2,
      nearDuplicates: true,
    })
    expect(plainly(more)).toEqual({ text: 'Why?', numberOfResults: 5 })
    // AWS's answers of models know no search by words alone.
    expect(asked({ ...INITIAL, searchType: 'LEXICAL', mode: 'generate' })).not.toHaveProperty('searchType')
    expect(searchTypesOf('generate').map(({ value }) => value)).toEqual(['DEFAULT', 'HYBRID', 'SEMANTIC'])
  })

  it('has an answer streamed where AWS’s stream knows what is asked', () => {
    expect(isStreamed(INITIAL)).toBe(true)
    expect(isStreamed({ ...INITIAL, streamed: false })).toBe(false)
    expect(isStreamed({ ...INITIAL, rerankingModelId: 'x' })).toBe(true)
    expect(isStreamed({ ...INITIAL, neighbours: '1' })).toBe(false)
    expect(isStreamed({ ...INITIAL, keepsDuplicates: true })).toBe(false)
  })

  it('joins at most ten neighbours', () => {
    for (const neighbours of ['', '11', '-1', '1.5', 'x']) expect(check({ ...INITIAL, neighbours })).toHaveProperty('neighbours')
    for (const neighbours of ['0', '9', '10']) expect(check({ ...INITIAL, neighbours })).toEqual({})
  })

  it('may be reranked by any model that is here', () => {
    const card = (name: string, state: 'ready' | 'not-pulled', kind: 'text' | 'embedding') => ({ name, title: name, kind, state }) as never
    const alias = (modelId: string, local: string | null, upstream: object | null = null) => ({ modelId, local, upstream, pool: null, builtIn: true }) as never
    const [none, local, aws] = rerankingOptions(
      [card('smollm', 'ready', 'text'), card('e5', 'not-pulled', 'embedding'), card('minilm', 'ready', 'embedding')],
      [alias('cohere.rerank-v3-5:0', 'minilm'), alias('elsewhere', null, {})],
    )
    expect(none).toMatchObject({ value: '' })
    expect((local as { options: { value: string; disabled?: boolean }[] }).options.map(({ value, disabled }) => [value, disabled])).toEqual([['minilm', undefined], ['smollm', undefined], ['e5', true]])
    expect((aws as { options: { value: string }[] }).options.map(({ value }) => value)).toEqual(['cohere.rerank-v3-5:0'])
  })

  it('wants from 1 to 100 results', () => {
    for (const numberOfResults of ['', '0', '101', '2.5', 'x']) expect(check({ ...INITIAL, numberOfResults })).toHaveProperty('numberOfResults')
    expect(check({ ...INITIAL, numberOfResults: '100' })).toEqual({})
  })

  it('is a program for each client', () => {
    const input: CodeInput = {
      endpoint: 'http://127.0.0.1:4566',
      region: 'us-east-1',
      knowledgeBaseId: 'KBRENTAL01',
      mode: 'retrieve',
      modelArn: 'amazon.nova-micro-v1:0',
      asked: { text: "What's due?", numberOfResults: 3, filter: { equals: { key: 'year', value: 2026 } }, userId: 'ana' },
    }
    const [boto3, , cli, craton] = samplesFor(input)
    expect(samplesFor(input).map(({ id }) => id)).toEqual(['boto3', 'langchain', 'cli', 'craton'])
    expect(boto3?.code).toContain('client.retrieve(')
    expect(boto3?.code).toContain('userContext={"userId": "ana"}')
    expect(cli?.code).toContain(`--retrieval-query '{"text":"What'\\''s due?"}'`)
    expect(craton?.code).toContain("craton kb explain KBRENTAL01 'What'\\''s due?'")
    expect(samplesFor({ ...input, mode: 'generate' }).map(({ id }) => id)).toEqual(['boto3', 'cli', 'craton'])
    expect(samplesFor({ ...input, mode: 'generate' })[0]?.code).toContain('"modelArn": "amazon.nova-micro-v1:0"')
    expect(samplesFor({ ...input, mode: 'extractive' }).map(({ id }) => id)).toEqual(['craton'])
    const reranked = samplesFor({ ...input, asked: { ...input.asked, rerankingModelId: 'arn:aws:bedrock:us-east-1::foundation-model/cohere.rerank-v3-5:0' } })
    expect(reranked[0]?.code).toContain('"bedrockRerankingConfiguration"')
    expect(reranked.at(-1)?.code).toContain('--rerank arn:aws:bedrock:us-east-1::foundation-model/cohere.rerank-v3-5:0')
    // Of neighbours and passages that say the same AWS knows nothing.
    const own = samplesFor({ ...input, asked: { ...input.asked, neighbours: 2, nearDuplicates: true } })
    expect(own.map(({ id }) => id)).toEqual(['craton'])
    expect(own[0]?.code).toMatch(/--neighbours 2 \\\n {2}--keep-duplicates/)
  })
})

describe('an answer', () => {
  const frame = (type: string, body: object, message = 'event'): Frame => ({
    headers: message === 'event' ? { ':message-type': 'event', ':event-type': type } : { ':message-type': message, ':exception-type': type },
    payload: new TextEncoder().encode(JSON.stringify(body)),
  })
  const part = { generatedResponsePart: { textResponsePart: { span: { start: 0, end: 4 } } }, retrievedReferences: [{ content: { text: 'Passage' }, location: { type: 'S3', s3Location: { uri: 's3://b/a' } } }] }

  it('comes as texts and citations', () => {
    expect(answerEventOf(frame('output', { text: 'Yes' }))).toEqual({ type: 'text', text: 'Yes' })
    const expected = { type: 'citation', citation: { span: { start: 0, end: 4 }, references: [{ text: 'Passage', location: { type: 'S3', s3Location: { uri: 's3://b/a' } }, metadata: {} }] } }
    expect(answerEventOf(frame('citation', { citation: part }))).toEqual(expected)
    expect(answerEventOf(frame('citation', part))).toEqual(expected)
    expect(answerEventOf(frame('citation', {}))).toBeUndefined()
    expect(answerEventOf(frame('guardrail', {}))).toBeUndefined()
    expect(() => answerEventOf(frame('throttlingException', { message: 'Later' }, 'exception'))).toThrow('Later')
  })

  const passage = (chunk: string): Passage => ({
    chunk,
    documentId: 's3://b/a',
    dataSourceId: 'D',
    text: `text of ${chunk}`,
    page: null,
    score: 0.5,
    location: { type: 'S3', s3Location: { uri: 's3://b/a' } },
    metadata: { 'x-amz-bedrock-kb-chunk-id': chunk },
    lexical: null,
    vector: null,
    terms: [],
    highlights: [],
  })
  const reference = (chunkId: string, more: Partial<Reference> = {}): Reference => ({
    text: `text of ${chunkId}`,
    location: { type: 'S3', s3Location: { uri: 's3://b/a' } },
    metadata: { 'x-amz-bedrock-kb-chunk-id': chunkId },
    ...more,
  })
  const retrieval = { results: [passage('one'), passage('two')] } as Explanation

  it('grows', () => {
    let turn = newTurn(1, 'generate', { text: 'Why?' })
    for (const text of ['Be', 'cause.']) turn = advance(turn, { type: 'text', text })
    turn = advance(turn, { type: 'served', by: { name: 'smollm2', substituted: true } })
    expect(turn).toMatchObject({ state: 'streaming', answer: 'Because.', servedBy: { name: 'smollm2', substituted: true } })
  })

  it('is supported by nothing where no citation has a reference', () => {
    const done = { ...newTurn(1, 'generate', { text: 'Why?' }), state: 'done' as const }
    expect(isUnsupported(done)).toBe(false)
    expect(isUnsupported({ ...done, citations: [{ span: { start: 0, end: 4 }, references: [] }] })).toBe(true)
    const whole = { answer: 'Yes.', citations: [], voice: 'nobody' as const, sessionId: 's', leftOut: 2, served: null }
    expect(isUnsupported(answered(done, whole))).toBe(true)
    expect(answered(done, whole)).toMatchObject({ answer: 'Yes.', leftOut: 2, servedBy: undefined })
    expect(isUnsupported(answered(done, { ...whole, voice: 'passages-instead' }))).toBe(false)
  })

  it('stands beside its passages, each with the citations that rest on it', () => {
    const citations = [
      { span: { start: 0, end: 2 }, references: [reference('two', { sourceSpan: { start: 0, end: 3 } })] },
      { span: { start: 4, end: 6 }, references: [reference('two'), reference('three')] },
    ]
    const sources = sourcesOf({ retrieval, citations })
    expect(sources.map(({ number, cited, passage: found }) => [number, cited, found !== undefined])).toEqual([
      [1, [], true],
      [2, [{ citation: 0, span: { start: 0, end: 4 } }, { citation: 1, span: undefined }], true],
      [3, [{ citation: 1, span: undefined }], false],
    ])
    expect(numbersOf(sources, 1)).toEqual([2, 3])
    expect(numbersOf(sources, 7)).toEqual([])
  })

  it('tells what reranking, neighbours and near-duplicates made of a passage', () => {
    const results = [{ ...passage('two'), text: '🚗 before text of two and after', score: 0.9 }, { ...passage('copy'), score: 0.8 }, { ...passage('one'), score: 0.7 }]
    const turn = { retrieval: { results, rankedBy: { name: 'm', substituted: false } } as never, plain: retrieval, keepsDuplicates: true, citations: [] }
    const effects = sourcesOf(turn).map(({ effect }) => effect)
    expect(effects).toEqual([
      { before: { rank: 2, score: 0.5 }, reranked: true, joined: 19, repeats: false },
      { before: undefined, reranked: true, joined: 0, repeats: true },
      { before: { rank: 1, score: 0.5 }, reranked: true, joined: 0, repeats: false },
    ])
    expect(effects.map((effect) => effectText(effect!))).toEqual([
      '2nd before reranking, with 0.500 · 19 characters of its neighbours joined',
      'says nearly the same as a better one',
      '1st before reranking, with 0.500',
    ])
    expect(sourcesOf({ ...turn, plain: undefined }).every(({ effect }) => effect === undefined)).toBe(true)
    const unranked = sourcesOf({ ...turn, retrieval: { results, rankedBy: null } as never, keepsDuplicates: false })
    expect(unranked.map(({ effect }) => effectText(effect!))).toEqual(['19 characters of its neighbours joined', '', ''])
  })

  it('knows a passage without an id by its text and place', () => {
    const citations = [{ span: { start: 0, end: 2 }, references: [reference('one', { metadata: {} })] }]
    expect(sourcesOf({ retrieval, citations }).map(({ cited }) => cited.length)).toEqual([1, 0])
  })
})
