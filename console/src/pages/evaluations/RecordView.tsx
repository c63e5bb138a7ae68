import Alert from '@cloudscape-design/components/alert'
import Box from '@cloudscape-design/components/box'
import Container from '@cloudscape-design/components/container'
import ExpandableSection from '@cloudscape-design/components/expandable-section'
import Header from '@cloudscape-design/components/header'
import SpaceBetween from '@cloudscape-design/components/space-between'
import type { ReactNode } from 'react'
import type { RecordRow, RecordScore, Report } from '../../api/evaluations.ts'
import { MarkedAnswer, MarkedText } from './MarkedText.tsx'
import { metricLabel } from './metrics.ts'
import { lackText, marksOf, placeText, resultText } from './records.ts'
import { TrustLine } from './Status.tsx'
import { repeatedText, score } from './text.ts'

interface Props {
  row: RecordRow
  /** Tells how far the judge can be trusted, once it is there. */
  report: Report | undefined
  /** The metric that the records are sorted by: its score comes first. */
  metric: string
}

/** One record: what was asked, answered and should have been, beside each score with its explanation; then the passages. */
export function RecordView({ row, report, metric }: Props) {
  const scores = [...row.scores].sort((a, b) => Number(b.metricName === metric) - Number(a.metricName === metric))
  const { prompt, objections } = marksOf(row)
  return (
    <SpaceBetween size="m">
      <div className="craton-record">
        <Container header={<Header variant="h2">Record {placeText(row)}</Header>}>
          <SpaceBetween size="m">
            {row.error !== null && (
              <Alert type="error" header="It was not answered">
                <span className="craton-stack">{row.error}</span>
              </Alert>
            )}
            <Text label="Conversation input">
              <MarkedText text={row.conversationInput} marks={prompt} signed />
            </Text>
            {row.generationOutput !== null && (
              <Text label="Generation output">
                <MarkedAnswer row={row} signed />
              </Text>
            )}
            {row.unsupported.length > 0 && (
              <div>
                <Box variant="awsui-key-label">What no passage supports</Box>
                <ol className="craton-list" aria-label="What no passage supports">
                  {row.unsupported.map((lack) => (
                    <li key={`${lack.start} ${lack.end}`}>
                      <span className="craton-stack">“{lack.text}”</span>
                      <Box variant="small" display="block" color="text-body-secondary">
                        {lackText(lack)}
                      </Box>
                    </li>
                  ))}
                </ol>
              </div>
            )}
            {objections.length > 0 && (
              <div>
                <Box variant="awsui-key-label">What rules object to</Box>
                <ol className="craton-list" type="a" aria-label="What rules object to">
                  {objections.map(({ sign, rule, reason, spans, against }) => (
                    <li key={sign}>
                      <span className="craton-stack">
                        {rule}
                        {spans.length > 0 && `: “${spans.map(({ text }) => text).join('”, “')}”`}
                        {against && ` against “${against.text}”`}
                      </span>
                      <Box variant="small" display="block" color="text-body-secondary">
                        {reason}
                      </Box>
                    </li>
                  ))}
                </ol>
              </div>
            )}
            <Text label="Ground truth">{row.groundTruth.length === 0 ? '–' : row.groundTruth.join('\n\n')}</Text>
          </SpaceBetween>
        </Container>
        <Container header={<Header variant="h2">Scores</Header>}>
          <SpaceBetween size="l">
            {scores.map((one) => (
              <ScoreView key={one.metricName} score={one} row={row} report={report} />
            ))}
          </SpaceBetween>
        </Container>
      </div>
      <Container
        header={
          <Header variant="h2" counter={`(${row.retrievedSources})`}>
            Retrieved sources
          </Header>
        }
      >
        {row.passages.length === 0 ? (
          <Box color="text-body-secondary">No passage belongs to this record.</Box>
        ) : (
          <ol className="craton-sources" aria-label="Passages">
            {row.passages.map(({ name, text }, at) => (
              <li key={at}>
                <ExpandableSection variant="default" defaultExpanded={at < 3} headerText={<span className="craton-stack">{`${at + 1}. ${name ?? 'Passage'}`}</span>}>
                  <div className="craton-source-passage" tabIndex={0} role="group" aria-label={`Text of passage ${at + 1}`}>
                    {text}
                  </div>
                </ExpandableSection>
              </li>
            ))}
          </ol>
        )}
      </Container>
    </SpaceBetween>
  )
}

function Text({ label, children }: { label: string; children: ReactNode }) {
  return (
    <div>
      <Box variant="awsui-key-label">{label}</Box>
      <div className="craton-answer-text" role="group" aria-label={label}>
        {children}
      </div>
    </div>
  )
}

function ScoreView({ score: one, row, report }: { score: RecordScore; row: RecordRow; report: Report | undefined }) {
  const summaries = report?.results.flatMap(({ card, judge }) => card.metrics.map((metric) => ({ ...metric, judge })))
  const summary = summaries?.find(({ metricName }) => metricName === one.metricName)
  const name = metricLabel(one.metricName)
  const words = [
    ...(one.label !== null && one.result !== null ? [`“${one.label}”`] : []),
    ...(one.expected === null || one.result === null ? [] : [`expected ${score(one.expected)}`]),
    ...(one.margin === null ? [] : [`margin ${score(one.margin)}`]),
    ...(one.repeated ? [repeatedText(one.repeated)] : []),
    ...(one.passagesLeftOut > 0 ? [`${one.passagesLeftOut} of ${row.retrievedSources} passages did not fit and were left out`] : []),
  ]
  return (
    <section aria-label={name} data-testid="score">
      <Box variant="h3" padding={{ vertical: 'n' }}>
        {name}: {resultText(one)}
      </Box>
      {words.length > 0 && (
        <Box variant="small" color="text-body-secondary">
          <span className="craton-stack">{words.join(', ')}</span>
        </Box>
      )}
      {summary && <TrustLine calibration={summary.calibration} judge={summary.judge} short />}
      {one.error !== null && (
        <Alert type="error">
          <span className="craton-stack">{one.error}</span>
        </Alert>
      )}
      {one.explanation !== '' && <div className="craton-answer-text craton-explanation">{one.explanation}</div>}
    </section>
  )
}
