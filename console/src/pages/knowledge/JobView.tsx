import Alert from '@cloudscape-design/components/alert'
import Box from '@cloudscape-design/components/box'
import Button from '@cloudscape-design/components/button'
import Container from '@cloudscape-design/components/container'
import Header from '@cloudscape-design/components/header'
import KeyValuePairs from '@cloudscape-design/components/key-value-pairs'
import LiveRegion from '@cloudscape-design/components/live-region'
import SpaceBetween from '@cloudscape-design/components/space-between'
import { useCallback, useState } from 'react'
import { getDataSource, getIngestionJob, stopIngestionJob, type IngestionJob } from '../../api/knowledgeBases.ts'
import { navigate, PageLink } from '../../shell/router.tsx'
import { ErrorAlert } from '../../ui/ErrorAlert.tsx'
import { dateTime, duration, integer } from '../../ui/format.ts'
import { Loading } from '../../ui/Loading.tsx'
import { Time } from '../../ui/Time.tsx'
import { useAction } from '../../ui/useAction.ts'
import { useLoad } from '../../ui/useLoad.ts'
import { Crumbs, useBaseName } from './Crumbs.tsx'
import { FailedDocuments } from './FailedDocuments.tsx'
import { Reasons } from './Reasons.tsx'
import { Status } from './Status.tsx'
import { basePath, COUNTS, failuresOf, isOver, jobStatus, sourcePath, summaryOf, testPath } from './text.ts'

const REFRESH_MS = 1000

interface Props {
  id: string
  source: string
  job: string
}

/** One sync: how far it is, what it did, what failed. */
export function JobView({ id, source, job }: Props) {
  const [going, setGoing] = useState(true)
  const load = useCallback(
    async (signal: AbortSignal) => {
      const found = await getIngestionJob(id, source, job, signal)
      setGoing(!isOver(found.status))
      return found
    },
    [id, source, job],
  )
  const loaded = useLoad(load, going ? REFRESH_MS : undefined)
  const base = useBaseName(id)
  const dataSource = useLoad(useCallback((signal: AbortSignal) => getDataSource(id, source, signal), [id, source]))
  if (loaded.loading) return <Loading what="the sync" />
  return (
    <SpaceBetween size="m">
      <Crumbs
        items={[
          { text: base, path: basePath(id) },
          { text: dataSource.value?.name ?? source, path: sourcePath(id, source) },
          { text: loaded.value ? `Sync of ${dateTime(loaded.value.startedAt)}` : 'Sync' },
        ]}
      />
      <ErrorAlert error={loaded.error} title="Could not read the sync" onRetry={loaded.reload} />
      {loaded.value && <Sync job={loaded.value} onChange={loaded.reload} />}
    </SpaceBetween>
  )
}

function Sync({ job, onChange }: { job: IngestionJob; onChange: () => void }) {
  const { knowledgeBaseId: id, dataSourceId: source, ingestionJobId, status, statistics } = job
  const over = isOver(status)
  const failures = failuresOf(job)
  const stop = useAction(async () => {
    await stopIngestionJob(id, source, ingestionJobId)
    onChange()
  })
  return (
    <SpaceBetween size="m">
      <Header
        variant="h1"
        actions={
          over ? (
            <Button variant="primary" onClick={() => navigate(testPath(id))}>
              Test knowledge base
            </Button>
          ) : (
            <Button loading={stop.busy || status === 'STOPPING'} onClick={() => void stop.run()}>
              Stop
            </Button>
          )
        }
      >
        Sync of {dateTime(job.startedAt)}
      </Header>
      <ErrorAlert error={stop.error} title="Could not stop the sync" onDismiss={stop.clearError} />
      <Reasons reasons={failures.own === undefined ? [] : [failures.own]} title="The sync failed" />
      {status === 'COMPLETE' && !statistics?.numberOfDocumentsFailed && <Alert type="success">{sentence(job)}</Alert>}
      {status === 'STOPPED' && <Alert type="info">It was stopped. What it had indexed until then stays; the next sync does the rest.</Alert>}
      <Container header={<Header variant="h2">Progress</Header>}>
        <SpaceBetween size="l">
          <KeyValuePairs
            columns={4}
            items={[
              { label: 'Status', value: <Status shown={jobStatus(status)} /> },
              { label: over ? 'Took' : 'Running for', value: duration(secondsOf(job, over)) },
              { label: 'Started', value: <Time iso={job.startedAt} /> },
              { label: over ? 'Ended' : 'Last seen', value: <Time iso={job.updatedAt} /> },
            ]}
          />
          <div data-testid="statistics">
            <KeyValuePairs columns={4} items={COUNTS.map(({ member, label }) => ({ label, value: integer(statistics?.[member] ?? 0) }))} />
          </div>
        </SpaceBetween>
      </Container>
      <FailedDocuments id={id} source={source} failures={failures} />
      <Box>
        Every document with its status now, and the reason where it failed last: <PageLink to={sourcePath(id, source)}>documents of the data source</PageLink>.
      </Box>
      <LiveRegion hidden>{over ? `The sync is over: ${jobStatus(status).text}. ${sentence(job)}` : ''}</LiveRegion>
    </SpaceBetween>
  )
}

function sentence(job: IngestionJob): string {
  const text = summaryOf(job)
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`
}

function secondsOf({ startedAt, updatedAt }: IngestionJob, over: boolean): number {
  const end = over ? new Date(updatedAt).getTime() : Date.now()
  return (end - new Date(startedAt).getTime()) / 1000
}
