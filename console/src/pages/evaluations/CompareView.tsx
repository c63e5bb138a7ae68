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
import { compareEvaluations, getProgress, getReport, type JobComparison, type JobPart, type MetricComparison, type Report } from '../../api/evaluations.ts'
import { ApiError, isAbort } from '../../api/http.ts'
import { navigate, PageLink } from '../../shell/router.tsx'
import { Empty } from '../../ui/Empty.tsx'
import { ErrorAlert } from '../../ui/ErrorAlert.tsx'
import { integer } from '../../ui/format.ts'
import { Loading } from '../../ui/Loading.tsx'
import { useLoad } from '../../ui/useLoad.ts'
import { IntervalBar } from './Charts.tsx'
import { reach } from './charts.ts'
import { bestOf, isForPairs, pairwisePartsOf, partOf, partsOf, recommendation, sharedMetrics, sideOf, summaryOf, verdicts, type Side } from './compare.ts'
import { Crumbs } from './Crumbs.tsx'
import { metricLabel } from './metrics.ts'
import { StartPairwise } from './StartPairwise.tsx'
import { Status, TrustLine } from './Status.tsx'
import { comparePath, isOver, jobPath, judgementOf, probability, progressText, shortId, STATUSES, withInterval } from './text.ts'

const REFRESH_MS = 3000

