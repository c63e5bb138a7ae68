import Button from '@cloudscape-design/components/button'
import Header from '@cloudscape-design/components/header'
import SpaceBetween from '@cloudscape-design/components/space-between'
import Table from '@cloudscape-design/components/table'
import { useCallback, useState } from 'react'
import { getDataSource, listDataSources, listIngestionJobs, startIngestionJob, type DataSource, type IngestionJob } from '../../api/knowledgeBases.ts'
import { navigate, PageLink } from '../../shell/router.tsx'
import { Empty } from '../../ui/Empty.tsx'
import { ErrorAlert } from '../../ui/ErrorAlert.tsx'
import { Time } from '../../ui/Time.tsx'
import { useAction } from '../../ui/useAction.ts'
import { useLoad } from '../../ui/useLoad.ts'
import { Status } from './Status.tsx'
import { addSourcePath, isMoving, isOver, jobPath, jobStatus, originOf, sourcePath, sourceStatus } from './text.ts'

const REFRESH_MS = 2000

interface Row {
  source: DataSource
  /** The newest. */
  job: IngestionJob | undefined
}

async function rowsOf(id: string, signal: AbortSignal): Promise<Row[]> {
  const sources = await listDataSources(id, signal)
  return Promise.all(
    sources.map(async ({ dataSourceId }) => {
      const [source, jobs] = await Promise.all([
        getDataSource(id, dataSourceId, signal),
        listIngestionJobs(id, dataSourceId, undefined, signal, 1),
      ])
      return { source, job: jobs.items[0] }
    }),
  )
}

/** The data sources of a knowledge base, each with its latest sync. */
export function SourceTable({ id }: { id: string }) {
  const [moving, setMoving] = useState(false)
  const load = useCallback(
    async (signal: AbortSignal) => {
      const rows = await rowsOf(id, signal)
      setMoving(rows.some(({ source, job }) => isMoving(sourceStatus(source.status)) || (job !== undefined && !isOver(job.status))))
      return rows
    },
    [id],
  )
  const rows = useLoad(load, moving ? REFRESH_MS : undefined)
  const sync = useAction(async (source: string) => {
    const { ingestionJobId } = await startIngestionJob(id, source)
    navigate(jobPath(id, source, ingestionJobId))
  })
  return (
    <SpaceBetween size="m">
      <ErrorAlert error={rows.error} title="Could not list the data sources" onRetry={rows.reload} />
      <ErrorAlert error={sync.error} title="The sync was not started" onDismiss={sync.clearError} />
      <Table
        items={rows.value ?? []}
        trackBy={({ source }) => source.dataSourceId}
        wrapLines
        loading={rows.loading}
        loadingText="Loading data sources"
        ariaLabels={{ tableLabel: 'Data sources' }}
        header={
          <Header
            variant="h2"
            counter={rows.value ? `(${rows.value.length})` : ''}
            description="A sync reads what has changed since the last one, and forgets what is gone."
            actions={
              <SpaceBetween direction="horizontal" size="xs">
                <Button iconName="refresh" ariaLabel="Refresh the data sources" onClick={rows.reload} />
                <Button onClick={() => navigate(addSourcePath(id))}>Add</Button>
              </SpaceBetween>
            }
          >
            Data sources
          </Header>
        }
        empty={
          <Empty title="No data sources">
            <PageLink to={addSourcePath(id)}>Add one</PageLink>, or run <code>aws bedrock-agent create-data-source</code>.
          </Empty>
        }
        columnDefinitions={[
          {
            id: 'name',
            header: 'Data source name',
            isRowHeader: true,
            minWidth: 200,
            cell: ({ source }) => (
              <span className="craton-stack">
                <PageLink to={sourcePath(id, source.dataSourceId)}>{source.name}</PageLink>
              </span>
            ),
          },
          { id: 'status', header: 'Status', minWidth: 120, cell: ({ source }) => <Status shown={sourceStatus(source.status)} /> },
          {
            id: 'origin',
            header: 'Documents',
            minWidth: 200,
            cell: ({ source }) => <span className="craton-stack">{originOf(source.dataSourceConfiguration)}</span>,
          },
          {
            id: 'job',
            header: 'Last sync',
            minWidth: 130,
            cell: ({ job }) => (job ? <Status shown={jobStatus(job.status)} /> : 'Never synced'),
          },
          { id: 'time', header: 'Last sync time', minWidth: 175, cell: ({ job }) => <Time iso={job?.startedAt} /> },
          {
            id: 'actions',
            header: 'Actions',
            minWidth: 90,
            cell: ({ source, job }) =>
              source.dataSourceConfiguration.type === 'CUSTOM' ? (
                '–'
              ) : (
                <Button
                  variant="inline-link"
                  ariaLabel={`Sync ${source.name}`}
                  disabled={sync.busy || source.status !== 'AVAILABLE' || (job !== undefined && !isOver(job.status))}
                  onClick={() => void sync.run(source.dataSourceId)}
                >
                  Sync
                </Button>
              ),
          },
        ]}
      />
    </SpaceBetween>
  )
}
