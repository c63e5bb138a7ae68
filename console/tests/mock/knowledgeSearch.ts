/** A retrieval of the mock server's own: by words that are the same, with figures that look like the server's. */
import type { Asked, Chunk, Citation, Explanation, FilterAttribute, MetadataValue, ModelAnswer, Part, Passage, RetrievalFilter, Span } from '../../src/api/retrieval.ts'
import type { KnowledgeState, StoredDocument } from './knowledgeState.ts'

/** Two sentences a chunk, one of which it shares with the next; counted in code points. */
export function chunksOf({ source, name, pages }: StoredDocument): Chunk[] {
  const chunks: Chunk[] = []
  let offset = 0
  for (const [at, page] of pages.entries()) {
    const sentences = sentencesOf(page)
    for (let first = 0; first === 0 || first < sentences.length - 1; first += 1) {
      const [from, to] = [sentences[first], sentences[Math.min(first + 1, sentences.length - 1)]]
      if (!from || !to) break
      const text = [...page].slice(from.start, to.end).join('')
      const key = `${source}/${name.length.toString(16)}a7f3/${chunks.length}`
      chunks.push({ key, start: offset + from.start, end: offset + to.end, parent: null, page: pages.length > 1 ? at + 1 : null, tokens: Math.ceil(text.length / 4), text })
    }
    offset += [...page].length
  }
  return chunks
}

export function textOf({ pages }: StoredDocument): string {
  return pages.join('')
}

/** The sentences and lines of a text, in code points, without the blanks around them. */
function sentencesOf(text: string): { start: number; end: number }[] {
  const found: { start: number; end: number }[] = []
  for (const match of text.matchAll(/[^\n.]+(?:\.(?!\s)[^\n.]*)*\.?/g)) {
    const lead = match[0].length - match[0].trimStart().length
    const trimmed = match[0].trim()
    if (trimmed === '') continue
    const start = [...text.slice(0, match.index + lead)].length
    found.push({ start, end: start + [...trimmed].length })
  }
  return found
}

/** The documents that a reader may see. */
export function visibleTo({ documents, groups }: KnowledgeState, user: string): StoredDocument[] {
  return documents.filter((document) => mayRead(document, user, groups[user] ?? []))
}

export function mayRead({ readers }: StoredDocument, user: string, groups: string[]): boolean {
  if (readers.denied.includes(user)) return false
  if (readers.users.length === 0 && readers.groups.length === 0) return true
  return readers.users.includes(user) || readers.groups.some((group) => groups.includes(group))
}

export function explain(state: KnowledgeState, asked: Asked): Explanation {
  const all = visibleTo(state, asked.userId ?? 'admin').flatMap((document) => chunksOf(document).map((chunk) => ({ document, chunk })))
  const matching = all.filter(({ document }) => asked.filter === undefined || meets(document.metadata, asked.filter))
  const terms = wordsOf(asked.text)
  const scored = matching.map(({ document, chunk }) => {
    const words = wordsOf(chunk.text)
    const found = terms.flatMap((term) => {
      const frequency = words.filter((word) => word === term).length
      const documents = all.filter((one) => wordsOf(one.chunk.text).includes(term)).length
      const idf = Math.log(1 + (all.length - documents + 0.5) / (documents + 0.5))
      return frequency === 0 ? [] : [{ field: 'text', term, frequency, documents, idf, score: (idf * frequency) / (frequency + 1.5) }]
    })
    const lexical = found.reduce((sum, { score }) => sum + score, 0)
    return { document, chunk, terms: found, lexical, cosine: 0.25 + (0.6 * found.length) / Math.max(1, terms.length) }
  })
  const top = Math.max(...scored.map(({ lexical }) => lexical), 1e-9)
  const [byWords, byMeaning] = [rank(scored.map(({ lexical }) => lexical)), rank(scored.map(({ cosine }) => cosine))]
  const search = asked.searchType ?? 'HYBRID'
  const results = scored.map(({ document, chunk, terms: parts, lexical, cosine }, at): Passage => {
    const words: Part | null = search === 'SEMANTIC' || lexical === 0 ? null : { rank: byWords[at] ?? null, score: lexical, normalized: lexical / top }
    const meaning: Part | null = search === 'LEXICAL' ? null : { rank: byMeaning[at] ?? null, score: cosine, normalized: (1 + cosine) / 2 }
    const sides = [words, meaning].flatMap((part) => (part ? [part.normalized] : []))
    const score = search === 'HYBRID' ? ((words?.normalized ?? 0) + (meaning?.normalized ?? 0)) / 2 : (sides[0] ?? 0)
    return {
      chunk: chunk.key,
      documentId: document.name,
      dataSourceId: document.source,
      text: chunk.text,
      page: chunk.page,
      score,
      location: locationOf(document),
      metadata: { ...document.metadata, 'x-amz-bedrock-kb-source-uri': document.name, 'x-amz-bedrock-kb-chunk-id': chunk.key, 'x-amz-bedrock-kb-data-source-id': document.source },
      lexical: words,
      vector: meaning,
      terms: search === 'SEMANTIC' ? [] : parts,
      highlights: search === 'SEMANTIC' ? [] : placesOf(chunk.text, parts.map(({ term }) => term)),
    }
  })
  const ranked = results.filter(({ lexical, vector }) => lexical !== null || (vector !== null && search !== 'LEXICAL')).sort((a, b) => b.score - a.score)
  const distinct = ranked.filter(({ text }, at) => asked.nearDuplicates === true || ranked.findIndex((one) => one.text === text) === at)
  const found = distinct.slice(0, asked.numberOfResults).map((passage) => ({ ...passage, text: withNeighbours(state, passage, asked.neighbours ?? 0) }))
  return {
    results: asked.rerankingModelId === undefined ? found : reranked(found),
    searchType: search,
    visible: all.length,
    matching: matching.length,
    filter: asked.filter === undefined ? null : expressionOf(asked.filter),
    embeddingModel: 'all-minilm-l6-v2',
    rankedBy: asked.rerankingModelId === undefined ? null : { name: 'all-minilm-l6-v2', substituted: /\/cohere\./.test(asked.rerankingModelId) },
  }
}

