import Button from '@cloudscape-design/components/button'
import Header from '@cloudscape-design/components/header'
import SpaceBetween from '@cloudscape-design/components/space-between'
import Table from '@cloudscape-design/components/table'
import { useCallback, useState } from 'react'
import { listIngestionJobs, type IngestionJob } from '../../api/knowledgeBases.ts'
import { PageLink } from '../../shell/router.tsx'
import { Empty } from '../../ui/Empty.tsx'
import { ErrorAlert } from '../../ui/ErrorAlert.tsx'
import { dateTime, integer } from '../../ui/format.ts'
import { usePages } from '../../ui/usePages.ts'
import { Paging } from '../imports/Paging.tsx'
import { Status } from './Status.tsx'
import { COUNTS, isOver, jobPath, jobStatus } from './text.ts'

const REFRESH_MS = 2000

/** Every sync of a data source, the newest first, with what it did. */
export function SyncHistory({ id, source }: { id: string; source: string }) {
  const [moving, setMoving] = useState(false)
  const load = useCallback(
    async (token: string | undefined, signal: AbortSignal) => {
      const page = await listIngestionJobs(id, source, token, signal)
      setMoving(page.items.some(({ status }) => !isOver(status)))
      return page
    },
    [id, source],
  )
  const jobs = usePages(load, moving ? REFRESH_MS : undefined)
  return (
    <SpaceBetween size="m">
      <ErrorAlert error={jobs.error} title="Could not list the syncs" onRetry={jobs.reload} />
      <Table
        items={jobs.value?.items ?? []}
        trackBy="ingestionJobId"
        wrapLines
        loading={jobs.loading}
        loadingText="Loading syncs"
        ariaLabels={{ tableLabel: 'Sync history' }}
        header={
          <Header variant="h2" actions={<Button iconName="refresh" ariaLabel="Refresh the syncs" onClick={jobs.reload} />}>
            Sync history
          </Header>
        }
        pagination={<Paging pages={jobs} of="syncs" />}
        empty={
          <Empty title="Never synced">
            Sync the data source, or run <code>craton kb sync</code> or <code>aws bedrock-agent start-ingestion-job</code>.
          </Empty>
        }
        columnDefinitions={[
          {
            id: 'started',
            header: 'Started',
            isRowHeader: true,
            minWidth: 175,
            cell: ({ ingestionJobId, startedAt }) => <PageLink to={jobPath(id, source, ingestionJobId)}>{dateTime(startedAt)}</PageLink>,
          },
          { id: 'status', header: 'Status', minWidth: 130, cell: ({ status }) => <Status shown={jobStatus(status)} /> },
          ...COUNTS.map(({ member, column }) => ({
            id: member,
            header: column,
            minWidth: 95,
            cell: ({ statistics, ingestionJobId }: IngestionJob) => {
              const count = statistics?.[member] ?? 0
              if (member !== 'numberOfDocumentsFailed' || count === 0) return integer(count)
              return <PageLink to={jobPath(id, source, ingestionJobId)}>{integer(count)}</PageLink>
            },
          })),
        ]}
      />
    </SpaceBetween>
  )
}
