import { useEffect, useEffectEvent, useState } from 'react'
import { ApiError } from '../api/http.ts'
import { isOver, watchJob, type Job } from '../api/jobs.ts'
import { sampled, type Sample } from './rate.ts'

export interface Followed {
  job: Job | undefined
  /** What its progress was of late, to tell its speed. */
  samples: Sample[]
  error: ApiError | undefined
}

/** Follows a job as it goes; calls `onOver` once with its end. */
export function useJob(id: string, onOver: (job: Job) => void): Followed {
  const [job, setJob] = useState<Job>()
  const [samples, setSamples] = useState<Sample[]>([])
  const [error, setError] = useState<ApiError>()

  const receive = useEffectEvent((latest: Job) => {
    setJob(latest)
    setError(undefined)
    setSamples((earlier) => sampled(earlier, latest.progress, performance.now()))
    if (isOver(latest)) onOver(latest)
  })
  const fail = useEffectEvent((reason: unknown) => setError(ApiError.from(reason)))
  useEffect(() => watchJob(id, (latest) => receive(latest), (reason) => fail(reason)), [id])

  return { job, samples, error }
}
