import Button from '@cloudscape-design/components/button'
import Header from '@cloudscape-design/components/header'
import ProgressBar from '@cloudscape-design/components/progress-bar'
import Select from '@cloudscape-design/components/select'
import SpaceBetween from '@cloudscape-design/components/space-between'
import Table from '@cloudscape-design/components/table'
import { useCallback, useState } from 'react'
import { getProgress, listEvaluations, stopEvaluation, type ApplicationType, type EvaluationRow, type EvaluationStatus } from '../../api/evaluations.ts'
import { navigate, PageLink } from '../../shell/router.tsx'
import { useNotify } from '../../shell/Notifications.tsx'
import { Empty } from '../../ui/Empty.tsx'
import { ErrorAlert } from '../../ui/ErrorAlert.tsx'
import { duration } from '../../ui/format.ts'
import { Time } from '../../ui/Time.tsx'
import { useAction } from '../../ui/useAction.ts'
import { useLoad } from '../../ui/useLoad.ts'
import { NONE, usePages } from '../../ui/usePages.ts'
import { NameFilter } from '../imports/NameFilter.tsx'
import { Paging } from '../imports/Paging.tsx'
import { DeleteEvaluations } from './DeleteEvaluations.tsx'
import { Status } from './Status.tsx'
import { comparePath, createPath, isOver, jobPath, judgesOfRow, KINDS, passportPath, percentOf, shortId, STATUSES, systemsOfRow } from './text.ts'

const REFRESH_MS = 5000
/** Bedrock deletes so many at once; more are hardly compared either. */
const MOST = 25

const ALL_STATUSES = { value: '', label: 'All statuses' }
const STATUS_OPTIONS = [ALL_STATUSES, ...Object.entries(STATUSES).map(([value, { text }]) => ({ value, label: text }))]
const ALL_TYPES = { value: '', label: 'All types' }
const TYPE_OPTIONS = [ALL_TYPES, { value: 'ModelEvaluation', label: 'Model' }, { value: 'RagEvaluation', label: 'RAG' }]

/** What Bedrock takes as a part of a name; no name holds anything else. */
const PART = /^[a-z0-9](-*[a-z0-9]){0,62}$/

/** The evaluations of the account, the newest first. */
export function EvaluationList() {
  const [name, setName] = useState('')
  const [status, setStatus] = useState('')
  const [type, setType] = useState('')
  const [chosen, setChosen] = useState<EvaluationRow[]>([])
  const [deleting, setDeleting] = useState(false)
  const notify = useNotify()
  const load = useCallback(
    (token: string | undefined, signal: AbortSignal) =>
      name && !PART.test(name)
        ? NONE
        : listEvaluations(
            {
              ...(name ? { nameContains: name } : {}),
              ...(status ? { status: status as EvaluationStatus } : {}),
              ...(type ? { applicationType: type as ApplicationType } : {}),
            },
            token,
            signal,
          ),
    [name, status, type],
  )
  const jobs = usePages(load, REFRESH_MS)
  const items = jobs.value?.items ?? []
  // What was chosen, as it is now.
  const selected = items.filter(({ jobArn }) => chosen.some((one) => one.jobArn === jobArn))
  const going = selected.filter((job) => job.status === 'InProgress')
  const stop = useAction(async () => {
    for (const job of going) await stopEvaluation(job.jobArn)
    notify('success', going.length === 1 ? `The evaluation ${going[0]?.jobName} is being stopped.` : `${going.length} evaluations are being stopped.`)
    jobs.reload()
  })
  return (
    <SpaceBetween size="m">
      <ErrorAlert error={jobs.error} title="Could not list the evaluations" onRetry={jobs.reload} />
      <ErrorAlert error={stop.error} title="Could not stop the evaluation" onDismiss={stop.clearError} />
      <Table
        items={items}
        trackBy="jobArn"
        variant="full-page"
        wrapLines
        loading={jobs.loading}
        loadingText="Loading evaluations"
        selectionType="multi"
        selectedItems={selected}
        onSelectionChange={({ detail }) => setChosen(detail.selectedItems.slice(0, MOST))}
        ariaLabels={{
          tableLabel: 'Evaluations',
          selectionGroupLabel: 'Evaluations',
          allItemsSelectionLabel: () => 'Choose all evaluations of the page',
          itemSelectionLabel: (_, job) => `Choose ${job.jobName}`,
        }}
        header={
          <Header
            variant="h1"
            description="How good are the answers of a model or a knowledge base? A judge rates them metric by metric, and is itself compared with people."
            actions={
              <SpaceBetween direction="horizontal" size="xs">
                <Button iconName="refresh" ariaLabel="Refresh the evaluations" onClick={jobs.reload} />
                <Button onClick={() => navigate(passportPath(''))}>Judge passports</Button>
                <Button disabled={selected.length < 2} onClick={() => navigate(comparePath(selected.map(({ jobArn }) => shortId(jobArn)).reverse()))}>
                  Compare
                </Button>
                <Button disabled={going.length === 0 || going.length < selected.length} loading={stop.busy} onClick={() => void stop.run()}>
                  Stop
                </Button>
                <Button disabled={selected.length === 0 || selected.some((job) => !isOver(job.status))} onClick={() => setDeleting(true)}>
                  Delete
                </Button>
                <Button variant="primary" onClick={() => navigate(createPath('details'))}>
                  Create evaluation
                </Button>
              </SpaceBetween>
            }
          >
            Evaluations
          </Header>
        }
        filter={
          <div className="craton-filters">
            <NameFilter label="Find evaluations" value={name} onChange={setName} />
            <Choice label="Status" options={STATUS_OPTIONS} value={status} onChange={setStatus} />
            <Choice label="Type" options={TYPE_OPTIONS} value={type} onChange={setType} />
          </div>
        }
        pagination={<Paging pages={jobs} of="evaluations" />}
        empty={
          name || status || type ? (
            <Empty title="No evaluation matches" />
          ) : (
            <Empty title="No evaluations yet">
              <PageLink to={createPath('details')}>Create one</PageLink>, or run <code>craton eval run</code> or <code>aws bedrock create-evaluation-job</code>. The
              dataset is a file of JSON lines in a bucket: <code>craton eval convert</code> makes one of prompts and completions.
            </Empty>
          )
        }
        columnDefinitions={COLUMNS}
      />
      {deleting && (
        <DeleteEvaluations
          jobs={selected}
          onDeleted={() => {
            setDeleting(false)
            setChosen([])
            jobs.reload()
          }}
          onDismiss={() => setDeleting(false)}
        />
      )}
    </SpaceBetween>
  )
}

