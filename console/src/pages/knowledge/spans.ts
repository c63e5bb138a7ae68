/** Spans of texts, and texts cut where spans begin and end. */
import type { Chunk, Citation, Span } from '../../api/retrieval.ts'

/**
 * A text whose characters are counted as the server counts them: in Unicode code points, where JavaScript counts
 * UTF-16 units.
 */
export class Characters {
  /** Where in the string each code point begins; nothing where both counts are the same. */
  readonly #units: number[] | undefined
  readonly length: number

  constructor(readonly text: string) {
    if (!/[\ud800-\udbff]/.test(text)) {
      this.length = text.length
      return
    }
    this.#units = []
    let unit = 0
    for (const character of text) {
      this.#units.push(unit)
      unit += character.length
    }
    this.length = this.#units.length
    this.#units.push(unit)
  }

  /** The text from `start` up to, and without, `end`; what lies outside is left out. */
  slice(start: number, end: number): string {
    const within = (at: number) => Math.min(Math.max(at, 0), this.length)
    const [from, to] = [within(start), within(end)]
    return this.#units ? this.text.slice(this.#units[from], this.#units[to]) : this.text.slice(from, to)
  }
}

/** A piece of a text that the same spans cover from its first to its last character. */
export interface Piece {
  start: number
  text: string
  /** The spans, by their place in the list that was given. */
  of: number[]
}

/** Cuts a text at every end of the spans, ends exclusive. With `within` only that part is cut. */
export function pieces(characters: Characters, spans: Span[], within: Span = { start: 0, end: characters.length }): Piece[] {
  const edges = new Set([within.start, within.end])
  for (const { start, end } of spans) {
    if (start > within.start && start < within.end) edges.add(start)
    if (end > within.start && end < within.end) edges.add(end)
  }
  const sorted = [...edges].sort((a, b) => a - b)
  return sorted.slice(0, -1).flatMap((start, at): Piece[] => {
    const end = sorted[at + 1] ?? start
    const of = spans.flatMap((span, index) => (span.start <= start && span.end >= end ? [index] : []))
    const text = characters.slice(start, end)
    return text === '' ? [] : [{ start, text, of }]
  })
}

/** A span whose last character belongs to it, as one whose end does not. */
export function halfOpen({ start, end }: Span): Span {
  return { start, end: end + 1 }
}

/** A piece of an answer, with the numbers of the citations that it bears. */
export interface CitedPiece extends Piece {
  /** The citations that end here: their marks stand behind the piece. */
  ending: number[]
}

/** An answer, cut where its citations begin and end. */
export function citedPieces(answer: string, citations: Citation[]): CitedPiece[] {
  const characters = new Characters(answer)
  const spans = citations.map(({ span }) => halfOpen(span))
  const cut = pieces(characters, spans)
  return cut.map((piece, at) => {
    const next = cut[at + 1]?.of ?? []
    return { ...piece, ending: piece.of.filter((index) => !next.includes(index)) }
  })
}

/** The chunks of one page of a list, and the part of the document from the first to the last of them. */
export function pageOfChunks(chunks: Chunk[], page: number, size: number): { chunks: Chunk[]; first: number; within: Span } {
  const first = (page - 1) * size
  const shown = chunks.slice(first, first + size)
  const start = Math.min(...shown.map((chunk) => chunk.start))
  const end = Math.max(...shown.map((chunk) => chunk.end))
  return { chunks: shown, first, within: shown.length === 0 ? { start: 0, end: 0 } : { start, end } }
}

/** How many characters a chunk shares with the one before it. */
export function overlap(before: Chunk | undefined, chunk: Chunk): number {
  return before ? Math.max(0, Math.min(before.end, chunk.end) - Math.max(before.start, chunk.start)) : 0
}

/** How many characters of a text no chunk has; blanks do not count. */
export function uncovered(characters: Characters, chunks: Span[]): number {
  let [missing, reached] = [0, 0]
  const count = (start: number, end: number) => new Characters(characters.slice(start, end).replace(/\s/g, '')).length
  for (const { start, end } of [...chunks].sort((a, b) => a.start - b.start)) {
    if (start > reached) missing += count(reached, start)
    reached = Math.max(reached, end)
  }
  return missing + count(reached, characters.length)
}
