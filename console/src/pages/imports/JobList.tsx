import Button from '@cloudscape-design/components/button'
import Header from '@cloudscape-design/components/header'
import Select from '@cloudscape-design/components/select'
import SpaceBetween from '@cloudscape-design/components/space-between'
import Table from '@cloudscape-design/components/table'
import { useCallback, useState } from 'react'
import { idOf, listImportJobs, type ImportStatus } from '../../api/imports.ts'
import { PageLink } from '../../shell/router.tsx'
import { Empty } from '../../ui/Empty.tsx'
import { ErrorAlert } from '../../ui/ErrorAlert.tsx'
import { Time } from '../../ui/Time.tsx'
import { NONE, usePages } from '../../ui/usePages.ts'
import { NameFilter } from './NameFilter.tsx'
import { Paging } from './Paging.tsx'
import { jobPath, modelPath, Status, STATUSES } from './parts.tsx'

const REFRESH_MS = 5000
const ALL = { value: '', label: 'All statuses' }
const OPTIONS = [ALL, ...Object.entries(STATUSES).map(([value, { text }]) => ({ value, label: text }))]

/** What Bedrock takes as a part of a name; no name holds anything else. */
const PART = /^[a-zA-Z0-9][a-zA-Z0-9+.-]*$/

/** The import jobs of the account, the newest first. */
export function JobList() {
  const [name, setName] = useState('')
  const [status, setStatus] = useState('')
  const load = useCallback(
    (token: string | undefined, signal: AbortSignal) =>
      name && !PART.test(name)
        ? NONE
        : listImportJobs({ ...(name ? { nameContains: name } : {}), ...(status ? { status: status as ImportStatus } : {}) }, token, signal),
    [name, status],
  )
  const jobs = usePages(load, REFRESH_MS)
  return (
    <SpaceBetween size="m">
      <ErrorAlert error={jobs.error} title="Could not list the import jobs" onRetry={jobs.reload} />
      <Table
        items={jobs.value?.items ?? []}
        trackBy="jobArn"
        wrapLines
        loading={jobs.loading}
        loadingText="Loading import jobs"
        ariaLabels={{ tableLabel: 'Import jobs' }}
        header={
          <Header variant="h2" actions={<Button iconName="refresh" ariaLabel="Refresh the jobs" onClick={jobs.reload} />}>
            Import jobs
          </Header>
        }
        filter={
          <div className="craton-filters">
            <NameFilter label="Find import jobs" value={name} onChange={setName} />
            <Select
              ariaLabel="Status"
              options={OPTIONS}
              selectedOption={OPTIONS.find(({ value }) => value === status) ?? ALL}
              onChange={({ detail }) => setStatus(detail.selectedOption.value ?? '')}
            />
          </div>
        }
        pagination={<Paging pages={jobs} of="import jobs" />}
        empty={
          name || status ? (
            <Empty title="No import job matches" />
          ) : (
            <Empty title="No import jobs yet">
              <PageLink to="/imported-models?import=source">Import a model</PageLink>, or run <code>aws bedrock create-model-import-job</code>.
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
          { id: 'status', header: 'Status', minWidth: 130, cell: (job) => <Status status={job.status} /> },
          {
            id: 'model',
            header: 'Model',
            minWidth: 180,
            cell: ({ importedModelArn, importedModelName }) =>
              importedModelArn ? (
                <PageLink to={modelPath(idOf(importedModelArn))}>{importedModelName ?? idOf(importedModelArn)}</PageLink>
              ) : (
                (importedModelName ?? '–')
              ),
          },
          { id: 'created', header: 'Started', minWidth: 175, cell: ({ creationTime }) => <Time iso={creationTime} /> },
          { id: 'ended', header: 'Ended', minWidth: 175, cell: ({ endTime }) => <Time iso={endTime} /> },
        ]}
      />
    </SpaceBetween>
  )
}
