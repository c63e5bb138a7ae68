import Table from '@cloudscape-design/components/table'
import { Aside } from '../../ui/Aside.tsx'
import { integer, milliseconds } from '../../ui/format.ts'
import { shownId } from './choices.ts'
import { tokensPerSecond, type Turn } from './conversation.ts'
import { stopText } from './Transcript.tsx'

interface Row {
  pane: number
  turn: Turn
}

/** The figures of the latest answers beside each other, once both were asked. */
export function Comparison({ turns }: { turns: (Turn | undefined)[] }) {
  const rows = turns.flatMap((turn, pane): Row[] => (turn ? [{ pane, turn }] : []))
  if (rows.length < 2) return null
  return (
    <div className="craton-comparison">
      <Table
        items={rows}
        trackBy={({ pane }) => String(pane)}
        variant="embedded"
        contentDensity="compact"
        wrapLines
        ariaLabels={{ tableLabel: 'The latest answers compared' }}
        columnDefinitions={[
          {
            id: 'model',
            header: 'Model',
            isRowHeader: true,
            minWidth: 170,
            cell: ({ turn }) => (
              <span className="craton-stack">
                {shownId(turn.modelId)}
                {turn.servedBy?.substituted && <Aside>answered by {turn.servedBy.name}, a substitute</Aside>}
              </span>
            ),
          },
          { id: 'first', header: 'First token', minWidth: 95, cell: ({ turn }) => time(turn.figures.firstTextMs) },
          { id: 'speed', header: 'Tokens/s', minWidth: 85, cell: ({ turn }) => tokensPerSecond(turn.figures)?.toFixed(1) ?? '–' },
          { id: 'whole', header: 'Whole answer', minWidth: 100, cell: ({ turn }) => time(turn.figures.lastTextMs) },
          { id: 'tokens', header: 'Tokens', minWidth: 75, cell: ({ turn }) => integer(turn.figures.outputTokens) },
          { id: 'end', header: 'Ended', minWidth: 110, cell: ({ turn }) => endOf(turn) },
        ]}
      />
    </div>
  )
}

function time(ms: number | undefined): string {
  return ms === undefined ? '–' : milliseconds(ms)
}

function endOf({ state, figures }: Turn): string {
  if (state === 'stopped') return 'stopped by you'
  if (state === 'failed') return 'failed'
  return figures.stopReason === undefined ? '…' : stopText(figures.stopReason)
}
