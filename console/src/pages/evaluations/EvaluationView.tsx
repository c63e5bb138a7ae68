import Alert from '@cloudscape-design/components/alert'
import Button from '@cloudscape-design/components/button'
import Header from '@cloudscape-design/components/header'
import LiveRegion from '@cloudscape-design/components/live-region'
import SpaceBetween from '@cloudscape-design/components/space-between'
import Tabs from '@cloudscape-design/components/tabs'
import { useCallback, useState } from 'react'
import { getEvaluation, getProgress, reportUrl, stopEvaluation, type EvaluationDetails, type Report } from '../../api/evaluations.ts'
import { navigate } from '../../shell/router.tsx'
import { ErrorAlert } from '../../ui/ErrorAlert.tsx'
import { Loading } from '../../ui/Loading.tsx'
import { useAction } from '../../ui/useAction.ts'
import { useLoad } from '../../ui/useLoad.ts'
import { Calibrate } from './Calibrate.tsx'
import { keyOfPart } from './compare.ts'
import { Crumbs } from './Crumbs.tsx'
import { DeleteEvaluations } from './DeleteEvaluations.tsx'
import { Facts } from './Facts.tsx'
import { PickOther } from './PickOther.tsx'
import { ProgressPanel } from './ProgressPanel.tsx'
import { RecordBrowser } from './RecordBrowser.tsx'
import { ReportCard } from './ReportCard.tsx'
import { StartPairwise } from './StartPairwise.tsx'
import { comparePath, isOver, jobPath, judgesOf, passportPath, PATH, STATUSES, systemsOf } from './text.ts'

const REFRESH_MS = 1500

interface Props {
  id: string
  tab: string
  metric: string | undefined
  record: string | undefined
}

/** One evaluation: how far it is, what it came to, its records. */
export function EvaluationView({ id, tab, metric, record }: Props) {
  const [going, setGoing] = useState(true)
  const load = useCallback(
    async (signal: AbortSignal) => {
      const found = await getProgress(id, signal)
      setGoing(!isOver(found.status))
      return found
    },
    [id],
  )
  const progress = useLoad(load, going ? REFRESH_MS : undefined)
  const arn = progress.value?.jobArn
  const details = useLoad(useCallback(async (signal: AbortSignal) => (arn === undefined ? undefined : getEvaluation(arn, signal)), [arn]))
  if (progress.loading) return <Loading what="the evaluation" />
  return (
    <SpaceBetween size="m">
      <Crumbs items={[{ text: progress.value?.jobName ?? id }]} />
      <ErrorAlert error={progress.error} title="Could not read the evaluation" onRetry={progress.reload} />
      <ErrorAlert error={details.error} title="Could not read what was asked for" onRetry={details.reload} />
      {progress.value && <Evaluation id={id} tab={tab} metric={metric} record={record} job={progress.value} details={details.value} onChange={progress.reload} />}
    </SpaceBetween>
  )
}

interface EvaluationProps extends Props {
  job: Report
  details: EvaluationDetails | undefined
  onChange: () => void
}

function Evaluation({ id, tab, metric, record, job, details, onChange }: EvaluationProps) {
  const [modal, setModal] = useState<'delete' | 'compare' | 'calibrate' | 'pairwise'>()
  const over = isOver(job.status)
  const close = () => setModal(undefined)
  const judges = details ? judgesOf(details) : []
  const [judge] = judges
  const stop = useAction(async () => {
    await stopEvaluation(job.jobArn)
    onChange()
  })
  return (
    <SpaceBetween size="m">
      <Header
        variant="h1"
        {...(details?.jobDescription ? { description: details.jobDescription } : {})}
        actions={
          <SpaceBetween direction="horizontal" size="xs">
            <Button iconName="external" iconAlign="right" href={reportUrl(id, 'html')} target="_blank" ariaLabel="Report to print, opens in a new tab">
              Report to print
            </Button>
            <Button iconName="download" href={reportUrl(id, 'json')} download={`${job.jobName}.json`} ariaLabel="Download the report as JSON">
              JSON
            </Button>
            {over && <Button onClick={() => setModal('delete')}>Delete</Button>}
            {over && judges.length > 0 && <Button onClick={() => setModal('calibrate')}>Calibrate the judge</Button>}
            {over && <Button onClick={() => setModal('compare')}>Compare with…</Button>}
            {over && hasTwo(details) && <Button onClick={() => navigate(comparePath([0, 1].map((system) => keyOfPart({ job: id, dataset: 0, system }))))}>Compare its two</Button>}
            {job.status === 'Completed' && hasTwo(details) && <Button onClick={() => setModal('pairwise')}>Compare its two pair by pair</Button>}
            {!over && (
              <Button loading={stop.busy || job.status === 'Stopping'} onClick={() => void stop.run()}>
                Stop
              </Button>
            )}
          </SpaceBetween>
        }
      >
        {job.jobName}
      </Header>
      <ErrorAlert error={stop.error} title="Could not stop the evaluation" onDismiss={stop.clearError} />
      <Messages job={job} />
      {!over && <ProgressPanel job={job} details={details} />}
      <Tabs
        activeTabId={tab}
        ariaLabel="Parts of the evaluation"
        onChange={({ detail }) => navigate(jobPath(id, detail.activeTabId))}
        tabs={[
          { id: 'report', label: 'Report card', content: tab === 'report' && <ReportCard id={id} job={job} /> },
          { id: 'records', label: 'Records', content: tab === 'records' && <RecordBrowser id={id} job={job} details={details} metric={metric} record={record} /> },
          { id: 'details', label: 'Details', content: tab === 'details' && <Facts job={job} details={details} /> },
        ]}
      />
      <LiveRegion hidden>{over ? `The evaluation is over: ${STATUSES[job.status].text}.` : ''}</LiveRegion>
      {modal === 'delete' && <DeleteEvaluations jobs={[job]} onDeleted={() => navigate(PATH)} onDismiss={close} />}
      {modal === 'calibrate' && judge !== undefined && <Calibrate id={id} onDone={() => navigate(passportPath(judge))} onDismiss={close} />}
      {modal === 'pairwise' && <StartPairwise first={id} second={id} parts={{}} names={namesOf(details)} judge={judge ?? ''} onDismiss={close} />}
      {modal === 'compare' && <PickOther id={id} onPick={(others) => navigate(comparePath([id, ...others]))} onDismiss={close} />}
    </SpaceBetween>
  )
}

/** Whether two systems answer: then these are compared with each other. Where it only retrieves there are no answers. */
function hasTwo(details: EvaluationDetails | undefined): boolean {
  return details?.inferenceConfig.models?.length === 2
}

function namesOf(details: EvaluationDetails | undefined): [string, string] {
  const [first = '', second = ''] = details ? systemsOf(details.inferenceConfig).map(({ value }) => value) : []
  return [first, second]
}

function Messages({ job: { status, messages } }: { job: Report }) {
  if (status === 'Stopped') return <Alert type="info">It was stopped. No results were written; what was judged until then stands in the report card.</Alert>
  if (messages.length === 0) return null
  const failed = status === 'Failed'
  return (
    <Alert type={failed ? 'error' : 'warning'} header={failed ? 'The evaluation failed' : 'Not everything could be evaluated'}>
      <div data-testid="failure">
        {messages.map((message) => (
          <div key={message} className="craton-stack">
            {message}
          </div>
        ))}
      </div>
    </Alert>
  )
}
