import Button from '@cloudscape-design/components/button'
import Container from '@cloudscape-design/components/container'
import Header from '@cloudscape-design/components/header'
import ProgressBar from '@cloudscape-design/components/progress-bar'
import SpaceBetween from '@cloudscape-design/components/space-between'
import Steps from '@cloudscape-design/components/steps'
import { cancelJob } from '../../api/jobs.ts'
import { ErrorAlert } from '../../ui/ErrorAlert.tsx'
import { bytes } from '../../ui/format.ts'
import { percent } from '../../ui/jobText.ts'
import { speedText } from '../../ui/rate.ts'
import { useAction } from '../../ui/useAction.ts'
import { useJob } from '../../ui/useJob.ts'
import { STAGES, stageOf, stageStatus } from './stages.ts'

interface Props {
  workId: string
  /** The import job's name. */
  name: string
  onOver: () => void
}

/** An import under way: its stages, its bytes as they come, and a button to cancel it. */
export function ImportProgress({ workId, name, onOver }: Props) {
  const cancel = useAction(() => cancelJob(workId))
  const { job, samples, error } = useJob(workId, onOver)
  const current = stageOf(job)
  const value = percent(job?.progress)
  const ending = job?.cancelRequested ?? false
  return (
    <Container
      header={
        <Header
          variant="h2"
          description="After a restart of the server it begins again by itself; of one that fails nothing stays."
          actions={
            <Button ariaLabel={`Cancel ${name}`} loading={cancel.busy || ending} onClick={() => void cancel.run()}>
              Cancel
            </Button>
          }
        >
          {ending ? 'Cancelling' : 'Progress'}
        </Header>
      }
    >
      <SpaceBetween size="m">
        <ErrorAlert error={error ?? cancel.error} title="Could not follow or cancel the import" />
        {value !== undefined && job?.progress && (
          <ProgressBar
            value={value}
            label={STAGES[current]?.title ?? ''}
            description={`${bytes(job.progress.done)} of ${bytes(job.progress.total)}`}
            additionalInfo={speedText(samples)}
            ariaLabel={`Progress of ${name}`}
          />
        )}
        <Steps
          ariaLabel="Stages of the import"
          steps={STAGES.map(({ title }, stage) => ({
            header: title,
            status: stageStatus(stage, current),
            statusIconAriaLabel: WORDS[stageStatus(stage, current)] ?? '',
          }))}
        />
      </SpaceBetween>
    </Container>
  )
}

const WORDS: Partial<Record<ReturnType<typeof stageStatus>, string>> = {
  success: 'Done',
  loading: 'Going on',
  pending: 'To come',
}
