import Button from '@cloudscape-design/components/button'
import Header from '@cloudscape-design/components/header'
import SpaceBetween from '@cloudscape-design/components/space-between'
import Table from '@cloudscape-design/components/table'
import { forgetPrompts, unloadModel } from '../../api/models.ts'
import type { LoadedModel } from '../../api/status.ts'
import { PageLink } from '../../shell/router.tsx'
import { useNotify } from '../../shell/Notifications.tsx'
import { useSession } from '../../shell/SessionContext.tsx'
import { Aside } from '../../ui/Aside.tsx'
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
      <SpaceBetween size="xxs">
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
          {
            id: 'memory',
            header: 'Memory',
            cell: ({ memoryBytes, kind, profile }) => (
              <>
                {bytes(memoryBytes)}
                <Aside>{kind === 'text' ? `Text, ${profile.name}` : 'Embedding'}</Aside>
              </>
            ),
          },
          {
            id: 'active',
            header: 'Answering, waiting',
            cell: (model) => (
              <>
                {model.activeSequences}, {model.queued}
                <Aside>{model.occupancy ? `${model.occupancy.toFixed(1)} a step` : '–'}</Aside>
              </>
            ),
          },
          {
            id: 'speed',
            header: 'Tokens/s',
            cell: (model) => (model.tokensPerSecond ? model.tokensPerSecond.toFixed(1) : '–'),
          },
          {
            id: 'first',
            header: '95 % of first tokens, waits within',
            cell: ({ recent }) => `${measured(recent?.firstTokenMs.p95 ?? null)}, ${measured(recent?.queuedMs.p95 ?? null)}`,
          },
          {
            id: 'hits',
            header: 'From the cache',
            cell: (model) => (
              <>
                {cacheShare(model)}
                <Aside>kept: {cacheKept(model)}</Aside>
              </>
            ),
          },
          actions,
        ]}
      />
    </>
  )
}