interface ChoiceProps {
  label: string
  options: { value: string; label: string }[]
  value: string
  onChange: (value: string) => void
}

function Choice({ label, options, value, onChange }: ChoiceProps) {
  return (
    <Select
      ariaLabel={label}
      options={options}
      selectedOption={options.find((option) => option.value === value) ?? null}
      onChange={({ detail }) => onChange(detail.selectedOption.value ?? '')}
    />
  )
}

const COLUMNS = [
  {
    id: 'name',
    header: 'Name',
    isRowHeader: true,
    minWidth: 180,
    cell: ({ jobArn, jobName }: EvaluationRow) => (
      <span className="craton-stack">
        <PageLink to={jobPath(shortId(jobArn))}>{jobName}</PageLink>
      </span>
    ),
  },
  { id: 'type', header: 'Type', minWidth: 120, cell: ({ kind }: EvaluationRow) => KINDS[kind] },
  {
    id: 'status',
    header: 'Status',
    minWidth: 170,
    cell: (job: EvaluationRow) => (
      <>
        <Status shown={STATUSES[job.status]} />
        {job.status === 'InProgress' && <RowProgress job={job} />}
      </>
    ),
  },
  { id: 'judge', header: 'Judge', minWidth: 165, cell: (job: EvaluationRow) => <Ids ids={judgesOfRow(job)} none="none: computed" /> },
  {
    id: 'system',
    header: 'Evaluates',
    minWidth: 165,
    cell: (job: EvaluationRow) => {
      const { names, own } = systemsOfRow(job)
      return <Ids ids={names.map((one) => (own ? `${one} (own responses)` : one))} none="–" />
    },
  },
  { id: 'created', header: 'Created', minWidth: 175, cell: ({ creationTime }: EvaluationRow) => <Time iso={creationTime} /> },
]

function Ids({ ids, none }: { ids: string[]; none: string }) {
  if (ids.length === 0) return none
  return ids.map((id) => (
    <div key={id} className="craton-stack">
      {shortId(id)}
    </div>
  ))
}

/** How far one that goes on is; the list itself does not tell. */
function RowProgress({ job: { jobArn, jobName } }: { job: EvaluationRow }) {
  const id = shortId(jobArn)
  const progress = useLoad(
    useCallback((signal: AbortSignal) => getProgress(id, signal), [id]),
    REFRESH_MS,
  )
  if (!progress.value) return progress.error ? 'How far it is cannot be told' : null
  const { secondsLeft } = progress.value
  return (
    <ProgressBar
      ariaLabel={`Progress of ${jobName}`}
      value={percentOf(progress.value) ?? 0}
      additionalInfo={secondsLeft === null ? 'Reading the datasets' : `about ${duration(secondsLeft)} left`}
    />
  )
}
