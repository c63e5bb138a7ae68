import Badge from '@cloudscape-design/components/badge'
import Button from '@cloudscape-design/components/button'
import Header from '@cloudscape-design/components/header'
import SpaceBetween from '@cloudscape-design/components/space-between'
import StatusIndicator from '@cloudscape-design/components/status-indicator'
import Table from '@cloudscape-design/components/table'
import TextFilter from '@cloudscape-design/components/text-filter'
import { useState } from 'react'
import { deleteAlias, listAliases, type Alias } from '../../api/aliases.ts'
import { listModels, type Card } from '../../api/models.ts'
import { useNotify } from '../../shell/Notifications.tsx'
import { PageLink } from '../../shell/router.tsx'
import { ConfirmModal } from '../../ui/ConfirmModal.tsx'
import { Empty } from '../../ui/Empty.tsx'
import { ErrorAlert } from '../../ui/ErrorAlert.tsx'
import { useAction } from '../../ui/useAction.ts'
import { useLoad } from '../../ui/useLoad.ts'
import { AliasModal } from './AliasModal.tsx'

/** Which model answers for which AWS model id. */
export default function AliasesPage() {
  const aliases = useLoad(listAliases)
  const models = useLoad(listModels)
  const notify = useNotify()
  const [filter, setFilter] = useState('')
  const [editing, setEditing] = useState<Alias | 'new'>()
  const [resetting, setResetting] = useState<Alias>()
  const reset = useAction(async (alias: Alias) => {
    await deleteAlias(alias.modelId)
    notify('success', `The change of ${alias.modelId} was taken back.`)
    setResetting(undefined)
    aliases.reload()
  })

  const all = aliases.value ?? []
  const shown = all.filter((alias) =>
    `${alias.modelId} ${targetText(alias)}`.toLowerCase().includes(filter.trim().toLowerCase()),
  )
  return (
    <SpaceBetween size="m">
      <ErrorAlert error={aliases.error} title="Could not list the aliases" onRetry={aliases.reload} />
      <ErrorAlert error={models.error} title="Could not list the models" onRetry={models.reload} />
      <Table
        items={shown}
        trackBy="modelId"
        variant="full-page"
        wrapLines
        loading={aliases.loading}
        loadingText="Loading aliases"
        ariaLabels={{ tableLabel: 'Model aliases' }}
        header={
          <Header
            variant="h1"
            counter={aliases.value ? `(${shown.length === all.length ? all.length : `${shown.length}/${all.length}`})` : ''}
            description="The model that answers when code asks for an AWS model id. Every answer names it."
            actions={<Button onClick={() => setEditing('new')}>Add alias</Button>}
          >
            Model aliases
          </Header>
        }
        filter={
          <TextFilter
            filteringText={filter}
            filteringPlaceholder="Find by AWS id or model"
            filteringAriaLabel="Find aliases"
            onChange={({ detail }) => setFilter(detail.filteringText)}
          />
        }
        empty={<Empty title={all.length === 0 ? 'No aliases' : 'No alias matches'} />}
        columnDefinitions={[
          {
            id: 'id',
            header: 'AWS model id',
            isRowHeader: true,
            minWidth: 180,
            cell: (alias) => <span className="craton-stack">{alias.modelId}</span>,
          },
          {
            id: 'target',
            header: 'Answered by',
            minWidth: 175,
            cell: (alias) => <Target alias={alias} models={models.value} />,
          },
          {
            id: 'origin',
            header: 'Set by',
            minWidth: 150,
            cell: (alias) => (alias.builtIn ? 'Craton' : <Badge color="blue">This deployment</Badge>),
          },
          {
            id: 'actions',
            header: 'Actions',
            minWidth: 150,
            cell: (alias) => (
              <SpaceBetween direction="horizontal" size="s">
                <Button variant="inline-link" ariaLabel={`Change ${alias.modelId}`} onClick={() => setEditing(alias)}>
                  Change
                </Button>
                {!alias.builtIn && (
                  <Button
                    variant="inline-link"
                    ariaLabel={`Reset ${alias.modelId}`}
                    onClick={() => setResetting(alias)}
                  >
                    Reset
                  </Button>
                )}
              </SpaceBetween>
            ),
          },
        ]}
      />
      {editing && (
        <AliasModal
          alias={editing === 'new' ? undefined : editing}
          models={models.value ?? []}
          onSaved={(modelId, answeredBy) => {
            setEditing(undefined)
            notify('success', `${modelId} is now answered by ${answeredBy}.`)
            aliases.reload()
          }}
          onDismiss={() => setEditing(undefined)}
        />
      )}
      {resetting && (
        <ConfirmModal
          title="Take the change back?"
          confirmLabel="Reset"
          busy={reset.busy}
          error={reset.error}
          onConfirm={() => void reset.run(resetting)}
          onDismiss={() => {
            reset.clearError()
            setResetting(undefined)
          }}
        >
          <span className="craton-stack">{resetting.modelId}</span> returns to what Craton ships with, or is unknown
          again if Craton does not ship it.
        </ConfirmModal>
      )}
    </SpaceBetween>
  )
}

function Target({ alias, models }: { alias: Alias; models: Card[] | undefined }) {
  if (alias.upstream || alias.pool) return targetText(alias)
  const card = models?.find((model) => model.name === alias.local)
  const name = alias.local ?? '–'
  return (
    <SpaceBetween direction="horizontal" size="xs">
      {card ? <PageLink to={`/models?model=${encodeURIComponent(name)}`}>{name}</PageLink> : name}
      {models && card?.state !== 'ready' && <StatusIndicator type="warning">not downloaded</StatusIndicator>}
    </SpaceBetween>
  )
}

function targetText({ local, upstream, pool }: Alias): string {
  if (pool) return `pool:${pool}`
  return upstream ? `${upstream.model} at ${upstream.baseUrl}` : (local ?? '–')
}
