/** What an import does, one after the other, in the words in which its job tells its progress. */
import type { StatusIndicatorProps } from '@cloudscape-design/components/status-indicator'
import type { Job } from '../../api/jobs.ts'

export const STAGES = [
  { message: 'waiting', title: 'Waiting' },
  { message: 'examining the checkpoint', title: 'Examining the checkpoint' },
  { message: 'importing the weights', title: 'Importing the weights' },
  { message: 'measuring the quality', title: 'Measuring the quality' },
  { message: 'trying the model', title: 'Trying the model' },
] as const

/** Which stage a job is at: the first until it tells. */
export function stageOf(job: Job | undefined): number {
  const message = job?.progress?.message
  return Math.max(0, STAGES.findIndex((stage) => stage.message === message))
}

/** How a stage is shown while the job is at another one. */
export function stageStatus(stage: number, current: number): StatusIndicatorProps.Type {
  if (stage < current) return 'success'
  return stage === current ? 'loading' : 'pending'
}
