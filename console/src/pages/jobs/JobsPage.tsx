import Box from '@cloudscape-design/components/box'
import Button from '@cloudscape-design/components/button'
import Header from '@cloudscape-design/components/header'
import KeyValuePairs from '@cloudscape-design/components/key-value-pairs'
import Modal from '@cloudscape-design/components/modal'
import ProgressBar from '@cloudscape-design/components/progress-bar'
import SpaceBetween from '@cloudscape-design/components/space-between'
import StatusIndicator, { type StatusIndicatorProps } from '@cloudscape-design/components/status-indicator'
import Table from '@cloudscape-design/components/table'
import { useState } from 'react'
import { cancelJob, isOver, listJobs, modelOf, type Job } from '../../api/jobs.ts'
import { PageLink } from '../../shell/router.tsx'
import { Empty } from '../../ui/Empty.tsx'
import { ErrorAlert } from '../../ui/ErrorAlert.tsx'
import { label } from '../../ui/format.ts'
import { Time } from '../../ui/Time.tsx'
import { percent, progressText } from '../../ui/jobText.ts'
import { useAction } from '../../ui/useAction.ts'
import { useLoad } from '../../ui/useLoad.ts'

const REFRESH_MS = 2000

/** Everything that runs longer than a request. */
export default function JobsPage() {
  const jobs = useLoad(listJobs, REFRESH_MS)
  const [openId, setOpenId] = useState<string>()
  const cancel = useAction(async (id: string) => {
    await cancelJob(id)
    jobs.reload()
  })
  const all = jobs.value ?? []
  const open = all.find((job) => job.id === openId)
  return (
    <SpaceBetween size="m">
      <ErrorAlert error={jobs.error} title="Could not list the jobs" onRetry={jobs.reload} />
      <ErrorAlert error={cancel.error} title="Could not cancel the job" onDismiss={cancel.clearError} />
      <Table
        items={all}
        trackBy="id"
        variant="full-page"
        wrapLines
        loading={jobs.loading}
        loadingText="Loading jobs"
        ariaLabels={{ tableLabel: 'Jobs' }}
        header={
          <Header
            variant="h1"
            counter={jobs.value ? `(${all.length})` : ''}
            description="Work that outlives a request. It goes on where it was after a restart of the server."
            actions={<Button iconName="refresh" ariaLabel="Refresh" onClick={jobs.reload} />}
          >
            Jobs
          </Header>
        }
        empty={
          <Empty title="No jobs yet">
            A download in the <PageLink to="/models">model catalogue</PageLink> is one, and so is an{' '}
            <PageLink to="/imported-models">import of a model</PageLink>.
          </Empty>
        }
        columnDefinitions={[
          {
            id: 'kind',
            header: 'Job',
            minWidth: 130,
            isRowHeader: true,
            cell: (job) => (
              <Button variant="inline-link" ariaLabel={`Details of ${job.id}`} onClick={() => setOpenId(job.id)}>
                {label(job.kind)}
              </Button>
            ),
          },
          { id: 'state', header: 'State', minWidth: 135, cell: (job) => <State job={job} /> },
          { id: 'subject', header: 'Model', minWidth: 160, cell: (job) => <Subject job={job} /> },
          { id: 'progress', header: 'Progress', minWidth: 220, cell: (job) => <JobProgress job={job} /> },
          { id: 'created', header: 'Created', minWidth: 175, cell: (job) => <Time iso={job.createdAt} /> },
          {
            id: 'actions',
            header: 'Actions',
            minWidth: 100,
            cell: (job) =>
              isOver(job) ? (
                '–'
              ) : (
                <Button
                  variant="inline-link"
                  ariaLabel={`Cancel ${job.id}`}
                  disabled={cancel.busy || job.cancelRequested}
                  onClick={() => void cancel.run(job.id)}
                >
                  Cancel
                </Button>
              ),
          },
        ]}
      />
      {open && <JobDetails job={open} onDismiss={() => setOpenId(undefined)} />}
    </SpaceBetween>
  )
}

function Subject({ job }: { job: Job }) {
  const model = modelOf(job)
  if (model === undefined) return '–'
  const page = model.imported ? '/imported-models' : '/models'
  return <PageLink to={`${page}?model=${encodeURIComponent(model.name)}`}>{model.name}</PageLink>
}

function JobProgress({ job }: { job: Job }) {
  if (isOver(job)) return job.error ? <span className="craton-stack">{job.error.message}</span> : '–'
  const value = percent(job.progress)
  if (value === undefined) return progressText(job)
  return <ProgressBar value={value} description={progressText(job)} ariaLabel={`Progress of ${job.id}`} />
}

function State({ job }: { job: Job }) {
  const ending = job.cancelRequested && !isOver(job)
  return <StatusIndicator type={INDICATORS[job.state]}>{ending ? 'Cancelling' : label(job.state)}</StatusIndicator>
}

function JobDetails({ job, onDismiss }: { job: Job; onDismiss: () => void }) {
  return (
    <Modal visible header={label(job.kind)} onDismiss={onDismiss}>
      <SpaceBetween size="m">
        <KeyValuePairs
          columns={2}
          items={[
            { label: 'State', value: <State job={job} /> },
            { label: 'Attempt', value: job.attempt },
            { label: 'Model', value: <Subject job={job} /> },
            ...(isOver(job) ? [] : [{ label: 'Progress', value: <JobProgress job={job} /> }]),
            { label: 'Created', value: <Time iso={job.createdAt} /> },
            { label: 'Started', value: <Time iso={job.startedAt} /> },
            { label: 'Ended', value: <Time iso={job.endedAt} /> },
            { label: 'Id', value: <code className="craton-secret">{job.id}</code> },
          ]}
        />
        {job.error && (
          <Box>
            <Box variant="awsui-key-label">Error</Box>
            <div className="craton-stack">
              {job.error.code}: {job.error.message}
            </div>
            {job.error.hint && <div className="craton-stack">Hint: {job.error.hint}</div>}
          </Box>
        )}
        {job.output !== null && job.output !== undefined && (
          <Box>
            <Box variant="awsui-key-label">Result</Box>
            <pre className="craton-code">{JSON.stringify(job.output, null, 2)}</pre>
          </Box>
        )}
      </SpaceBetween>
    </Modal>
  )
}

const INDICATORS: Record<Job['state'], StatusIndicatorProps.Type> = {
  queued: 'pending',
  running: 'in-progress',
  succeeded: 'success',
  failed: 'error',
  cancelled: 'stopped',
}
