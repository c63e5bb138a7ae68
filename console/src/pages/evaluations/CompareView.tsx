import Alert from '@cloudscape-design/components/alert'
import Box from '@cloudscape-design/components/box'
import Button from '@cloudscape-design/components/button'
import Container from '@cloudscape-design/components/container'
import FormField from '@cloudscape-design/components/form-field'
import Header from '@cloudscape-design/components/header'
import Select from '@cloudscape-design/components/select'
import SpaceBetween from '@cloudscape-design/components/space-between'
import Table from '@cloudscape-design/components/table'
import { useCallback, useMemo, useState } from 'react'
import { compareEvaluations, getProgress, getReport, type JobComparison, type MetricComparison, type Report } from '../../api/evaluations.ts'
import { ApiError, isAbort } from '../../api/http.ts'
import { PageLink } from '../../shell/router.tsx'
import { Empty } from '../../ui/Empty.tsx'
import { ErrorAlert } from '../../ui/ErrorAlert.tsx'
import { integer } from '../../ui/format.ts'
import { Loading } from '../../ui/Loading.tsx'
import { useLoad } from '../../ui/useLoad.ts'
import { IntervalBar } from './Charts.tsx'
import { reach } from './charts.ts'
import { bestOf, recommendation, sharedMetrics, summaryOf, verdicts } from './compare.ts'
import { Crumbs } from './Crumbs.tsx'
import { metricLabel } from './metrics.ts'
import { StartPairwise } from './StartPairwise.tsx'
import { Status, TrustLine } from './Status.tsx'
import { isOver, jobPath, judgementOf, probability, progressText, shortId, STATUSES, withInterval } from './text.ts'

const REFRESH_MS = 3000

/** Jobs beside each other: those that still go on with their progress, then who is better, as far as that can be told. */
export function CompareView({ ids }: { ids: string }) {
  const jobs = useMemo(() => ids.split(',').filter(Boolean), [ids])
  const [going, setGoing] = useState(true)
  const load = useCallback(
    async (signal: AbortSignal) => {
      const found = await Promise.all(jobs.map((job) => getProgress(job, signal)))
      setGoing(found.some(({ status }) => !isOver(status)))
      return found
    },
    [jobs],
  )
  const progress = useLoad(load, going ? REFRESH_MS : undefined)
  const open = progress.value?.filter(({ status }) => !isOver(status)) ?? []
  return (
    <SpaceBetween size="m">
      <Crumbs items={[{ text: 'Compare' }]} />
      <Header variant="h1" description="Records that were asked the same in both jobs are paired: a difference counts where its interval does not hold 0.">
        Compare evaluations
      </Header>
      <ErrorAlert error={progress.error} title="Could not read the evaluations" onRetry={progress.reload} />
      {progress.loading && <Loading what="the evaluations" />}
      {jobs.length < 2 && <Empty title="Choose two evaluations or more in the list" />}
      {open.length > 0 && <Open jobs={open} />}
      {progress.value && open.length === 0 && jobs.length > 1 && <Compared jobs={jobs} />}
    </SpaceBetween>
  )
}

function Open({ jobs }: { jobs: Report[] }) {
  return (
    <Container header={<Header variant="h2">Still going on</Header>}>
      <SpaceBetween size="s">
        <Box>They are compared once all have ended.</Box>
        {jobs.map((job) => (
          <div key={job.jobArn} className="craton-stack">
            <Status shown={STATUSES[job.status]} /> <PageLink to={jobPath(shortId(job.jobArn))}>{job.jobName}</PageLink>: {progressText(job)}
          </div>
        ))}
      </SpaceBetween>
    </Container>
  )
}

