import Alert from '@cloudscape-design/components/alert'
import Button from '@cloudscape-design/components/button'
import Container from '@cloudscape-design/components/container'
import Header from '@cloudscape-design/components/header'
import ProgressBar from '@cloudscape-design/components/progress-bar'
import SpaceBetween from '@cloudscape-design/components/space-between'
import { useState } from 'react'
import { cancelJob, type Job } from '../../api/jobs.ts'
import { PageLink } from '../../shell/router.tsx'
import { ErrorAlert } from '../../ui/ErrorAlert.tsx'
import { percent, progressText } from '../../ui/jobText.ts'
import { useAction } from '../../ui/useAction.ts'
import { useJob } from '../../ui/useJob.ts'
import { startPath } from './text.ts'

interface Props {
  model: string
  jobId: string
  onSucceeded: () => void
}

/** A tuning under way: its progress as it comes, and a button to cancel it. Of one that ended otherwise, why. */
export function Running({ model, jobId, onSucceeded }: Props) {
  const [ended, setEnded] = useState<Job>()
  const cancel = useAction(() => cancelJob(jobId))
  const { job, error } = useJob(jobId, (latest) => {
    setEnded(latest)
    if (latest.state === 'succeeded') onSucceeded()
  })
  if (ended && ended.state !== 'succeeded') return <Broken model={model} job={ended} />
  const ending = job?.cancelRequested ?? false
  return (
    <Container
      header={
        <Header
          variant="h2"
          description="Other requests are served meanwhile. After a restart of the server it goes on where it was."
          actions={
            <Button ariaLabel={`Cancel the tuning of ${model}`} loading={cancel.busy || ending} onClick={() => void cancel.run()}>
              Cancel
            </Button>
          }
        >
          {ending ? 'Cancelling' : 'Progress'}
        </Header>
      }
    >
      <SpaceBetween size="m">
        <ErrorAlert error={error ?? cancel.error} title="Could not follow or cancel the tuning" />
        <ProgressBar
          value={percent(job?.progress) ?? 0}
          description={job ? progressText(job) : 'Waiting for the server'}
          ariaLabel={`Progress of the tuning of ${model}`}
        />
      </SpaceBetween>
    </Container>
  )
}

function Broken({ model, job }: { model: string; job: Job }) {
  const again = <PageLink to={startPath(model)}>Start another</PageLink>
  if (job.state === 'cancelled') {
    return <Alert header="The tuning was cancelled">Nothing was changed. {again}.</Alert>
  }
  return (
    <Alert type="error" header="The tuning failed">
      <div className="craton-stack" data-testid="failure">
        {job.error?.message ?? 'No reason was given.'} {job.error?.hint ?? ''}
      </div>
      Nothing was changed. {again}.
    </Alert>
  )
}
