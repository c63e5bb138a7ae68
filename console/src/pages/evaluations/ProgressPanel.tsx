import Container from '@cloudscape-design/components/container'
import Header from '@cloudscape-design/components/header'
import ProgressBar from '@cloudscape-design/components/progress-bar'
import SpaceBetween from '@cloudscape-design/components/space-between'
import type { EvaluationDetails, Report } from '../../api/evaluations.ts'
import { integer } from '../../ui/format.ts'
import { metricBars, percentOf, progressText } from './text.ts'

/** How far a job is, as a whole and metric by metric, with the time left. */
export function ProgressPanel({ job, details }: { job: Report; details: EvaluationDetails | undefined }) {
  const asked = details?.evaluationConfig.automated?.datasetMetricConfigs.map(({ dataset, metricNames }) => ({ dataset: dataset.name, metrics: metricNames })) ?? []
  const bars = metricBars(job, asked)
  const several = asked.length > 1
  return (
    <Container header={<Header variant="h2">Progress</Header>}>
      <SpaceBetween size="l">
        <div data-testid="progress">
          <ProgressBar value={percentOf(job) ?? 0} description={progressText(job)} ariaLabel={`Progress of ${job.jobName}`} />
        </div>
        {bars.length > 0 && (
          <div className="craton-columns" role="group" aria-label="Progress by metric">
            {bars.map(({ dataset, label, done, percent }) => (
              <ProgressBar
                key={`${dataset} ${label}`}
                variant="standalone"
                label={several ? `${label}, ${dataset}` : label}
                value={percent ?? 0}
                additionalInfo={`${integer(done)} done`}
              />
            ))}
          </div>
        )}
      </SpaceBetween>
    </Container>
  )
}
