import Button from '@cloudscape-design/components/button'
import Header from '@cloudscape-design/components/header'
import Select from '@cloudscape-design/components/select'
import SpaceBetween from '@cloudscape-design/components/space-between'
import Table from '@cloudscape-design/components/table'
import { useCallback, useState } from 'react'
import { listBatches, type BatchStatus } from '../../api/batches.ts'
import { idOf } from '../../api/imports.ts'
import { PageLink } from '../../shell/router.tsx'
import { Empty } from '../../ui/Empty.tsx'
import { ErrorAlert } from '../../ui/ErrorAlert.tsx'
import { Time } from '../../ui/Time.tsx'
import { NONE, usePages } from '../../ui/usePages.ts'
import { NameFilter } from '../imports/NameFilter.tsx'
import { Paging } from '../imports/Paging.tsx'
import { Status } from './Status.tsx'
import { CREATE, jobPath, recordsText, STATUSES } from './status.ts'

const REFRESH_MS = 5000
const ALL = { value: '', label: 'All statuses' }
const ORDERS = [
  { value: 'newest', label: 'Newest first' },
  { value: 'oldest', label: 'Oldest first' },
]
const OPTIONS = [ALL, ...Object.entries(STATUSES).map(([value, { text }]) => ({ value, label: text }))]

/** What Bedrock takes as a part of a name; no name holds anything else. */
const PART = /^[a-zA-Z0-9][a-zA-Z0-9+.-]*$/

/** The batch jobs of the account, the newest first. */
export function BatchList() {
  const [name, setName] = useState('')
  const [status, setStatus] = useState('')
  const [order, setOrder] = useState('newest')
  const load = useCallback(
    (token: string | undefined, signal: AbortSignal) =>
      name && !PART.test(name)
        ? NONE
        : listBatches(
            { ...(name ? { nameContains: name } : {}), ...(status ? { status: status as BatchStatus } : {}), oldestFirst: order === 'oldest' },
            token,
            signal,
          ),
    [name, status, order],
  )
  const jobs = usePages(load, REFRESH_MS)
  return (
    <SpaceBetween size="m">
      <ErrorAlert error={jobs.error} title="Could not list the batches" onRetry={jobs.reload} />
      <Table
        items={jobs.value?.items ?? []}
        trackBy="jobArn"
        wrapLines
        loading={jobs.loading}
        loadingText="Loading batches"
        ariaLabels={{ tableLabel: 'Batches' }}
        header={
          <Header variant="h2" actions={<Button iconName="refresh" ariaLabel="Refresh the batches" onClick={jobs.reload} />}>
            Batches
          </Header>
        }
        filter={
          <div className="craton-filters">
            <NameFilter label="Find batches" value={name} onChange={setName} />
            <Select
              ariaLabel="Status"
              options={OPTIONS}
              selectedOption={OPTIONS.find(({ value }) => value === status) ?? ALL}
              onChange={({ detail }) => setStatus(detail.selectedOption.value ?? '')}
            />
            <Select
              ariaLabel="Order"
              options={ORDERS}
              selectedOption={ORDERS.find(({ value }) => value === order) ?? null}
              onChange={({ detail }) => setOrder(detail.selectedOption.value ?? 'newest')}
            />
          </div>
        }
        pagination={<Paging pages={jobs} of="batches" />}
        empty={
          name || status ? (
            <Empty title="No batch matches" />
          ) : (
            <Empty title="No batches yet">
              <PageLink to={CREATE}>Create a batch</PageLink>, or run <code>aws bedrock create-model-invocation-job</code>.
            </Empty>
          )
        }
        columnDefinitions={[
          {
            id: 'name',
            header: 'Job',
            isRowHeader: true,
            minWidth: 200,
            cell: ({ jobArn, jobName }) => <PageLink to={jobPath(idOf(jobArn))}>{jobName}</PageLink>,
          },
          { id: 'status', header: 'Status', minWidth: 150, cell: (job) => <Status status={job.status} /> },
          {
            id: 'records',
            header: 'Records',
            minWidth: 130,
            cell: ({ processedRecordCount, totalRecordCount }) => recordsText(processedRecordCount, totalRecordCount),
          },
          { id: 'errors', header: 'Errors', minWidth: 90, cell: ({ errorRecordCount }) => errorRecordCount ?? '–' },
          { id: 'model', header: 'Model', minWidth: 180, cell: ({ modelId }) => modelId },
          { id: 'created', header: 'Started', minWidth: 175, cell: ({ submitTime }) => <Time iso={submitTime} /> },
          { id: 'ended', header: 'Ended', minWidth: 175, cell: ({ endTime }) => <Time iso={endTime} /> },
        ]}
      />
    </SpaceBetween>
  )
}
