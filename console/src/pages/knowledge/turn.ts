/** A question and what became of it. */
import type { ApiError } from '../../api/http.ts'
import type { ServedBy } from '../../api/converse.ts'
import type { AnswerEvent, Asked, Citation, Explanation, ModelAnswer, Passage, Reference, Span } from '../../api/retrieval.ts'
import type { Mode } from './code.ts'
import { Characters, halfOpen } from './spans.ts'
import { placeOf } from './text.ts'

export interface Turn {
  id: number
  mode: Mode
  question: string
  /** Whom it was asked as; absent: as the caller. */
  userId: string | undefined
  state: 'waiting' | 'streaming' | 'done' | 'stopped' | 'failed'
  answer: string
  citations: Citation[]
  /** Known where the answer came as a whole. */
  voice: ModelAnswer['voice'] | undefined
  leftOut: number
  servedBy: ServedBy | undefined
  retrieval: Explanation | undefined
  /** What the same question finds without reranking, neighbours and near-duplicates; absent where it was asked without. */
  plain: Explanation | undefined
  /** Whether passages were kept that say nearly the same as a better one. */
  keepsDuplicates: boolean
  /** Why there is no answer. */
  error: ApiError | undefined
  /** Why there is no list of passages. */
  retrievalError: ApiError | undefined
}

export function newTurn(id: number, mode: Mode, { text, userId, nearDuplicates }: Pick<Asked, 'text' | 'userId' | 'nearDuplicates'>): Turn {
  return {
    id,
    mode,
    question: text,
    userId,
    state: 'waiting',
    answer: '',
    citations: [],
    voice: undefined,
    leftOut: 0,
    servedBy: undefined,
    retrieval: undefined,
    plain: undefined,
    keepsDuplicates: nearDuplicates === true,
    error: undefined,
    retrievalError: undefined,
  }
}

/** The turn after an event of its answer. */
export function advance(turn: Turn, event: AnswerEvent): Turn {
  switch (event.type) {
    case 'text':
      return { ...turn, state: 'streaming', answer: turn.answer + event.text }
    case 'citation':
      return { ...turn, citations: [...turn.citations, event.citation] }
    case 'served':
      return { ...turn, servedBy: event.by }
    case 'session':
      return turn
  }
}

/** The turn with an answer that came as a whole. */
export function answered(turn: Turn, { answer, citations, voice, leftOut, served }: ModelAnswer): Turn {
  return { ...turn, answer, citations, voice, leftOut, servedBy: served ?? undefined }
}

/** Whether nothing that was found supports an answer. A stream tells it by a citation of nothing. */
export function isUnsupported({ voice, state, citations }: Turn): boolean {
  if (voice !== undefined) return voice === 'nobody'
  return state === 'done' && citations.length > 0 && citations.every(({ references }) => references.length === 0)
}

/** What reranking, neighbours and near-duplicates made of a passage. */
export interface Effect {
  /** Where it stood without them, from 1, and its score of the search; absent of what would not be there. */
  before: { rank: number; score: number } | undefined
  /** Whether a model gave it its rank and its score. */
  reranked: boolean
  /** How many characters are joined to what was found. */
  joined: number
  /** Whether it says nearly the same as a better one. */
  repeats: boolean
}

/** A passage as it stands beside the answer. */
export interface Source {
  /** From 1: the number of its mark in the answer. */
  number: number
  text: string
  place: string
  metadata: Passage['metadata']
  /** Its rank and why; absent where only the answer names it. */
  passage: Passage | undefined
  /** Absent where the question was asked without any of them. */
  effect: Effect | undefined
  /** The citations that rest on it, and what of its text each means, ends exclusive. */
  cited: { citation: number; span: Span | undefined }[]
}

/** The passages of a turn, best first, then those that only its answer names. */
export function sourcesOf(turn: Pick<Turn, 'retrieval' | 'citations'> & Partial<Pick<Turn, 'plain' | 'keepsDuplicates'>>): Source[] {
  const { retrieval, citations } = turn
  const found: Source[] = (retrieval?.results ?? []).map((passage, at) => ({
    number: at + 1,
    text: passage.text,
    place: placeOf(passage.location),
    metadata: passage.metadata,
    passage,
    effect: effectOn(passage, turn),
    cited: [],
  }))
  for (const [citation, { references }] of citations.entries()) {
    for (const reference of references) {
      let source = found.find((one) => isThat(one, reference))
      if (!source) {
        source = { number: found.length + 1, text: reference.text, place: placeOf(reference.location), metadata: reference.metadata, passage: undefined, effect: undefined, cited: [] }
        found.push(source)
      }
      source.cited.push({ citation, span: reference.sourceSpan && halfOpen(reference.sourceSpan) })
    }
  }
  return found
}

function effectOn(passage: Passage, { retrieval, plain, keepsDuplicates }: Partial<Pick<Turn, 'retrieval' | 'plain' | 'keepsDuplicates'>>): Effect | undefined {
  if (!plain) return undefined
  const at = plain.results.findIndex(({ chunk }) => chunk === passage.chunk)
  const before = plain.results[at]
  return {
    before: before && { rank: at + 1, score: before.score },
    reranked: retrieval?.rankedBy != null,
    joined: before ? Math.max(0, new Characters(passage.text).length - new Characters(before.text).length) : 0,
    repeats: keepsDuplicates === true && !before,
  }
}

const CHUNK_ID = 'x-amz-bedrock-kb-chunk-id'

function isThat(source: Source, reference: Reference): boolean {
  const [one, other] = [source.passage?.chunk ?? source.metadata[CHUNK_ID], reference.metadata[CHUNK_ID]]
  if (one !== undefined && other !== undefined) return one === other
  return source.text === reference.text && source.place === placeOf(reference.location)
}

/** The numbers of the sources that a citation rests on. */
export function numbersOf(sources: Source[], citation: number): number[] {
  return sources.filter(({ cited }) => cited.some((one) => one.citation === citation)).map(({ number }) => number)
}
