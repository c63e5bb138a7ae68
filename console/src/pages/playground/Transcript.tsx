import Box from '@cloudscape-design/components/box'
import LiveRegion from '@cloudscape-design/components/live-region'
import StatusIndicator from '@cloudscape-design/components/status-indicator'
import { useEffect, useRef } from 'react'
import { PageLink } from '../../shell/router.tsx'
import { ErrorAlert } from '../../ui/ErrorAlert.tsx'
import { integer, milliseconds } from '../../ui/format.ts'
import { shownId } from './choices.ts'
import { tokensPerSecond, type Turn } from './conversation.ts'

/** The conversation so far. It follows the newest text unless the user has scrolled up. */
export function Transcript({ turns, name }: { turns: Turn[]; name: string }) {
  const box = useRef<HTMLDivElement>(null)
  const atEnd = useRef(true)
  useEffect(() => {
    if (atEnd.current && box.current) box.current.scrollTop = box.current.scrollHeight
  }, [turns])

  const last = turns.at(-1)
  return (
    <>
      <div
        ref={box}
        className="craton-transcript"
        role="log"
        aria-live="off"
        aria-label={`Conversation with ${name}`}
        tabIndex={0}
        onScroll={({ currentTarget: { scrollTop, clientHeight, scrollHeight } }) => {
          atEnd.current = scrollTop + clientHeight > scrollHeight - 40
        }}
      >
        {turns.length === 0 && (
          <Box textAlign="center" color="text-body-secondary" padding="xl">
            Ask something below. The answer appears here as the model makes it.
          </Box>
        )}
        {turns.map((turn) => (
          <TurnView key={turn.id} turn={turn} />
        ))}
      </div>
      <LiveRegion hidden>{last?.state === 'done' ? `${name} answered: ${last.answer}` : ''}</LiveRegion>
    </>
  )
}

function TurnView({ turn }: { turn: Turn }) {
  const { servedBy, error } = turn
  const modelMissing = error !== undefined && /not (been )?(pulled|downloaded|found)|NotReady/i.test(`${error.code} ${error.message}`)
  return (
    <>
      <div className="craton-message" data-role="user">
        {turn.prompt}
      </div>
      {turn.state === 'waiting' && <StatusIndicator type="loading">Waiting for the model</StatusIndicator>}
      {turn.answer !== '' && (
        <div className="craton-message" data-role="assistant" data-state={turn.state}>
          {turn.answer}
        </div>
      )}
      {turn.state === 'done' && turn.answer === '' && (
        <div className="craton-figures">The model gave an empty answer.</div>
      )}
      <FiguresLine turn={turn} />
      {servedBy?.substituted && (
        <div className="craton-note" data-testid="served-by">
          <StatusIndicator type="warning">
            Answered by <b>{servedBy.name}</b>, which stands in for {shownId(turn.modelId)} on this server.
          </StatusIndicator>
        </div>
      )}
      {turn.warning && (
        <div className="craton-note" data-testid="prompt-warning">
          <StatusIndicator type="warning">
            {turn.warning}
          </StatusIndicator>
        </div>
      )}
      {error && <ErrorAlert error={error} title="The model did not answer" />}
      {modelMissing && (
        <div className="craton-figures">
          Download a model in the <PageLink to="/models">model catalogue</PageLink>.
        </div>
      )}
    </>
  )
}

function FiguresLine({ turn }: { turn: Turn }) {
  const { figures } = turn
  const speed = tokensPerSecond(figures)
  const parts = [
    turn.state === 'stopped' ? 'stopped by you' : undefined,
    figures.inputTokens === undefined ? undefined : `${integer(figures.inputTokens)} tokens in`,
    figures.outputTokens === undefined ? undefined : `${integer(figures.outputTokens)} out`,
    figures.cachedTokens ? `${integer(figures.cachedTokens)} from the cache` : undefined,
    figures.keptTokens ? `${integer(figures.keptTokens)} kept in the cache` : undefined,
    speed === undefined ? undefined : `${speed.toFixed(1)} tokens/s`,
    figures.firstTextMs === undefined ? undefined : `first text after ${milliseconds(figures.firstTextMs)}`,
    figures.stopReason === undefined ? undefined : stopText(figures.stopReason),
  ].filter((part) => part !== undefined)
  if (parts.length === 0) return null
  return (
    <div className="craton-figures" data-testid="figures">
      {parts.join(' · ')}
    </div>
  )
}

/** Why an answer ended. */
export function stopText(reason: string): string {
  return STOP_REASONS[reason] ?? reason
}

const STOP_REASONS: Record<string, string> = {
  end_turn: 'finished',
  max_tokens: 'cut at max tokens',
  loop: 'ended, as it repeated itself',
  stop_sequence: 'stop sequence met',
  model_context_window_exceeded: 'context is full',
}
