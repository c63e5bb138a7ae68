import Alert from '@cloudscape-design/components/alert'
import BreadcrumbGroup from '@cloudscape-design/components/breadcrumb-group'
import Button from '@cloudscape-design/components/button'
import Container from '@cloudscape-design/components/container'
import Header from '@cloudscape-design/components/header'
import KeyValuePairs from '@cloudscape-design/components/key-value-pairs'
import ProgressBar from '@cloudscape-design/components/progress-bar'
import SpaceBetween from '@cloudscape-design/components/space-between'
import Table from '@cloudscape-design/components/table'
import { useCallback, useState } from 'react'
import { getBatch, stopBatch, type BatchDetails } from '../../api/batches.ts'
import { download } from '../../api/s3.ts'
import { follow, href } from '../../shell/router.tsx'
import { ErrorAlert } from '../../ui/ErrorAlert.tsx'
import { integer } from '../../ui/format.ts'
import { Loading } from '../../ui/Loading.tsx'
import { save } from '../../ui/save.ts'
import { Time } from '../../ui/Time.tsx'
import { useAction } from '../../ui/useAction.ts'
import { useLoad } from '../../ui/useLoad.ts'
import { Status } from './Status.tsx'
import { isOver, PATH, percentOf, placeOf, recordsText } from './status.ts'

const REFRESH_MS = 1000

/** One batch: how far it is, what became of it, which records failed. */
export function BatchView({ id }: { id: string }) {
  const [going, setGoing] = useState(true)
  const load = useCallback(
    async (signal: AbortSignal) => {
      const found = await getBatch(id, signal)
      setGoing(!isOver(found.status))
      return found
    },
    [id],
  )
  const details = useLoad(load, going ? REFRESH_MS : undefined)
  const job = details.value
  if (details.loading) return <Loading what="the batch" />
  return (
    <SpaceBetween size="m">
      <BreadcrumbGroup
        ariaLabel="Batch inference"
        items={[
          { text: 'Batch inference', href: href(PATH) },
          { text: job?.jobName ?? id, href: '#' },
        ]}
        onFollow={follow}
      />
      <ErrorAlert error={details.error} title="Could not read the batch" onRetry={details.reload} />
      {job && <Batch job={job} onChange={details.reload} />}
    </SpaceBetween>
  )
}

function Batch({ job, onChange }: { job: BatchDetails; onChange: () => void }) {
  const stop = useAction(async () => {
    await stopBatch(job.jobId)
    onChange()
  })
  const over = isOver(job.status)
  return (
    <SpaceBetween size="m">
      <Header
        variant="h1"
        actions={
          !over && (
            <Button ariaLabel={`Stop ${job.jobName}`} loading={stop.busy || job.status === 'Stopping'} onClick={() => void stop.run()}>
              Stop
            </Button>
          )
        }
      >
        {job.jobName}
      </Header>
      <ErrorAlert error={stop.error} title="Could not stop the batch" />
      {job.message && (
        <Alert type={job.status === 'Failed' ? 'error' : 'warning'} header={job.status === 'Failed' ? 'The batch failed' : 'Not every record was processed'}>
          <div className="craton-stack" data-testid="failure">
            {job.message}
          </div>
        </Alert>
      )}
      {!over && (
        <Container header={<Header variant="h2">Progress</Header>}>
          <ProgressBar
            value={percentOf(job) ?? 0}
            description={recordsText(job.processedRecordCount, job.totalRecordCount)}
            ariaLabel={`Progress of ${job.jobName}`}
          />
        </Container>
      )}
      <Facts job={job} />
      {job.resultFiles.length > 0 && <Results job={job} />}
      {job.errors.length > 0 && <Errors job={job} />}
    </SpaceBetween>
  )
}

/** A file of results for each file of the input. */
function Results({ job }: { job: BatchDetails }) {
  const fetched = useAction(async (name: string) => {
    const { bucket, prefix } = placeOf(job.resultsUri)
    save(await download(bucket, `${prefix}${name}`), name.split('/').pop() ?? name)
  })
  return (
    <>
      <ErrorAlert error={fetched.error} title="Could not read the results" onDismiss={fetched.clearError} />
      <Table
        items={job.resultFiles}
        trackBy={(name) => name}
        wrapLines
        ariaLabels={{ tableLabel: 'Results' }}
        header={
          <Header variant="h2" counter={`(${integer(job.resultFiles.length)})`} description="A line for each record, in the order of the input.">
            Results
          </Header>
        }
        columnDefinitions={[
          { id: 'name', header: 'File', isRowHeader: true, minWidth: 200, cell: (name) => <span className="craton-stack">{name}</span> },
          {
            id: 'get',
            header: 'Actions',
            minWidth: 130,
            cell: (name) => (
              <Button variant="inline-link" ariaLabel={`Download ${name}`} disabled={fetched.busy} onClick={() => void fetched.run(name)}>
                Download
              </Button>
            ),
          },
        ]}
      />
    </>
  )
}

function Facts({ job }: { job: BatchDetails }) {
  const code = (text: string) => <code className="craton-secret">{text}</code>
  return (
    <Container header={<Header variant="h2">Batch</Header>}>
      <SpaceBetween size="l">
        <KeyValuePairs
          columns={3}
          items={[
            { label: 'Status', value: <Status status={job.status} /> },
            { label: 'Records', value: recordsText(job.processedRecordCount, job.totalRecordCount) },
            { label: 'Records with errors', value: integer(job.errorRecordCount) },
            { label: 'Tokens read', value: integer(job.inputTokenCount) },
            { label: 'Tokens written', value: integer(job.outputTokenCount) },
            { label: 'Bodies', value: job.modelInvocationType },
            { label: 'Started', value: <Time iso={job.createdAt} /> },
            { label: 'Ended', value: <Time iso={job.endedAt} /> },
            { label: 'Ends at the latest', value: <Time iso={job.expiresAt} /> },
          ]}
        />
        <KeyValuePairs
          columns={1}
          items={[
            { label: 'Model', value: code(job.modelId) },
            { label: 'Input', value: code(job.inputUri) },
            { label: 'Results', value: code(job.resultsUri) },
            { label: 'Role', value: code(job.roleArn) },
            { label: 'ARN', value: code(job.jobArn) },
          ]}
        />
      </SpaceBetween>
    </Container>
  )
}

function Errors({ job }: { job: BatchDetails }) {
  const more = job.errorRecordCount - job.errors.length
  return (
    <Table
      items={job.errors}
      wrapLines
      ariaLabels={{ tableLabel: 'Records with errors' }}
      header={
        <Header
          variant="h2"
          counter={`(${integer(job.errorRecordCount)})`}
          {...(more > 0 ? { description: `The first ${job.errors.length}; the results have all.` } : {})}
        >
          Records with errors
        </Header>
      }
      columnDefinitions={[
        { id: 'place', header: 'Line', isRowHeader: true, minWidth: 160, cell: ({ file, line }) => `${file}:${line}` },
        { id: 'record', header: 'Record', minWidth: 140, cell: ({ recordId }) => recordId },
        { id: 'code', header: 'Code', minWidth: 80, cell: ({ errorCode }) => errorCode },
        { id: 'message', header: 'Message', minWidth: 300, cell: ({ errorMessage }) => errorMessage },
      ]}
    />
  )
}
