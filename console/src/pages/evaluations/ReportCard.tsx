import Alert from '@cloudscape-design/components/alert'
import Box from '@cloudscape-design/components/box'
import Container from '@cloudscape-design/components/container'
import Header from '@cloudscape-design/components/header'
import KeyValuePairs from '@cloudscape-design/components/key-value-pairs'
import SpaceBetween from '@cloudscape-design/components/space-between'
import { useCallback } from 'react'
import { getReport, type MetricSummary, type Report, type Section } from '../../api/evaluations.ts'
import { PageLink } from '../../shell/router.tsx'
import { Empty } from '../../ui/Empty.tsx'
import { ErrorAlert } from '../../ui/ErrorAlert.tsx'
import { integer } from '../../ui/format.ts'
import { Loading } from '../../ui/Loading.tsx'
import { useLoad } from '../../ui/useLoad.ts'
import { Histogram, IntervalBar } from './Charts.tsx'
import { metricLabel } from './metrics.ts'
import { keyOf, placesOf } from './records.ts'
import { TrustLine } from './Status.tsx'
import { cachedText, isOver, machineText, moneyText, passportPath, range, recordsPath, score, tokensText, variedText, withInterval } from './text.ts'

/** A card takes all that was judged: it is made anew less often than the progress. */
const REFRESH_MS = 30_000

interface Props {
  id: string
  job: Report
}

/** What a job came to: for every system and dataset each metric with its interval, histogram and worst records. */
export function ReportCard({ id, job }: Props) {
  const { status } = job
  const load = useCallback((signal: AbortSignal) => getReport(id, signal), [id, status])
  const report = useLoad(load, isOver(status) ? undefined : REFRESH_MS)
  if (report.loading) return <Loading what="the report card" />
  const sections = report.value?.results ?? []
  const places = placesOf(sections)
  const judged = sections.filter(({ card }) => card.turns > 0)
  return (
    <SpaceBetween size="m">
      <ErrorAlert error={report.error} title="Could not read the report card" onRetry={report.reload} />
      {!isOver(status) && judged.length > 0 && <Alert type="info">It goes on: the figures are those of what was judged so far.</Alert>}
      {report.value && judged.length === 0 && (
        <Empty title={isOver(status) ? 'Nothing was judged' : 'Nothing is judged yet'}>{isOver(status) ? 'The messages above say why.' : 'The figures come as the records are judged.'}</Empty>
      )}
      {report.value?.machineCost && <Box data-testid="machine-cost">{machineText(report.value.machineCost)}</Box>}
      {judged.map((section) => (
        <SectionCard key={sections.indexOf(section)} id={id} section={section} place={places[sections.indexOf(section)]!} />
      ))}
    </SpaceBetween>
  )
}

interface Place {
  dataset: number
  system: number
}

function SectionCard({ id, section, place }: { id: string; section: Section; place: Place }) {
  const { card, judge, costs = [], unpriced = [] } = section
  const { generator, filter } = card.tokens
  return (
    <SpaceBetween size="m">
      <Container
        header={
          <Header variant="h2" description={`Dataset ${section.dataset}`}>
            <span className="craton-stack">{section.system}</span>
          </Header>
        }
      >
        <SpaceBetween size="m">
          {card.warnings.map((warning) => (
            <Alert key={warning} type="warning">
              <span className="craton-stack">{warning}</span>
            </Alert>
          ))}
          <KeyValuePairs
            columns={4}
            items={[
              { label: 'Turns', value: integer(card.turns) },
              { label: 'Without an answer', value: integer(card.unanswered) },
              {
                label: 'Judge',
                value: judge === null ? 'none' : (
                  <span className="craton-stack">
                    <PageLink to={passportPath(judge)}>{judge}</PageLink>
                  </span>
                ),
              },
              { label: 'Tokens of the judge', value: tokensText(card.tokens.judge) },
              ...(generator.input > 0 ? [{ label: 'Tokens of the generator', value: tokensText(generator) }] : []),
              ...(filter !== undefined && filter.input > 0 ? [{ label: 'Tokens of the implicit filter', value: tokensText(filter) }] : []),
              ...costs.map(({ modelId, cost }) => ({ label: `Cost of ${modelId}`, value: moneyText(cost) })),
              ...(unpriced.length > 0 ? [{ label: 'Without a price, in no cost', value: unpriced.join(', ') }] : []),
            ]}
          />
          {card.cachedShare.length > 0 && (
            <Box variant="small" color="text-body-secondary">
              From the cache: {card.cachedShare.map(cachedText).join(', ')}.
            </Box>
          )}
        </SpaceBetween>
      </Container>
      <div className="craton-metrics">
        {card.metrics.map((metric) => (
          <MetricCard key={metric.metricName} id={id} metric={metric} judge={judge} place={place} />
        ))}
      </div>
    </SpaceBetween>
  )
}

