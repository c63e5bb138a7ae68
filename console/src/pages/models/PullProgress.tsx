import Button from '@cloudscape-design/components/button'
import ProgressBar from '@cloudscape-design/components/progress-bar'
import SpaceBetween from '@cloudscape-design/components/space-between'
import { useEffect, useEffectEvent, useState } from 'react'
import { ApiError } from '../../api/http.ts'
import { cancelJob, isOver, watchJob, type Job } from '../../api/jobs.ts'
import { useNotify } from '../../shell/Notifications.tsx'
import { ErrorAlert } from '../../ui/ErrorAlert.tsx'
import { percent, progressText } from '../../ui/jobText.ts'
import { useAction } from '../../ui/useAction.ts'

interface Props {
  jobId: string
  /** The model's title. */
  name: string
  onOver: () => void
}

/** A download under way: its progress as it comes, and a button to cancel it. */
export function PullProgress({ jobId, name, onOver }: Props) {
  const notify = useNotify()
  const [job, setJob] = useState<Job>()
  const [error, setError] = useState<ApiError>()
  const cancel = useAction(() => cancelJob(jobId))

  const receive = useEffectEvent((latest: Job) => {
    setJob(latest)
    if (!isOver(latest)) return
    if (latest.state === 'succeeded') notify('success', `${name} was downloaded.`)
    if (latest.state === 'cancelled') notify('info', `The download of ${name} was cancelled.`)
    if (latest.state === 'failed') {
      const { message, hint } = latest.error ?? { message: 'no reason was given', hint: null }
      notify('error', `The download of ${name} failed: ${message}${hint ? ` Hint: ${hint}` : ''}`)
    }
    onOver()
  })
  useEffect(() => watchJob(jobId, (latest) => receive(latest), (reason) => setError(ApiError.from(reason))), [jobId])

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