/** A passage's text with that of the chunks around it. */
function withNeighbours({ documents }: KnowledgeState, { chunk, text, documentId }: Passage, count: number): string {
  const document = documents.find(({ name }) => name === documentId)
  if (!document || count === 0) return text
  const chunks = chunksOf(document)
  const at = chunks.findIndex(({ key }) => key === chunk)
  const [first, last] = [chunks[Math.max(0, at - count)], chunks[Math.min(chunks.length - 1, at + count)]]
  return [...textOf(document)].slice(first?.start, last?.end).join('')
}

/** In an order that is easily told from the one before: the last first. */
function reranked(passages: Passage[]): Passage[] {
  return [...passages].reverse().map((passage, at) => ({ ...passage, score: 0.95 - at / 100 }))
}

/** Where the words stand in a text, in code points, the end exclusive. */
function placesOf(text: string, words: string[]): Span[] {
  return [...text.matchAll(/[\p{L}\p{N}]+/gu)].flatMap(({ 0: word, index }) => {
    const start = [...text.slice(0, index)].length
    return words.some((one) => wordsOf(word).includes(one)) ? [{ start, end: start + [...word].length }] : []
  })
}

/** The best sentence of each of the best two passages. */
export function answer(state: KnowledgeState, asked: Asked, voice: 'model' | 'passages' = 'passages'): ModelAnswer {
  const rest = { sessionId: 'session-0001', leftOut: 0, served: voice === 'model' ? { name: 'smollm2-135m-instruct', substituted: true } : null }
  const { results } = explain(state, asked)
  const terms = wordsOf(asked.text)
  const quotes = results.slice(0, 2).flatMap((passage) => {
    const sentences = sentencesOf(passage.text).map((span) => ({ span, text: [...passage.text].slice(span.start, span.end).join('') }))
    const best = sentences.map((one) => ({ ...one, hits: wordsOf(one.text).filter((word) => terms.includes(word)).length })).sort((a, b) => b.hits - a.hits)[0]
    return best && best.hits > 0 ? [{ passage, ...best }] : []
  })
  const unique = quotes.filter(({ text }, at) => quotes.findIndex((one) => one.text === text) === at)
  if (unique.length === 0) return { answer: 'Sorry, I am unable to assist you with this request.', citations: [], voice: 'nobody', ...rest }
  let text = ''
  const citations = unique.map(({ passage, span, text: quote }): Citation => {
    if (text !== '') text += ' '
    const start = [...text].length
    text += quote
    const reference = { text: passage.text, location: passage.location, metadata: passage.metadata, sourceSpan: { start: span.start, end: span.end - 1 } }
    return { span: { start, end: [...text].length - 1 }, references: [reference] }
  })
  return { answer: text, citations, voice, ...rest }
}

export function locationOf({ name }: StoredDocument): Passage['location'] {
  return name.startsWith('s3://') ? { type: 'S3', s3Location: { uri: name } } : { type: 'CUSTOM', customDocumentLocation: { id: name } }
}

const COMMON = new Set(['the', 'and', 'may', 'how', 'what', 'who', 'for', 'are', 'with', 'that', 'has', 'not', 'but', 'can', 'does', 'must', 'which', 'when'])

function wordsOf(text: string): string[] {
  return (text.toLowerCase().match(/[\p{L}\d-]{3,}/gu) ?? []).map((word) => word.replace(/s$/, '')).filter((word) => !COMMON.has(word))
}

function rank(scores: number[]): number[] {
  const sorted = [...scores].sort((a, b) => b - a)
  return scores.map((score) => sorted.indexOf(score) + 1)
}

function meets(metadata: Record<string, MetadataValue>, filter: RetrievalFilter): boolean {
  const [operator = '', operand] = Object.entries(filter)[0] ?? []
  if (operator === 'andAll') return (operand as RetrievalFilter[]).every((one) => meets(metadata, one))
  if (operator === 'orAll') return (operand as RetrievalFilter[]).some((one) => meets(metadata, one))
  const { key, value } = operand as FilterAttribute
  const found = metadata[key]
  if (found === undefined) return false
  switch (operator) {
    case 'equals':
      return found === value
    case 'notEquals':
      return found !== value
    case 'greaterThanOrEquals':
      return typeof found === 'number' && found >= Number(value)
    case 'listContains':
      return Array.isArray(found) && found.includes(String(value))
    case 'in':
      return (value as MetadataValue[]).includes(found as string)
    default:
      return String(found).includes(String(value))
  }
}

function expressionOf(filter: RetrievalFilter): string {
  const [operator = '', operand] = Object.entries(filter)[0] ?? []
  if (operator === 'andAll' || operator === 'orAll') {
    return (operand as RetrievalFilter[]).map(expressionOf).join(operator === 'andAll' ? ' and ' : ' or ')
  }
  const { key, value } = operand as FilterAttribute
  return `${key} ${operator} ${JSON.stringify(value)}`
}