function Compared({ jobs }: { jobs: string[] }) {
  const reports = useLoad(useCallback((signal: AbortSignal) => Promise.all(jobs.map((job) => getReport(job, signal))), [jobs]))
  const [metric, setMetric] = useState('')
  const [baseline, setBaseline] = useState('')
  if (reports.loading) return <Loading what="the reports" />
  const all = reports.value ?? []
  const shared = sharedMetrics(all)
  const chosen = shared.includes(metric) ? metric : (shared[0] ?? '')
  const best = bestOf(all, chosen)
  const first = baseline || jobs[best ?? 0] || ''
  const options = all.map(({ jobName }, at) => ({ value: jobs[at] ?? '', label: jobName, ...(at === best ? { description: `best mean of ${metricLabel(chosen)}` } : {}) }))
  return (
    <SpaceBetween size="m">
      <ErrorAlert error={reports.error} title="Could not read the reports" onRetry={reports.reload} />
      {reports.value && shared.length === 0 && <Alert type="warning">They have no metric in common.</Alert>}
      {shared.length > 0 && (
        <SpaceBetween size="m">
          <Means reports={all} metrics={shared} />
          <div className="craton-filters">
            <FormField label="Compare the others with">
              <Select options={options} selectedOption={options.find(({ value }) => value === first) ?? null} onChange={({ detail }) => setBaseline(detail.selectedOption.value ?? '')} />
            </FormField>
            <FormField label="Best by">
              <Select
                options={shared.map((name) => ({ value: name, label: metricLabel(name) }))}
                selectedOption={{ value: chosen, label: metricLabel(chosen) }}
                onChange={({ detail }) => {
                  setMetric(detail.selectedOption.value ?? '')
                  setBaseline('')
                }}
              />
            </FormField>
          </div>
          <Pairs key={first} jobs={jobs} reports={all} first={first} metric={chosen} isBest={jobs[best ?? -1] === first} />
        </SpaceBetween>
      )}
    </SpaceBetween>
  )
}

/** The means of every job beside each other. */
function Means({ reports, metrics }: { reports: Report[]; metrics: string[] }) {
  const of = (report: Report, metric: string) => summaryOf(report, metric)
  return (
    <Table
      items={metrics}
      wrapLines
      ariaLabels={{ tableLabel: 'Means' }}
      header={<Header variant="h2" description="Over all records of each job, with intervals of 95 %. Overlapping intervals say nothing: the paired comparison below does.">Means</Header>}
      columnDefinitions={[
        {
          id: 'metric',
          header: 'Metric',
          isRowHeader: true,
          minWidth: 190,
          cell: (metric) => (
            <>
              <div>{metricLabel(metric)}</div>
              <TrustLine calibration={reports[0] ? (of(reports[0], metric)?.calibration ?? null) : null} judge={null} short />
            </>
          ),
        },
        ...reports.map((report) => ({
          id: report.jobArn,
          header: report.jobName,
          minWidth: 170,
          cell: (metric: string) => {
            const mean = of(report, metric)?.mean ?? null
            return (
              <>
                <div>{withInterval(mean)}</div>
                {mean && <IntervalBar name={`${metricLabel(metric)} of ${report.jobName}`} interval={mean} fixed />}
              </>
            )
          },
        })),
      ]}
    />
  )
}

interface PairsProps {
  jobs: string[]
  reports: Report[]
  first: string
  metric: string
  /** Whether the first has the best mean: then a recommendation follows. */
  isBest: boolean
}

type Compare = { job: string; name: string; comparison?: JobComparison; error?: ApiError }

