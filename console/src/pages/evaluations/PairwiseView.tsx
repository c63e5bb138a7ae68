import Alert from '@cloudscape-design/components/alert'
import Box from '@cloudscape-design/components/box'
import Button from '@cloudscape-design/components/button'
import Container from '@cloudscape-design/components/container'
import Header from '@cloudscape-design/components/header'
import LiveRegion from '@cloudscape-design/components/live-region'
import ProgressBar from '@cloudscape-design/components/progress-bar'
import SpaceBetween from '@cloudscape-design/components/space-between'
import Table from '@cloudscape-design/components/table'
import { useCallback, useState } from 'react'
import { cancelJob, isOver, type Job } from '../../api/jobs.ts'
import type { Interval } from '../../api/evaluations.ts'
import { getPairwise, type PairwiseResult } from '../../api/pairwise.ts'
import { PageLink } from '../../shell/router.tsx'
import { ErrorAlert } from '../../ui/ErrorAlert.tsx'
import { integer } from '../../ui/format.ts'
import { percent, progressText } from '../../ui/jobText.ts'
import { Loading } from '../../ui/Loading.tsx'
import { useAction } from '../../ui/useAction.ts'
import { useLoad } from '../../ui/useLoad.ts'
import { IntervalBar } from './Charts.tsx'
import { Crumbs } from './Crumbs.tsx'
import { cautionsOf, countsOf, datasetsText, followsOf } from './pairwise.ts'
import { Status } from './Status.tsx'
import { passportPath, probability, tokensText, withInterval } from './text.ts'

const REFRESH_MS = 1500

/** A comparison pair by pair: how far it is, then who wins, and how far the judge can be trusted. */
export function PairwiseView({ id }: { id: string }) {
  const [going, setGoing] = useState(true)
  const load = useCallback(
    async (signal: AbortSignal) => {
      const found = await getPairwise(id, signal)
      setGoing(!isOver(found.job))
      return found
    },
    [id],
  )
  const comparison = useLoad(load, going ? REFRESH_MS : undefined)
  const job = comparison.value?.job
  const result = comparison.value?.result
  return (
    <SpaceBetween size="m">
      <Crumbs items={[{ text: 'Pair by pair' }]} />
      <Header variant="h1" description="A judge is shown both answers to a prompt, once in each order. A win counts only where both orders name the same answer.">
        Pair by pair
      </Header>
      <ErrorAlert error={comparison.error} title="Could not read the comparison" onRetry={comparison.reload} />
      {comparison.loading && <Loading what="the comparison" />}
      {job && !isOver(job) && <Going job={job} onChange={comparison.reload} />}
      {job?.state === 'cancelled' && <Alert type="info">It was cancelled. Verdicts that were given are kept: the next comparison of the two by this judge goes on with them.</Alert>}
      {job?.state === 'failed' && (
        <Alert type="error" header="The comparison failed">
          <span className="craton-stack">{[job.error?.message, job.error?.hint].filter(Boolean).join(' ')}</span>
        </Alert>
      )}
      {result && <Told result={result} />}
      <LiveRegion hidden>{job && isOver(job) ? `The comparison is over: ${job.state}.` : ''}</LiveRegion>
    </SpaceBetween>
  )
}

function Going({ job, onChange }: { job: Job; onChange: () => void }) {
  const cancel = useAction(async () => {
    await cancelJob(job.id)
    onChange()
  })
  return (
    <Container
      header={
        <Header
          variant="h2"
          actions={
            <Button loading={cancel.busy || job.cancelRequested} onClick={() => void cancel.run()}>
              Cancel
            </Button>
          }
        >
          Progress
        </Header>
      }
    >
      <SpaceBetween size="s">
        <ErrorAlert error={cancel.error} title="Could not cancel the comparison" onDismiss={cancel.clearError} />
        <ProgressBar value={percent(job.progress) ?? 0} description={progressText(job)} ariaLabel="Progress of the comparison" />
      </SpaceBetween>
    </Container>
  )
}

function Told({ result }: { result: PairwiseResult }) {
  const { first, second, judge, pairs, p } = result
  const datasets = datasetsText(result)
  return (
    <SpaceBetween size="m">
      {cautionsOf(result).map((caution) => (
        <Alert key={caution} type="warning">
          <span className="craton-stack">{caution}</span>
        </Alert>
      ))}
      <Table
        items={countsOf(result)}
        trackBy="label"
        wrapLines
        ariaLabels={{ tableLabel: 'Verdicts' }}
        header={
          <Header
            variant="h2"
            description={
              <>
                <Status shown={followsOf(result)} />
                {datasets && <div className="craton-stack">{datasets}</div>}
              </>
            }
            counter={`(${integer(pairs)})`}
          >
            <span className="craton-stack">
              {first} or {second}
            </span>
          </Header>
        }
        columnDefinitions={[
          { id: 'label', header: 'Pairs', isRowHeader: true, minWidth: 220, cell: ({ label }) => <span className="craton-stack">{label}</span> },
          { id: 'count', header: 'Count', minWidth: 80, cell: ({ count }) => integer(count) },
          { id: 'percent', header: 'Share', minWidth: 80, cell: (one) => `${one.percent} %` },
        ]}
      />
      <Container header={<Header variant="h2">Who answers better</Header>}>
        <SpaceBetween size="m">
          <Figure name={`Wins of ${first}, a tie counting half`} interval={result.winRate} from={0} />
          <Figure name="The same by the probabilities of the verdicts" interval={result.expectedWinRate} from={0} />
          <Box variant="small" color="text-body-secondary">
            Exact sign test: p {probability(p)}.
          </Box>
        </SpaceBetween>
      </Container>
      <Container
        header={
          <Header variant="h2" description={<PageLink to={passportPath(judge)}>{judge}</PageLink>}>
            The judge
          </Header>
        }
      >
        <SpaceBetween size="m">
          <Figure name="Verdicts that did not change with the order" interval={result.consistent} from={0} />
          <Figure name="Leans to what is shown first" interval={result.positionBias} from={-1} />
          <Figure name="Leans to what is longer" interval={result.verbosity} from={-1} />
          {result.tokens && (
            <Box variant="small" color="text-body-secondary">
              Tokens: {tokensText(result.tokens)}.
            </Box>
          )}
        </SpaceBetween>
      </Container>
    </SpaceBetween>
  )
}

function Figure({ name, interval, from }: { name: string; interval: Interval | null; from: number }) {
  return (
    <div>
      <Box variant="awsui-key-label">{name}</Box>
      <div>{withInterval(interval)}</div>
      <IntervalBar name={name} interval={interval} from={from} />
    </div>
  )
}
