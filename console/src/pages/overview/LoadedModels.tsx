import Button from '@cloudscape-design/components/button'
import Header from '@cloudscape-design/components/header'
import SpaceBetween from '@cloudscape-design/components/space-between'
import Table from '@cloudscape-design/components/table'
import { forgetPrompts, unloadModel } from '../../api/models.ts'
import type { LoadedModel } from '../../api/status.ts'
import { PageLink } from '../../shell/router.tsx'
import { useNotify } from '../../shell/Notifications.tsx'
import { useSession } from '../../shell/SessionContext.tsx'
import { Empty } from '../../ui/Empty.tsx'
import { ErrorAlert } from '../../ui/ErrorAlert.tsx'
import { bytes } from '../../ui/format.ts'
import { cacheKept, cacheShare, measured } from '../../ui/live.ts'
import { useAction } from '../../ui/useAction.ts'

interface Props {
  loaded: LoadedModel[]
  onChange: () => void
}

/** The models in memory, with what they are doing now. */
export function LoadedModels({ loaded, onChange }: Props) {
  const { managesDeployment } = useSession()
  const notify = useNotify()
  const unload = useAction(async (name: string) => {
    await unloadModel(name)
    onChange()
  })
  const forget = useAction(async (name: string) => {
    await forgetPrompts(name)
    notify('success', `${name} forgot the prompts of this account.`)
    onChange()
  })
  const actions = {
    id: 'actions',
    header: 'Actions',
    cell: (model: LoadedModel) => (
      <SpaceBetween size="s" direction="horizontal">
        {model.kind === 'text' && (
          <Button
            variant="inline-link"
            ariaLabel={`Forget the prompts of ${model.name}`}
            disabled={forget.busy}
            onClick={() => void forget.run(model.name)}
          >
            Forget prompts
          </Button>
        )}
        {managesDeployment && (
          <Button
            variant="inline-link"
            ariaLabel={`Unload ${model.name}`}
            disabled={unload.busy}
            onClick={() => void unload.run(model.name)}
          >
            Unload
          </Button>
        )}
      </SpaceBetween>
    ),
  }
  return (
    <>
      <ErrorAlert error={unload.error} title="Could not unload the model" onDismiss={unload.clearError} />
      <ErrorAlert error={forget.error} title="Could not forget the prompts" onDismiss={forget.clearError} />
      <Table<LoadedModel>
        items={loaded}
        trackBy="name"
        variant="container"
        wrapLines
        ariaLabels={{ tableLabel: 'Models in memory' }}
        header={
          <Header variant="h2" counter={`(${loaded.length})`}>
            Models in memory
          </Header>
        }
        empty={
          <Empty title="No model is loaded">
            A model loads on its first request. Try one in the <PageLink to="/playground">playground</PageLink>.
          </Empty>
        }
        columnDefinitions={[
          { id: 'name', header: 'Model', cell: (model) => <PageLink to={`/models?model=${encodeURIComponent(model.name)}`}>{model.name}</PageLink>, isRowHeader: true },
          { id: 'kind', header: 'Kind', cell: (model) => (model.kind === 'text' ? 'Text' : 'Embedding') },
          { id: 'memory', header: 'Memory', cell: (model) => bytes(model.memoryBytes) },
          { id: 'active', header: 'Answering', cell: (model) => model.activeSequences },
          { id: 'queued', header: 'Waiting', cell: (model) => model.queued },
          {
            id: 'speed',
            header: 'Tokens per second',
            cell: (model) => (model.tokensPerSecond ? model.tokensPerSecond.toFixed(1) : '–'),
          },
          {
            id: 'first',
            header: 'First token, 95 % within',
            cell: (model) => measured(model.recent?.firstTokenMs.p95 ?? null),
          },
          {
            id: 'waited',
            header: 'Waited, 95 % within',
            cell: (model) => measured(model.recent?.queuedMs.p95 ?? null),
          },
          { id: 'hits', header: 'From the cache', cell: cacheShare },
          { id: 'kept', header: 'Kept', cell: cacheKept },
          {
            id: 'occupancy',
            header: 'Requests a step',
            cell: (model) => (model.occupancy ? model.occupancy.toFixed(1) : '–'),
          },
          { id: 'profile', header: 'Profile', cell: (model) => model.profile.name },
          actions,
        ]}
      />
    </>
  )
}
