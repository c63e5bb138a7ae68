import Header from '@cloudscape-design/components/header'
import SpaceBetween from '@cloudscape-design/components/space-between'
import Table from '@cloudscape-design/components/table'
import { listModels } from '../../api/models.ts'
import { PageLink, useRoute } from '../../shell/router.tsx'
import { Empty } from '../../ui/Empty.tsx'
import { ErrorAlert } from '../../ui/ErrorAlert.tsx'
import { bytes, parameters } from '../../ui/format.ts'
import { useLoad } from '../../ui/useLoad.ts'
import { ModelTunings } from './ModelTunings.tsx'
import { modelPath } from './text.ts'
import { TuningForm } from './TuningForm.tsx'
import { TuningView } from './TuningView.tsx'

/** Tuning: the models, one of them, the form that starts a tuning, or one tuning. */
export default function TuningPage() {
  const { query } = useRoute()
  const [model, job] = [query.get('model'), query.get('job')]
  if (model && job) return <TuningView key={job} model={model} jobId={job} />
  if (model && query.get('start')) return <TuningForm key={model} model={model} />
  if (model) return <ModelTunings key={model} model={model} />
  return <TunableModels />
}

function TunableModels() {
  const models = useLoad(listModels)
  const ready = (models.value ?? []).filter((card) => card.state === 'ready')
  return (
    <SpaceBetween size="m">
      <Header
        variant="h1"
        description="How a model is loaded decides how fast it answers. A tuning plays a workload to it on this machine, and keeps what was fastest within an objective."
      >
        Tuning
      </Header>
      <ErrorAlert error={models.error} title="Could not list the models" onRetry={models.reload} />
      <Table
        items={ready}
        trackBy="name"
        loading={models.loading}
        loadingText="Loading models"
        wrapLines
        ariaLabels={{ tableLabel: 'Models' }}
        header={
          <Header variant="h2" counter={`(${ready.length})`}>
            Models
          </Header>
        }
        empty={
          <Empty title="No model is here">
            Download one from the <PageLink to="/models">catalogue</PageLink>.
          </Empty>
        }
        columnDefinitions={[
          { id: 'name', header: 'Model', isRowHeader: true, minWidth: 200, cell: (card) => <PageLink to={modelPath(card.name)}>{card.name}</PageLink> },
          { id: 'kind', header: 'Kind', minWidth: 110, cell: (card) => (card.kind === 'text' ? 'Text' : 'Embedding') },
          { id: 'parameters', header: 'Parameters', minWidth: 120, cell: (card) => parameters(card.parameters) },
          { id: 'memory', header: 'Memory when loaded', minWidth: 120, cell: (card) => bytes(card.memoryBytes) },
        ]}
      />
    </SpaceBetween>
  )
}
