import Badge from '@cloudscape-design/components/badge'
import Box from '@cloudscape-design/components/box'
import Button from '@cloudscape-design/components/button'
import KeyValuePairs from '@cloudscape-design/components/key-value-pairs'
import SpaceBetween from '@cloudscape-design/components/space-between'
import StatusIndicator from '@cloudscape-design/components/status-indicator'
import type { Card } from '../../api/models.ts'
import type { LoadedModel } from '../../api/status.ts'
import { navigate } from '../../shell/router.tsx'
import { bytes, integer, parameters } from '../../ui/format.ts'
import { doing } from '../../ui/live.ts'
import { deployPath } from '../endpoints/text.ts'
import { modelPath } from '../tuning/text.ts'
import { PullProgress } from './PullProgress.tsx'

/** Where the files are, whether the model is in memory, and then what it is doing. */
export function CardState({ card, live }: { card: Card; live?: LoadedModel | undefined }) {
  return (
    <>
      <SpaceBetween direction="horizontal" size="xs" alignItems="center">
        <StateIndicator card={card} />
        {card.loaded && <Badge color="green">In memory</Badge>}
        <Badge>{card.kind === 'text' ? 'Text' : 'Embedding'}</Badge>
        {card.fits === false && <Badge color="severity-medium">Does not fit</Badge>}
        {card.template?.verdict === 'differs' && <Badge color="severity-low">Template differs</Badge>}
        {card.template?.verdict === 'contradicts' && <Badge color="red">Another vendor’s template</Badge>}
      </SpaceBetween>
      {live?.kind === 'text' && (
        <Box variant="small" color="text-body-secondary">
          {doing(live)}
        </Box>
      )}
    </>
  )
}

function StateIndicator({ card }: { card: Card }) {
  switch (card.state) {
    case 'ready':
      return <StatusIndicator type="success">Downloaded</StatusIndicator>
    case 'pulling':
      return <StatusIndicator type="in-progress">Downloading</StatusIndicator>
    case 'broken':
      return <StatusIndicator type="error">{card.stateReason ?? 'The files are damaged'}</StatusIndicator>
    case 'not-pulled':
      return <StatusIndicator type="stopped">Not downloaded</StatusIndicator>
  }
}

export function CardFacts({ card }: { card: Card }) {
  return (
    <SpaceBetween size="s">
      <Box color="text-body-secondary">{card.description}</Box>
      <KeyValuePairs
        columns={2}
        items={[
          { label: 'Provider', value: card.provider },
          { label: 'Licence', value: card.licence.name },
          ...(card.tasks?.length ? [{ label: 'Tasks', value: card.tasks.join(', ') }] : []),
          ...(card.languages.length > 0 ? [{ label: 'Languages', value: card.languages.join(', ') }] : []),
          { label: 'Parameters', value: parameters(card.parameters) },
          { label: 'Context', value: card.contextLength ? `${integer(card.contextLength)} tokens` : '–' },
          { label: 'Download', value: size(card, card.downloadBytes) },
          { label: 'Memory when loaded', value: size(card, card.memoryBytes) },
        ]}
      />
      <AwsIds card={card} />
    </SpaceBetween>
  )
}

/** A size, with a word of caution where it is an estimate. */
export function size(card: Card, count: number | null): string {
  return count !== null && card.sizesAreApproximate ? `about ${bytes(count)}` : bytes(count)
}

const SHOWN_IDS = 2

function AwsIds({ card }: { card: Card }) {
  const shown = card.servesAwsIds.slice(0, SHOWN_IDS)
  const more = card.servesAwsIds.length - shown.length
  return (
    <div className="craton-stack">
      <Box variant="awsui-key-label">Stands behind these AWS ids</Box>
      {shown.length === 0 ? 'none' : shown.map((id) => <div key={id}>{id}</div>)}
      {more > 0 && <Box color="text-body-secondary">and {more} more</Box>}
    </div>
  )
}

interface ActionsProps {
  card: Card
  /** Whether the caller may change the models, which all accounts share. */
  manages: boolean
  busy: boolean
  onPull: () => void
  onRemove: () => void
  onUnload: () => void
  onQuantize: () => void
  onPullOver: () => void
}

/** What can be done with the model in the state that it is in. */
export function CardActions({ card, manages, busy, onPull, onRemove, onUnload, onQuantize, onPullOver }: ActionsProps) {
  if (card.state === 'pulling' && card.jobId) return <PullProgress jobId={card.jobId} name={card.title} onOver={onPullOver} />
  return (
    <SpaceBetween direction="horizontal" size="xs">
      {card.state === 'ready' && card.kind === 'text' && (
        <Button
          ariaLabel={`Try ${card.title} in the playground`}
          onClick={() => navigate(`/playground?model=${encodeURIComponent(card.name)}`)}
        >
          Try it
        </Button>
      )}
      <Button ariaLabel={`Deploy ${card.title}`} onClick={() => navigate(deployPath(card.name))}>
        Deploy
      </Button>
      {manages && (card.state === 'not-pulled' || card.state === 'broken') && (
        <Button iconName="download" ariaLabel={`Download ${card.title}`} onClick={onPull}>
          {card.state === 'broken' ? 'Download again' : 'Download'}
        </Button>
      )}
      {manages && card.state === 'ready' && card.kind === 'text' && (
        <Button ariaLabel={`Quantize ${card.title}`} onClick={onQuantize}>
          Quantize
        </Button>
      )}
      {card.state === 'ready' && (
        <Button ariaLabel={`Tuning of ${card.title}`} onClick={() => navigate(modelPath(card.name))}>
          Tuning
        </Button>
      )}
      {manages && card.loaded && (
        <Button ariaLabel={`Unload ${card.title}`} disabled={busy} onClick={onUnload}>
          Unload
        </Button>
      )}
      {manages && (card.state === 'ready' || card.state === 'broken') && (
        <Button ariaLabel={`Remove ${card.title}`} onClick={onRemove}>
          Remove
        </Button>
      )}
    </SpaceBetween>
  )
}
