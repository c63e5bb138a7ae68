import Button from '@cloudscape-design/components/button'
import ProgressBar from '@cloudscape-design/components/progress-bar'
import SpaceBetween from '@cloudscape-design/components/space-between'
import { cancelJob, type Job } from '../../api/jobs.ts'
import { useNotify } from '../../shell/Notifications.tsx'
import { ErrorAlert } from '../../ui/ErrorAlert.tsx'
import { percent, progressText } from '../../ui/jobText.ts'
import { useAction } from '../../ui/useAction.ts'
import { useJob } from '../../ui/useJob.ts'

interface Props {
  jobId: string
  /** The model's title. */
  name: string
  onOver: () => void
}

/** A download under way: its progress as it comes, and a button to cancel it. */
export function PullProgress({ jobId, name, onOver }: Props) {
  const notify = useNotify()
  const cancel = useAction(() => cancelJob(jobId))
  const { job, error } = useJob(jobId, (ended: Job) => {
    if (ended.state === 'succeeded') notify('success', `${name} was downloaded.`)
    if (ended.state === 'cancelled') notify('info', `The download of ${name} was cancelled.`)
    if (ended.state === 'failed') {
      const { message, hint } = ended.error ?? { message: 'no reason was given', hint: null }
      notify('error', `The download of ${name} failed: ${message}${hint ? ` Hint: ${hint}` : ''}`)
    }
    onOver()
  })

  return (
    <SpaceBetween size="xs">
      <ProgressBar
        label="Downloading"
        value={percent(job?.progress) ?? 0}
        description={job ? progressText(job) : 'Waiting for the server'}
        ariaLabel={`Download of ${name}`}
      />
      <Button ariaLabel={`Cancel the download of ${name}`} loading={cancel.busy || (job?.cancelRequested ?? false)} onClick={() => void cancel.run()}>
        Cancel
      </Button>
      <ErrorAlert error={error ?? cancel.error} title="Could not follow the download" />
    </SpaceBetween>
  )
}
