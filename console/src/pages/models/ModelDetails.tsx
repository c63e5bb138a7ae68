import Box from '@cloudscape-design/components/box'
import Button from '@cloudscape-design/components/button'
import ExpandableSection from '@cloudscape-design/components/expandable-section'
import Header from '@cloudscape-design/components/header'
import KeyValuePairs from '@cloudscape-design/components/key-value-pairs'
import Link from '@cloudscape-design/components/link'
import Modal from '@cloudscape-design/components/modal'
import type { ReactNode } from 'react'
import type { Card, Origin, QualityFigure } from '../../api/models.ts'
import type { LoadedModel } from '../../api/status.ts'
import { navigate, PageLink } from '../../shell/router.tsx'
import { FitPanel } from '../../ui/FitPanel.tsx'
import { integer, parameters } from '../../ui/format.ts'
import { Time } from '../../ui/Time.tsx'
import { CardState, size } from './cardParts.tsx'
import { LiveFigures } from './LiveFigures.tsx'
import { Licence } from './PullModal.tsx'
import { TemplateCheck } from './TemplateCheck.tsx'
import { deployPath } from '../endpoints/text.ts'
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
    <Modal
      visible
      size="large"
      header={card.title}
      onDismiss={onDismiss}
      footer={
        <Box float="right">
          <Button variant="primary" onClick={() => navigate(deployPath(card.name))}>
            Deploy
          </Button>
        </Box>
      }
    >
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
          { label: 'Licence', value: <Accepted card={card} /> },
          { label: 'Languages', value: card.languages.join(', ') || '–' },
          { label: 'Parameters', value: parameters(card.parameters) },
          ...(card.tasks?.length ? [{ label: 'Tasks', value: card.tasks.join(', ') }] : []),
          { label: 'Context', value: card.contextLength ? `${integer(card.contextLength)} tokens` : '–' },
          { label: 'Download', value: size(card, card.downloadBytes) },
          { label: 'Memory when loaded', value: size(card, card.memoryBytes) },
          { label: 'Made for conversations', value: card.chats === null ? '–' : card.chats ? 'yes' : 'no, it continues texts' },
          ...(card.template || (card.state === 'ready' && card.kind === 'text')
            ? [{ label: 'Chat template', value: <TemplateCheck key={card.name} card={card} /> }]
            : []),
          { label: 'Quality', value: <Quality figures={card.quality ?? []} /> },
          ...(card.jumpstartId ? [{ label: 'In SageMaker’s public hub', value: <code className="craton-secret">{card.jumpstartId}</code> }] : []),
          { label: 'Sources', value: <Lines of={card.origins.map(described)} /> },
          { label: 'Downloaded from', value: card.pulledFrom?.source ?? '–' },
          { label: 'SHA-256', value: <code className="craton-secret">{card.sha256 ?? '–'}</code> },
          ...reports.map((report) => ({ label: `Quantization to ${report.to}`, value: <Lines of={reportLines(report)} /> })),
          ...(card.state === 'ready' ? [{ label: 'Tuning', value: <PageLink to={modelPath(card.name)}>How it is loaded</PageLink> }] : []),
          { label: 'On the command line', value: <code className="craton-secret">craton models pull {card.name}</code> },
          { label: `Stands behind these AWS ids (${card.servesAwsIds.length})`, value: <Lines of={card.servesAwsIds} /> },
        ]}
      />
      <ExpandableSection headerText="Does it fit this machine?" defaultExpanded={card.state !== 'ready'}>
        <FitPanel name={card.name} longest={card.contextLength} />
      </ExpandableSection>
    </Modal>
  )
}

function Accepted({ card }: { card: Card }) {
  const { accepted } = card.licence
  return (
    <>
      <Licence card={card} />
      {accepted && (
        <div className="craton-stack">
          Terms accepted by {accepted.acceptedBy}, <Time iso={accepted.acceptedAt} />
        </div>
      )}
    </>
  )
}

/** What was measured by others, each with where it stands. */
function Quality({ figures }: { figures: QualityFigure[] }): ReactNode {
  if (figures.length === 0) return 'no figure with a source is known'
  return (
    <div className="craton-stack">
      {figures.map(({ benchmark, setting, value, source }) => (
        <div key={benchmark}>
          {benchmark} {value}
          {setting && ` (${setting})`},{' '}
          <Link href={source} external externalIconAriaLabel="opens in a new tab">
            source
          </Link>
        </div>
      ))}
    </div>
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
