import Box from '@cloudscape-design/components/box'
import Header from '@cloudscape-design/components/header'
import KeyValuePairs from '@cloudscape-design/components/key-value-pairs'
import Modal from '@cloudscape-design/components/modal'
import type { ReactNode } from 'react'
import type { Card, Origin } from '../../api/models.ts'
import type { LoadedModel } from '../../api/status.ts'
import { PageLink } from '../../shell/router.tsx'
import { integer, parameters } from '../../ui/format.ts'
import { CardState, size } from './cardParts.tsx'
import { LiveFigures } from './LiveFigures.tsx'
import { Licence } from './PullModal.tsx'
import { modelPath } from '../tuning/text.ts'
import { reportLines } from './quantization.ts'

interface Props {
  card: Card
  /** What it is doing, where it is in memory. */
  live: LoadedModel | undefined
  onDismiss: () => void
}

/** Everything that the catalogue knows of one model. */
export function ModelDetails({ card, live, onDismiss }: Props) {
  const reports = [...(card.quantization ? [card.quantization] : []), ...(card.refusedQuantizations ?? [])]
  return (
    <Modal visible size="large" header={card.title} onDismiss={onDismiss}>
      {live && (
        <Box margin={{ bottom: 'l' }}>
          <Header variant="h3" description="The figures refresh by themselves.">
            In memory now
          </Header>
          <LiveFigures model={live} />
        </Box>
      )}
      <KeyValuePairs
        columns={2}
        items={[
          { label: 'State', value: <CardState card={card} /> },
          { label: 'Name', value: <code className="craton-secret">{card.name}</code> },
          { label: 'Description', value: card.description },
          { label: 'Provider', value: card.provider },
          { label: 'Licence', value: <Licence card={card} /> },
          { label: 'Languages', value: card.languages.join(', ') || '–' },
          { label: 'Parameters', value: parameters(card.parameters) },
          { label: 'Context', value: card.contextLength ? `${integer(card.contextLength)} tokens` : '–' },
          { label: 'Download', value: size(card, card.downloadBytes) },
          { label: 'Memory when loaded', value: size(card, card.memoryBytes) },
          { label: 'Made for conversations', value: card.chats === null ? '–' : card.chats ? 'yes' : 'no, it continues texts' },
          { label: 'Sources', value: <Lines of={card.origins.map(described)} /> },
          { label: 'Downloaded from', value: card.pulledFrom?.source ?? '–' },
          { label: 'SHA-256', value: <code className="craton-secret">{card.sha256 ?? '–'}</code> },
          ...reports.map((report) => ({ label: `Quantization to ${report.to}`, value: <Lines of={reportLines(report)} /> })),
          ...(card.state === 'ready' ? [{ label: 'Tuning', value: <PageLink to={modelPath(card.name)}>How it is loaded</PageLink> }] : []),
          { label: 'On the command line', value: <code className="craton-secret">craton models pull {card.name}</code> },
          { label: `Stands behind these AWS ids (${card.servesAwsIds.length})`, value: <Lines of={card.servesAwsIds} /> },
        ]}
      />
    </Modal>
  )
}

/** A source, with those who stand behind it. */
function described({ source, uploader, publisher }: Origin): string {
  const who = [uploader && `uploaded by ${uploader}`, publisher && publisher !== uploader && `original: ${publisher}`].filter(Boolean)
  return who.length > 0 ? `${source} (${who.join('; ')})` : source
}

function Lines({ of }: { of: string[] }): ReactNode {
  if (of.length === 0) return 'none'
  return (
    <div className="craton-stack">
      {of.map((line) => (
        <div key={line}>{line}</div>
      ))}
    </div>
  )
}