/** Jobs beside each other, or parts of them: those that still go on with their progress, then who is better, as far as that can be told. */
export function CompareView({ ids }: { ids: string }) {
  const parts = useMemo(() => ids.split(',').filter(Boolean).map(partOf), [ids])
  const [going, setGoing] = useState(true)
  const load = useCallback(
    async (signal: AbortSignal) => {
      const jobs = [...new Set(parts.map(({ job }) => job))]
      const found = await Promise.all(jobs.map((job) => getProgress(job, signal)))
      setGoing(found.some(({ status }) => !isOver(status)))
      return found
    },
    [parts],
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
      {parts.length < 2 && <Empty title="Choose two evaluations or more in the list" />}
      {open.length > 0 && <Open jobs={open} />}
      {progress.value && open.length === 0 && parts.length > 1 && <Compared parts={parts} />}
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

function Compared({ parts }: { parts: JobPart[] }) {
  const load = useCallback((signal: AbortSignal) => Promise.all(parts.map(async (part) => sideOf(part, await getReport(part.job, signal)))), [parts])
  const reports = useLoad(load)
  const [metric, setMetric] = useState('')
  const [baseline, setBaseline] = useState('')
  if (reports.loading) return <Loading what="the reports" />
  const sides = reports.value ?? []
  const shared = sharedMetrics(sides)
  const chosen = shared.includes(metric) ? metric : (shared[0] ?? '')
  const best = sides[bestOf(sides, chosen) ?? -1]
  const first = sides.find(({ key }) => key === baseline) ?? best ?? sides[0]
  const options = sides.map(({ key, name }) => ({ value: key, label: name, ...(key === best?.key ? { description: `best mean of ${metricLabel(chosen)}` } : {}) }))
  return (
    <SpaceBetween size="m">
      <ErrorAlert error={reports.error} title="Could not read the reports" onRetry={reports.reload} />
      <Parts sides={sides} />
      {reports.value && shared.length === 0 && <Alert type="warning">They have no metric in common.</Alert>}
      {first && shared.length > 0 && (
        <SpaceBetween size="m">
          <Means sides={sides} metrics={shared} />
          <div className="craton-filters">
            <FormField label="Compare the others with">
              <Select options={options} selectedOption={options.find(({ value }) => value === first.key) ?? null} onChange={({ detail }) => setBaseline(detail.selectedOption.value ?? '')} />
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
          <Pairs key={first.key} sides={sides} first={first} metric={chosen} isBest={best?.key === first.key} />
        </SpaceBetween>
      )}
    </SpaceBetween>
  )
}

/** Of jobs with several datasets or systems: which one is compared. */
function Parts({ sides }: { sides: Side[] }) {
  const several = sides.map((side, at) => ({ side, at, options: partsOf(side) })).filter(({ options }) => options.length > 0)
  if (several.length === 0) return null
  return (
    <div className="craton-filters">
      {several.map(({ side, at, options }) => (
        <FormField key={`${at} ${side.key}`} label={`Compared of ${side.report.jobName}`}>
          <Select
            options={options}
            selectedOption={options.find(({ value }) => value === side.key) ?? null}
            onChange={({ detail }) => navigate(comparePath(sides.map(({ key }, place) => (place === at ? (detail.selectedOption.value ?? key) : key))))}
          />
        </FormField>
      ))}
    </div>
  )
}

/** The means of every side beside each other. */
function Means({ sides, metrics }: { sides: Side[]; metrics: string[] }) {
  /** What is known of the judges; one where it is the same of all. */
  const calibrations = (metric: string) => [...new Set(sides.map((side) => summaryOf(side, metric)?.calibration ?? null))]
  return (
    <Table
      items={metrics}
      wrapLines
      ariaLabels={{ tableLabel: 'Means' }}
      header={<Header variant="h2" description="Over all records of each, with intervals of 95 %. Overlapping intervals say nothing: the paired comparison below does.">Means</Header>}
      columnDefinitions={[
        {
          id: 'metric',
          header: 'Metric',
          isRowHeader: true,
          minWidth: 190,
          cell: (metric) => {
            const [known = null, ...others] = calibrations(metric)
            return (
              <>
                <div>{metricLabel(metric)}</div>
                {others.length === 0 && <TrustLine calibration={known} judge={null} short />}
              </>
            )
          },
        },
        ...sides.map((side, at) => ({
          id: `${at} ${side.key}`,
          header: side.name,
          minWidth: 170,
          cell: (metric: string) => {
            const summary = summaryOf(side, metric)
            const mean = summary?.mean ?? null
            return (
              <>
                <div>{withInterval(mean)}</div>
                {mean && <IntervalBar name={`${metricLabel(metric)} of ${side.name}`} interval={mean} fixed />}
                {calibrations(metric).length > 1 && <TrustLine calibration={summary?.calibration ?? null} judge={null} short />}
              </>
            )
          },
        })),
      ]}
    />
  )
}

interface PairsProps {
  sides: Side[]
  first: Side
  metric: string
  /** Whether the first has the best mean: then a recommendation follows. */
  isBest: boolean
}

type Compare = { other: Side; comparison?: JobComparison; error?: ApiError }

function Pairs({ sides, first, metric, isBest }: PairsProps) {
  const load = useCallback(
    async (signal: AbortSignal) =>
      Promise.all(
        sides
          .filter(({ key }) => key !== first.key)
          .map(async (other): Promise<Compare> => {
            try {
              return { other, comparison: await compareEvaluations(first, other, signal) }
            } catch (reason) {
              if (isAbort(reason)) throw reason
              return { other, error: ApiError.from(reason) }
            }
          }),
      ),
    [sides, first],
  )
  const pairs = useLoad(load)
  if (pairs.loading) return <Loading what="the comparisons" />
  const found = pairs.value ?? []
  const told = verdicts(
    found.map(({ comparison }) => comparison),
    found.map(({ other }) => other.name),
    metric,
  )
  return (
    <SpaceBetween size="m">
      {isBest && (
        <Alert type="info" header="Recommendation">
          <span className="craton-stack" data-testid="recommendation">
            {recommendation(first.name, metricLabel(metric), told)}
          </span>
        </Alert>
      )}
      {found.map((pair) =>
        pair.comparison ? (
          <Pair key={pair.other.key} comparison={pair.comparison} sides={[first, pair.other]} />
        ) : (
          <ErrorAlert key={pair.other.key} error={pair.error} title={`Could not compare ${first.name} with ${pair.other.name}`} onRetry={pairs.reload} />
        ),
      )}
    </SpaceBetween>
  )
}

interface PairProps {
  comparison: JobComparison
  sides: [Side, Side]
}

function Pair({ comparison: { first, second, turns, metrics, judgedDifferently = false }, sides: [one, other] }: PairProps) {
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
          description={`${integer(turns)} ${turns === 1 ? 'turn was' : 'turns were'} asked the same in both. The difference is ${first} less ${second}.${judgedDifferently ? ' They have different judges: a difference may be theirs.' : ''}`}
          actions={
            isForPairs(one, other) && (
              <>
                <Button ariaLabel={`Compare ${first} and ${second} pair by pair`} onClick={() => setAsks(true)}>
                  Pair by pair
                </Button>
                {asks && (
                  <StartPairwise
                    first={one.job}
                    second={other.job}
                    parts={pairwisePartsOf(one, other)}
                    names={[first, second]}
                    judge={one.section?.judge ?? ''}
                    onDismiss={() => setAsks(false)}
                  />
                )}
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
        {
          id: 'metric',
          header: 'Metric',
          isRowHeader: true,
          minWidth: 150,
          cell: ({ metricName, calibrations }) => (
            <>
              <div>{metricLabel(metricName)}</div>
              <Trusts calibrations={calibrations} names={[first, second]} />
            </>
          ),
        },
        { id: 'judgement', header: 'What follows', minWidth: 190, cell: (metric) => <Status shown={judgementOf(metric, first, second)} /> },
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

/** How far the judges of both can be trusted: once, where that is the same. */
function Trusts({ calibrations, names }: { calibrations: MetricComparison['calibrations']; names: [string, string] }) {
  if (!calibrations) return null
  const [one, other] = calibrations
  if (one === other) return <TrustLine calibration={one} judge={null} short />
  return names.map((name, at) => (
    <div key={at}>
      <Box variant="small" display="block" color="text-body-secondary">
        {name}
      </Box>
      <TrustLine calibration={calibrations[at] ?? null} judge={null} short />
    </div>
  ))
}