function Pairs({ jobs, reports, first, metric, isBest }: PairsProps) {
  const load = useCallback(
    async (signal: AbortSignal) => {
      const others = jobs.flatMap((job, at) => (job === first ? [] : [{ job, name: reports[at]?.jobName ?? job }]))
      return Promise.all(
        others.map(async (other): Promise<Compare> => {
          try {
            return { ...other, comparison: await compareEvaluations(first, other.job, signal) }
          } catch (reason) {
            if (isAbort(reason)) throw reason
            return { ...other, error: ApiError.from(reason) }
          }
        }),
      )
    },
    [jobs, reports, first],
  )
  const pairs = useLoad(load)
  if (pairs.loading) return <Loading what="the comparisons" />
  const found = pairs.value ?? []
  const name = reports[jobs.indexOf(first)]?.jobName ?? first
  const judge = reports[jobs.indexOf(first)]?.results[0]?.judge ?? ''
  const answered = (job: string) => {
    const report = reports[jobs.indexOf(job)]
    return report !== undefined && report.kind !== 'retrieve-only' && report.status === 'Completed'
  }
  const told = verdicts(
    found.map(({ comparison }) => comparison),
    found.map((one) => one.name),
    metric,
  )
  return (
    <SpaceBetween size="m">
      {isBest && (
        <Alert type="info" header="Recommendation">
          <span className="craton-stack" data-testid="recommendation">
            {recommendation(name, metricLabel(metric), told)}
          </span>
        </Alert>
      )}
      {found.map((pair) =>
        pair.comparison ? (
          <Pair key={pair.job} comparison={pair.comparison} jobs={[first, pair.job]} judge={judge} answers={answered(first) && answered(pair.job)} />
        ) : (
          <ErrorAlert key={pair.job} error={pair.error} title={`Could not compare ${name} with ${pair.name}`} onRetry={pairs.reload} />
        ),
      )}
    </SpaceBetween>
  )
}

interface PairProps {
  comparison: JobComparison
  jobs: [string, string]
  /** A judge to begin with. */
  judge: string
  /** Whether there are answers that a judge could be shown, and both jobs are completed. */
  answers: boolean
}

function Pair({ comparison: { first, second, turns, metrics }, jobs, judge, answers }: PairProps) {
  const [asks, setAsks] = useState(false)
  const most = reach(metrics.map(({ difference }) => difference))
  const number = (value: number | undefined) => (value === undefined ? '–' : value.toFixed(2))
  return (
    <Table
      items={metrics}
      trackBy="metricName"
      wrapLines
      ariaLabels={{ tableLabel: `${first} and ${second}` }}
      header={
        <Header
          variant="h2"
          description={`${integer(turns)} ${turns === 1 ? 'turn was' : 'turns were'} asked the same in both. The difference is ${first} less ${second}.`}
          actions={
            answers && (
              <>
                <Button ariaLabel={`Compare ${first} and ${second} pair by pair`} onClick={() => setAsks(true)}>
                  Pair by pair
                </Button>
                {asks && <StartPairwise first={jobs[0]} second={jobs[1]} names={[first, second]} judge={judge} onDismiss={() => setAsks(false)} />}
              </>
            )
          }
        >
          <span className="craton-stack">
            {first} and {second}
          </span>
        </Header>
      }
      columnDefinitions={[
        { id: 'metric', header: 'Metric', isRowHeader: true, minWidth: 150, cell: ({ metricName }) => metricLabel(metricName) },
        { id: 'judgement', header: 'What follows', minWidth: 190, cell: (one) => <Status shown={judgementOf(one, first, second)} /> },
        { id: 'first', header: first, minWidth: 90, cell: ({ means }) => number(means?.[0]) },
        { id: 'second', header: second, minWidth: 90, cell: ({ means }) => number(means?.[1]) },
        {
          id: 'difference',
          header: 'Difference (95 %)',
          minWidth: 200,
          cell: ({ metricName, difference }: MetricComparison) => (
            <>
              <div>{withInterval(difference)}</div>
              {difference && <IntervalBar name={`Difference in ${metricLabel(metricName)}`} interval={difference} from={-most} to={most} fixed />}
            </>
          ),
        },
        { id: 'p', header: 'p', minWidth: 80, cell: ({ difference }) => probability(difference?.p) },
        { id: 'mcnemar', header: 'McNemar p', minWidth: 100, cell: ({ mcnemar }) => probability(mcnemar) },
        { id: 'turns', header: 'Pairs', minWidth: 70, cell: ({ turns: pairs }) => integer(pairs) },
      ]}
    />
  )
}