function MetricCard({ id, metric, judge, place }: { id: string; metric: MetricSummary; judge: string | null; place: Place }) {
  const name = metricLabel(metric.metricName)
  return (
    <Container fitHeight header={<Header variant="h3" {...(metric.higherIsWorse ? { description: 'A higher score is worse.' } : {})}>{name}</Header>}>
      <section aria-label={name} data-testid="metric">
        <SpaceBetween size="s">
          {metric.labels.length > 0 ? (
            <Words labels={metric.labels} />
          ) : (
            <>
              <div className="craton-figure">
                <Box variant="awsui-value-large" display="inline">
                  {score(metric.mean?.value)}
                </Box>{' '}
                <Box variant="small" display="inline" color="text-body-secondary">
                  {metric.mean ? `95 %: ${range(metric.mean)}` : 'no score'}
                </Box>
              </div>
              <IntervalBar name={name} interval={metric.mean} />
            </>
          )}
          <TrustLine calibration={metric.calibration} judge={judge} />
          {metric.calibrated && (
            <Box variant="small" color="text-body-secondary">
              People would probably say {withInterval(metric.calibrated)}, by the {metric.calibrated.method}.
            </Box>
          )}
          {metric.repeated && (
            <Box variant="small" color="text-body-secondary">
              {variedText(metric.repeated)}
            </Box>
          )}
          {metric.scored > 0 && <Histogram name={name} bars={metric.histogram} />}
          <Box variant="small" color="text-body-secondary">
            {countsText(metric)}
          </Box>
          <Worst id={id} metric={metric} place={place} />
        </SpaceBetween>
      </section>
    </Container>
  )
}

function countsText({ labels, scored, failed, notApplicable, passagesLeftOut, expected, margin }: MetricSummary): string {
  const parts = [
    labels.length > 0 ? `${integer(labels.reduce((sum, { count }) => sum + count, 0))} judged` : `${integer(scored)} scored`,
    ...(failed > 0 ? [`${integer(failed)} failed`] : []),
    ...(notApplicable > 0 ? [`${integer(notApplicable)} not applicable`] : []),
    ...(passagesLeftOut > 0 ? [`${integer(passagesLeftOut)} with passages left out`] : []),
    ...(expected === null ? [] : [`expected ${score(expected)}`]),
    ...(margin === null ? [] : [`margin ${score(margin)}`]),
  ]
  return `${parts.join(', ')}.`
}

function Words({ labels }: { labels: MetricSummary['labels'] }) {
  return (
    <ul className="craton-list">
      {labels.map(({ label, count }) => (
        <li key={label} className="craton-stack">
          {label}: {integer(count)}
        </li>
      ))}
    </ul>
  )
}

function Worst({ id, metric: { metricName, worst }, place }: { id: string; metric: MetricSummary; place: Place }) {
  return (
    <Box>
      {worst.length > 0 && (
        <>
          Worst records:{' '}
          {worst.map(({ record, turn, result }, at) => (
            <span key={`${record}.${turn}`}>
              {at > 0 && ', '}
              <PageLink to={recordsPath(id, metricName, keyOf({ ...place, record, turn }))}>{turn > 1 ? `${record}.${turn}` : String(record)}</PageLink> ({score(result)})
            </span>
          ))}
          {' · '}
        </>
      )}
      <PageLink to={recordsPath(id, metricName)}>{worst.length > 0 ? 'all records' : 'Records'}</PageLink>
    </Box>
  )
}
