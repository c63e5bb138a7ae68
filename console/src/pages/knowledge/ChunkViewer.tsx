import Alert from '@cloudscape-design/components/alert'
import Container from '@cloudscape-design/components/container'
import Header from '@cloudscape-design/components/header'
import Pagination from '@cloudscape-design/components/pagination'
import SpaceBetween from '@cloudscape-design/components/space-between'
import { useEffect, useMemo, useRef, useState } from 'react'
import type { Chunk, ChunkedDocument } from '../../api/retrieval.ts'
import { Empty } from '../../ui/Empty.tsx'
import { integer } from '../../ui/format.ts'
import { Characters, overlap, pageOfChunks, pieces, uncovered } from './spans.ts'

/** So many chunks are shown at once: a book has thousands. */
const PAGE_SIZE = 50

interface Props {
  document: ChunkedDocument
  /** The key of the chunk that is pointed at first. */
  chosen: string | undefined
}

/** A document's text as it was read, with its chunks marked in it. */
export function ChunkViewer({ document, chosen }: Props) {
  const chunks = useMemo(() => [...document.chunks].sort((a, b) => a.start - b.start || a.end - b.end), [document])
  const characters = useMemo(() => new Characters(document.text), [document])
  const first = Math.max(0, chunks.findIndex(({ key }) => key === chosen))
  const [page, setPage] = useState(1 + Math.floor(first / PAGE_SIZE))
  const [current, setCurrent] = useState<string | undefined>(chosen)
  const shown = pageOfChunks(chunks, page, PAGE_SIZE)
  const pages = Math.max(1, Math.ceil(chunks.length / PAGE_SIZE))
  const missing = useMemo(() => uncovered(characters, chunks), [characters, chunks])
  return (
    <Container
      header={
        <Header
          variant="h2"
          counter={`(${integer(chunks.length)})`}
          description="The text as it was read, and how it was cut. Where two colours meet in stripes, two chunks share the text."
          actions={
            pages > 1 && (
              <Pagination
                currentPageIndex={page}
                pagesCount={pages}
                ariaLabels={{
                  nextPageLabel: 'Next page of chunks',
                  previousPageLabel: 'Previous page of chunks',
                  pageLabel: (number) => `Page ${number} of chunks`,
                }}
                onChange={({ detail }) => setPage(detail.currentPageIndex)}
              />
            )
          }
        >
          Chunks
        </Header>
      }
    >
      {chunks.length === 0 ? (
        <Empty title="No chunks">Nothing of the document was indexed.</Empty>
      ) : (
        <SpaceBetween size="m">
          {chosen !== undefined && !chunks.some(({ key }) => key === chosen) && (
            <Alert type="info">The chunk that led here is gone: the document was indexed anew since.</Alert>
          )}
          <div className="craton-chunks">
            <ChunkList chunks={shown.chunks} before={chunks[shown.first - 1]} first={shown.first} current={current} onChoose={setCurrent} />
            <SourceText characters={characters} shown={shown} current={current} onChoose={setCurrent} />
          </div>
          <div className="craton-figures">
            {integer(characters.length)} characters, {missing === 0 ? 'all of them in chunks' : `${integer(missing)} of them in no chunk`}.
          </div>
        </SpaceBetween>
      )}
    </Container>
  )
}

interface ListProps {
  chunks: Chunk[]
  before: Chunk | undefined
  first: number
  current: string | undefined
  onChoose: (key: string) => void
}

function ChunkList({ chunks, before, first, current, onChoose }: ListProps) {
  return (
    <ol className="craton-chunk-list" aria-label="Chunks">
      {chunks.map((chunk, at) => (
        <li key={chunk.key}>
          <button
            type="button"
            className="craton-chunk"
            data-shade={(first + at) % 2 === 0 ? 'even' : 'odd'}
            aria-pressed={chunk.key === current}
            onClick={() => onChoose(chunk.key)}
          >
            <b>Chunk {integer(first + at + 1)}</b>
            <span>{figuresOf(chunk, at === 0 ? before : chunks[at - 1])}</span>
          </button>
        </li>
      ))}
    </ol>
  )
}

function figuresOf(chunk: Chunk, before: Chunk | undefined): string {
  const shared = overlap(before, chunk)
  const parts = [
    chunk.page === null ? undefined : `page ${chunk.page}`,
    `${integer(chunk.tokens)} tokens`,
    `characters ${integer(chunk.start)}–${integer(chunk.end)}`,
    chunk.parent ? `of characters ${integer(chunk.parent.start)}–${integer(chunk.parent.end)}` : undefined,
    shared > 0 ? `${integer(shared)} shared with the one before` : undefined,
  ]
  return parts.filter((part) => part !== undefined).join(' · ')
}

interface TextProps {
  characters: Characters
  shown: ReturnType<typeof pageOfChunks>
  current: string | undefined
  onChoose: (key: string) => void
}

function SourceText({ characters, shown, current, onChoose }: TextProps) {
  const box = useRef<HTMLDivElement>(null)
  const cut = useMemo(() => pieces(characters, shown.chunks, shown.within), [characters, shown.chunks, shown.within])
  useEffect(() => {
    const [area, mark] = [box.current, box.current?.querySelector<HTMLElement>('[data-chosen="true"]')]
    if (area && mark) area.scrollTop = mark.offsetTop - area.offsetTop - 24
  }, [current, cut])
  return (
    <div ref={box} className="craton-source-text" role="region" aria-label="Text of the document" tabIndex={0}>
      {cut.map(({ start, text, of }) => (
        <span
          key={start}
          data-shade={shadeOf(of.map((index) => shown.first + index))}
          data-chosen={of.some((index) => shown.chunks[index]?.key === current)}
          onClick={() => {
            // The text of two chunks leads from one to the other.
            const keys = of.flatMap((index) => shown.chunks[index]?.key ?? [])
            const next = keys[(keys.indexOf(current ?? '') + 1) % keys.length]
            if (next !== undefined) onChoose(next)
          }}
        >
          {text}
        </span>
      ))}
    </div>
  )
}

/** Neighbouring chunks have different shades; what several have has stripes of both. */
function shadeOf(of: number[]): string | undefined {
  if (of.length === 0) return undefined
  if (of.length > 1) return 'both'
  return (of[0] ?? 0) % 2 === 0 ? 'even' : 'odd'
}
