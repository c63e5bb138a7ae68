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
  /** What is under way; a download by default. */
  doing?: { noun: string; label: string; done: string } | undefined
}

const DOWNLOAD = { noun: 'download', label: 'Downloading', done: 'was downloaded' }

/** A download, or another job on a model, under way: its progress as it comes, and a button to cancel it. */
export function PullProgress({ jobId, name, onOver, doing = DOWNLOAD }: Props) {
  const notify = useNotify()
  const cancel = useAction(() => cancelJob(jobId))
  const { job, error } = useJob(jobId, (ended: Job) => {
    if (ended.state === 'succeeded') notify('success', `${name} ${doing.done}.`)
    if (ended.state === 'cancelled') notify('info', `The ${doing.noun} of ${name} was cancelled.`)
    if (ended.state === 'failed') {
      const { message, hint } = ended.error ?? { message: 'no reason was given', hint: null }
      notify('error', `The ${doing.noun} of ${name} failed: ${message}${hint ? ` Hint: ${hint}` : ''}`)
    }
    onOver()
  })

  return (
    <SpaceBetween size="xs">
      <ProgressBar
        label={doing.label}
        value={percent(job?.progress) ?? 0}
        description={job ? progressText(job) : 'Waiting for the server'}
        ariaLabel={`${doing.noun.charAt(0).toUpperCase()}${doing.noun.slice(1)} of ${name}`}
      />
      <Button ariaLabel={`Cancel the ${doing.noun} of ${name}`} loading={cancel.busy || (job?.cancelRequested ?? false)} onClick={() => void cancel.run()}>
        Cancel
      </Button>
      <ErrorAlert error={error ?? cancel.error} title={`Could not follow the ${doing.noun}`} />
    </SpaceBetween>
  )
}
