import Button from '@cloudscape-design/components/button'
import Cards from '@cloudscape-design/components/cards'
import Container from '@cloudscape-design/components/container'
import Header from '@cloudscape-design/components/header'
import SpaceBetween from '@cloudscape-design/components/space-between'
import { useState } from 'react'
import { listModels, removeModel, unloadModel, type Card } from '../../api/models.ts'
import { getStatus } from '../../api/status.ts'
import { useNotify } from '../../shell/Notifications.tsx'
import { navigate, useRoute } from '../../shell/router.tsx'
import { useSession } from '../../shell/SessionContext.tsx'
import { ConfirmModal } from '../../ui/ConfirmModal.tsx'
import { Empty } from '../../ui/Empty.tsx'
import { ErrorAlert } from '../../ui/ErrorAlert.tsx'
import { bytes } from '../../ui/format.ts'
import { useAction } from '../../ui/useAction.ts'
import { useLoad } from '../../ui/useLoad.ts'
import { CardActions, CardFacts, CardState } from './cardParts.tsx'
import { FilterBar } from './FilterBar.tsx'
import { filtered, NO_FILTERS } from './filters.ts'
import { ModelDetails } from './ModelDetails.tsx'
import { PullModal } from './PullModal.tsx'
import { PullProgress } from './PullProgress.tsx'
import { QuantizeModal } from './QuantizeModal.tsx'

const REFRESH_MS = 5000
/** How often it is asked what the models in memory are doing. */
const LIVE_MS = 3000

/** The catalogue: what can be run, what is on disk, what stands behind which AWS id. */
export default function ModelsPage() {
  const models = useLoad(listModels, REFRESH_MS)
  const status = useLoad(getStatus, LIVE_MS)
  const notify = useNotify()
  const { managesDeployment } = useSession()
  const { query } = useRoute()
  const [filters, setFilters] = useState({ ...NO_FILTERS, show: query.get('show') ?? 'all' })
  const [pulling, setPulling] = useState<Card | 'other'>()
  const [removing, setRemoving] = useState<Card>()
  /** Downloads that no card of the catalogue stands for. */
  const [others, setOthers] = useState<OtherPull[]>([])
  const [quantizing, setQuantizing] = useState<Card>()

  const unload = useAction(async (card: Card) => {
    await unloadModel(card.name)
    notify('success', `${card.title} was unloaded.`)
    models.reload()
  })
  const remove = useAction(async (card: Card) => {
    await removeModel(card.name)
    notify('success', `The files of ${card.title} were removed.`)
    setRemoving(undefined)
    models.reload()
  })

  const all = models.value ?? []
  const shown = filtered(all, filters)
  const detailed = all.find((card) => card.name === query.get('model'))
  const live = (card: Card) => status.value?.loaded.find((model) => model.name === card.name)
  const actions = (card: Card) => (
    <CardActions
      card={card}
      manages={managesDeployment}
      busy={unload.busy}
      onPull={() => setPulling(card)}
      onRemove={() => setRemoving(card)}
      onUnload={() => void unload.run(card)}
      onQuantize={() => setQuantizing(card)}
      onPullOver={models.reload}
    />
  )
  return (
    <SpaceBetween size="m">
      <ErrorAlert error={models.error} title="Could not list the models" onRetry={models.reload} />
      <ErrorAlert error={unload.error} title="Could not unload the model" onDismiss={unload.clearError} />
      {others.map(({ jobId, source, doing }) => (
        <Container key={jobId} header={<Header variant="h3">{source}</Header>}>
          <PullProgress
            jobId={jobId}
            name={source}
            doing={doing}
            onOver={() => {
              setOthers((all) => all.filter((other) => other.jobId !== jobId))
              models.reload()
            }}
          />
        </Container>
      ))}
      <Cards
        variant="full-page"
        items={shown}
        trackBy="name"
        loading={models.loading}
        loadingText="Loading models"
        ariaLabels={{ itemSelectionLabel: (_data, card) => card.title, selectionGroupLabel: 'Models' }}
        cardsPerRow={[{ cards: 1 }, { minWidth: 700, cards: 2 }, { minWidth: 1250, cards: 3 }]}
        header={
          <Header
            variant="h1"
            counter={models.value ? `(${shown.length === all.length ? all.length : `${shown.length}/${all.length}`})` : ''}
            description={`Open models that this server can run. Files are downloaded once and shared by all accounts${
              managesDeployment ? '' : '; administrators of the deployment’s first account download and remove them'
            }.`}
            actions={managesDeployment && <Button onClick={() => setPulling('other')}>Download another model</Button>}
          >
            Model catalogue
          </Header>
        }
        filter={<FilterBar cards={all} filters={filters} onChange={setFilters} />}
        empty={<Empty title={all.length === 0 ? 'The catalogue is empty' : 'No model matches'} />}
        cardDefinition={{
          header: (card) => (
            <Button variant="inline-link" onClick={() => navigate(`/models?model=${encodeURIComponent(card.name)}`)}>
              {card.title}
            </Button>
          ),
          sections: [
            { id: 'state', content: (card) => <CardState card={card} live={live(card)} /> },
            { id: 'facts', content: (card) => <CardFacts card={card} /> },
            { id: 'actions', content: actions },
          ],
        }}
      />
      {detailed && <ModelDetails card={detailed} live={live(detailed)} onDismiss={() => navigate('/models')} />}
      {pulling && (
        <PullModal
          card={pulling === 'other' ? undefined : pulling}
          onStarted={(job, source) => {
            setPulling(undefined)
            if (pulling === 'other') setOthers((all) => [...all, { jobId: job.id, source }])
            models.reload()
          }}
          onDismiss={() => setPulling(undefined)}
        />
      )}
      {quantizing && (
        <QuantizeModal
          card={quantizing}
          onStarted={(job) => {
            setOthers((all) => [...all, { jobId: job.id, source: quantizing.title, doing: QUANTIZATION }])
            setQuantizing(undefined)
          }}
          onDismiss={() => setQuantizing(undefined)}
        />
      )}
      {removing && (
        <ConfirmModal
          title={`Remove ${removing.title}?`}
          confirmLabel="Remove"
          busy={remove.busy}
          error={remove.error}
          onConfirm={() => void remove.run(removing)}
          onDismiss={() => {
            remove.clearError()
            setRemoving(undefined)
          }}
        >
          This deletes its files ({bytes(removing.downloadBytes)}) from this machine.
          {removing.servesAwsIds.length > 0 &&
            ` Requests for ${removing.servesAwsIds.join(', ')} fail until a model stands behind them again.`}{' '}
          You can download it again.
        </ConfirmModal>
      )}
    </SpaceBetween>
  )
}

interface OtherPull {
  jobId: string
  source: string
  doing?: { noun: string; label: string; done: string }
}

const QUANTIZATION = { noun: 'quantization', label: 'Quantizing', done: 'is kept in fewer bits, as another model' }
