import Box from '@cloudscape-design/components/box'
import Button from '@cloudscape-design/components/button'
import Container from '@cloudscape-design/components/container'
import LiveRegion from '@cloudscape-design/components/live-region'
import SpaceBetween from '@cloudscape-design/components/space-between'
import StatusIndicator from '@cloudscape-design/components/status-indicator'
import { useMemo, useState } from 'react'
import { ErrorAlert } from '../../ui/ErrorAlert.tsx'
import { integer } from '../../ui/format.ts'
import { SourceList } from './SourceList.tsx'
import { citedPieces } from './spans.ts'
import { isUnsupported, numbersOf, sourcesOf, type Source, type Turn } from './turn.ts'

interface Props {
  id: string
  turn: Turn
  /** Whether its passages are folded away until they are asked for. */
  folded: boolean
}

/** A question with its answer, and the passages beside it. What one points at in one is marked in the other. */
export function AnswerView({ id, turn, folded }: Props) {
  const [pointed, setPointed] = useState<number>()
  const [open, setOpen] = useState(false)
  const sources = useMemo(() => sourcesOf(turn), [turn])
  const answers = turn.mode !== 'retrieve'
  const busy = turn.state === 'waiting' || turn.state === 'streaming'
  const shown = !folded || open
  return (
    <Container>
      <section className="craton-question" aria-label={`Question: ${turn.question}`}>
        <div className="craton-message" data-role="user">
          {turn.question}
          {turn.userId !== undefined && (
            <Box variant="small" display="block" color="text-body-secondary">
              asked as {turn.userId}
            </Box>
          )}
        </div>
        <div className={answers ? 'craton-answer-beside' : undefined}>
          {answers && (
            <SpaceBetween size="xs">
              {turn.state === 'waiting' && <StatusIndicator type="loading">{turn.mode === 'generate' ? 'Waiting for the model' : 'Looking for the answer'}</StatusIndicator>}
              {turn.answer !== '' && <Answer turn={turn} sources={sources} pointed={pointed} onPoint={setPointed} />}
              {isUnsupported(turn) && <StatusIndicator type="info">Nothing that was found supports an answer.</StatusIndicator>}
              <Notes turn={turn} />
              <ErrorAlert error={turn.error} title="There is no answer" />
            </SpaceBetween>
          )}
          <SpaceBetween size="s">
            {busy && turn.retrieval === undefined && turn.retrievalError === undefined && <StatusIndicator type="loading">Searching</StatusIndicator>}
            <ErrorAlert error={turn.retrievalError} title="Could not retrieve" />
            {turn.retrieval && <Summary turn={turn} repeated={sources.filter(({ effect }) => effect?.repeats).length} />}
            {folded && sources.length > 0 && (
              <Button variant="inline-link" ariaExpanded={open} onClick={() => setOpen(!open)}>
                {open ? 'Hide the passages' : `Show ${passages(sources.length)}`}
              </Button>
            )}
            {shown && (turn.retrieval !== undefined || sources.length > 0) && <SourceList id={id} sources={sources} pointed={pointed} onPoint={setPointed} />}
          </SpaceBetween>
        </div>
        <LiveRegion hidden>{turn.state === 'done' ? spoken(turn, sources) : ''}</LiveRegion>
      </section>
    </Container>
  )
}

function spoken({ mode, answer }: Turn, sources: Source[]): string {
  return mode === 'retrieve' ? `${passages(sources.length)} found` : `Answer: ${answer}`
}

function passages(count: number): string {
  return count === 1 ? '1 passage' : `${integer(count)} passages`
}

interface AnswerProps {
  turn: Turn
  sources: Source[]
  pointed: number | undefined
  onPoint: (citation: number | undefined) => void
}

function Answer({ turn, sources, pointed, onPoint }: AnswerProps) {
  const cut = useMemo(() => citedPieces(turn.answer, turn.citations), [turn.answer, turn.citations])
  return (
    <div className="craton-message" data-role="assistant" data-state={turn.state} data-testid="answer">
      {cut.map(({ start, text, of, ending }) => (
        <span key={start}>
          <span
            className={of.length > 0 ? 'craton-cited' : undefined}
            data-pointed={of.includes(pointed ?? -1)}
            onPointerEnter={() => of.length > 0 && onPoint(of[0])}
            onPointerLeave={() => onPoint(undefined)}
          >
            {text}
          </span>
          {ending.map((citation) => (
            <Mark key={citation} citation={citation} numbers={numbersOf(sources, citation)} pointed={citation === pointed} onPoint={onPoint} />
          ))}
        </span>
      ))}
    </div>
  )
}

interface MarkProps {
  citation: number
  numbers: number[]
  pointed: boolean
  onPoint: (citation: number | undefined) => void
}

/** The numbers of the passages behind a part of the answer; by keyboard it is pointed at by its focus. */
function Mark({ citation, numbers, pointed, onPoint }: MarkProps) {
  if (numbers.length === 0) return null
  const text = numbers.join(', ')
  return (
    <button
      type="button"
      className="craton-mark"
      data-pointed={pointed}
      aria-label={`Supported by passage ${text}`}
      onPointerEnter={() => onPoint(citation)}
      onPointerLeave={() => onPoint(undefined)}
      onFocus={() => onPoint(citation)}
      onBlur={() => onPoint(undefined)}
      onClick={(event) => {
        const first = event.currentTarget.closest('.craton-question')?.querySelector(`[data-source="${numbers[0]}"]`)
        first?.scrollIntoView({ block: 'nearest', behavior: 'smooth' })
      }}
    >
      {text}
    </button>
  )
}

function Notes({ turn }: { turn: Turn }) {
  const served = turn.servedBy
  const parts = [
    turn.state === 'stopped' ? 'stopped by you' : undefined,
    served ? `answered by ${served.name}${served.substituted ? ', a substitute' : ''}` : undefined,
    turn.voice === 'passages-instead' ? 'no sentence of the model was supported: these are the passages’ own' : undefined,
    turn.leftOut > 0 ? `the prompt had no room for ${passages(turn.leftOut)}` : undefined,
    turn.state === 'done' && turn.answer !== '' && !isUnsupported(turn) ? citedText(turn.citations.length) : undefined,
  ].filter((part) => part !== undefined)
  if (parts.length === 0) return null
  return <div className="craton-figures">{parts.join(' · ')}</div>
}

function citedText(count: number): string {
  if (count === 0) return 'nothing in it is cited'
  return count === 1 ? '1 citation' : `${count} citations`
}

/** Out of how many passages these were found, and what was made of them then. */
function Summary({ turn: { retrieval, userId }, repeated }: { turn: Turn; repeated: number }) {
  if (!retrieval) return null
  const { visible, matching, filter, embeddingModel, searchType, rankedBy } = retrieval
  const who = userId ?? 'you'
  return (
    <div className="craton-figures craton-stack" data-testid="summary">
      {SEARCHED[searchType] ?? searchType} · {passages(visible)} that {who} may read
      {filter !== null && `, ${integer(matching)} of them meet the filter`} · {embeddingModel}
      {rankedBy && ` · reranked by ${rankedBy.name}${rankedBy.substituted ? ', a substitute' : ''}`}
      {repeated > 0 && ` · ${passages(repeated)} ${repeated === 1 ? 'says' : 'say'} nearly the same as a better one`}
      {filter !== null && (
        <div>
          Filter: <code>{filter}</code>
        </div>
      )}
    </div>
  )
}

const SEARCHED: Record<string, string> = { HYBRID: 'Hybrid search', SEMANTIC: 'Semantic search', LEXICAL: 'Lexical search' }
