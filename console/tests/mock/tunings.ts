/** Tunings: a job that a test lets go on and end, and a report that was made up. */
import type { Job } from '../../src/api/jobs.ts'
import type { TunedSettings, TuningPoint, TuningReport, Tunings } from '../../src/api/tunings.ts'
import { HttpError } from './api.ts'
import type { State } from './state.ts'

export interface TuningState {
  reports: TuningReport[]
  profiles: Map<string, Tunings['profile']>
  running: { model: string; job: Job; request: Record<string, unknown> } | undefined
}

export function newTuningState(): TuningState {
  const report = madeUp('job-of-tuning', 'smollm2-135m-instruct')
  return {
    reports: [report],
    profiles: new Map([[report.model, { jobId: report.jobId, settings: report.points[report.chosen]!.settings }]]),
    running: undefined,
  }
}

export function tuningsOf(state: State, model: string): Tunings {
  const { reports, profiles, running } = state.tunings
  return {
    items: reports.filter((one) => one.model === model),
    profile: profiles.get(model) ?? null,
    running: running?.model === model && running.job.state === 'running' ? running.job : null,
  }
}

export function tuningOf(state: State, model: string, job: string): TuningReport {
  const found = state.tunings.reports.find((one) => one.model === model && one.jobId === job)
  if (!found) throw new HttpError(404, 'NotFound', `The model \`${model}\` has no report of a tuning \`${job}\`.`)
  return found
}

/** Starts a tuning that goes on until the test ends it. */
export function startTuning(state: State, model: string, request: Record<string, unknown>): Job {
  const { running } = state.tunings
  if (running?.job.state === 'running') {
    throw new HttpError(409, 'Conflict', `The model \`${running.model}\` is being tuned, and a tuning needs the machine for itself.`)
  }
  const now = new Date().toISOString()
  const job: Job = {
    id: `tuning-${state.jobs.size + 1}`,
    kind: 'model-tune',
    state: 'running',
    progress: { done: 3, total: 21, unit: 'measurements', message: 'round 1 of 3, about 60 s left: all/1 threads, 8 side by side' },
    attempt: 1,
    error: null,
    output: null,
    cancelRequested: false,
    createdAt: now,
    startedAt: now,
    endedAt: null,
  }
  state.jobs.set(job.id, job)
  state.tunings.running = { model, job, request }
  return job
}

/** Ends the tuning that goes on: with a report and a profile. */
export function endTuning(state: State): void {
  const { running } = state.tunings
  if (!running) throw new Error('no tuning goes on')
  const report = madeUp(running.job.id, running.model)
  state.tunings.reports.unshift(report)
  state.tunings.profiles.set(running.model, { jobId: report.jobId, settings: report.points[report.chosen]!.settings })
  Object.assign(running.job, { state: 'succeeded', endedAt: '2026-05-04T10:05:00Z' })
}

export function resetTuning(state: State, model: string): void {
  if (!state.tunings.profiles.delete(model)) throw new HttpError(404, 'NotFound', `The model \`${model}\` has no profile of its own.`)
}

const DEFAULT: TunedSettings = {
  replicas: 1,
  cores: [],
  cacheType: 'f16',
  onePassAttention: null,
  prefillThreads: 2,
  decodeThreads: 0,
  parallel: 8,
  contextPerSequence: 4096,
  sharedCells: 8192,
  staticBatches: null,
  weights: null,
}

/** Throughput, p95 in ms, what differs from the default. */
const POINTS: [number, number, Partial<TunedSettings>][] = [
  [9.8, 870, {}],
  [9.1, 640, { parallel: 4, onePassAttention: false }],
  [6.2, 410, { parallel: 2 }],
  [3.9, 330, { parallel: 1 }],
  [13.6, 1210, { parallel: 16 }],
  [14.4, 2600, { parallel: 32 }],
  [8.7, 980, { decodeThreads: 1 }],
  [9.9, 905, { sharedCells: 0 }],
  [11.2, 760, { replicas: 2, cores: ['0', '1'], prefillThreads: 0, parallel: 4 }],
  [17.9, 930, { parallel: 16, weights: 'smollm2-135m-instruct-q8_0' }],
  [12.1, 1320, { parallel: 16, cacheType: 'q8_0' }],
]

export function madeUp(jobId: string, model: string): TuningReport {
  const points = POINTS.map(([throughput, p95Ms, settings], at): TuningPoint => ({
    settings: { ...DEFAULT, ...settings },
    round: at === 9 || at === 0 ? 3 : 1,
    measured: {
      seconds: 20,
      requests: Math.round(20 * throughput),
      throughput,
      p50Ms: 0.7 * p95Ms,
      p95Ms,
      firstTokenP50Ms: 0.2 * p95Ms,
      firstTokenP95Ms: 0.3 * p95Ms,
      tokensPerSecond: 16 * throughput,
      memoryBytes: 200_000_000 + 25_000_000 * (settings.parallel ?? 8),
      bandwidthShare: 0.4 + throughput / 50,
      occupancy: Math.min(settings.parallel ?? 8, 6.4),
      underLoad: false,
    },
    throughputRange: [0.97 * throughput, 1.02 * throughput],
    failed: null,
    meets: p95Ms <= 2000,
    pareto: [1, 2, 3, 9].includes(at),
    ceilingTokensPerSecond: 110 * Math.min(settings.parallel ?? 8, 6.4),
    secondsPer1000: 1000 / throughput,
    pricePer1000: (1000 / throughput / 3600) * 0.4,
  }))
  points.push({
    settings: { ...DEFAULT, parallel: 32, cacheType: 'q8_0' },
    round: 1,
    measured: null,
    throughputRange: [0, 0],
    failed: 'The engine could not be started.',
    meets: false,
    pareto: false,
    ceilingTokensPerSecond: null,
    secondsPer1000: null,
    pricePer1000: null,
  })
  return {
    jobId,
    model,
    workload: 'chat',
    slo: { p50Ms: null, p95Ms: 2000, firstTokenP95Ms: null },
    clients: 8,
    minutes: 5,
    rounds: 3,
    pricePerHour: 0.4,
    machine: {
      cores: 2,
      memoryBytes: 8_000_000_000,
      memoryBytesPerCore: 4_000_000_000,
      coreBandwidthBytesPerSecond: 9_100_000_000,
      bandwidthBytesPerSecond: 14_800_000_000,
    },
    weightsBytes: 134_000_000,
    weights: [
      { model, file: 'model-f16.gguf', sha256: 'e7b04ad7f2b0a4e6'.repeat(4), format: 'F16', bytes: 269_000_000, labelAgreement: null },
      {
        model: `${model}-q8_0`,
        file: 'model.gguf',
        sha256: '0a4e6e7b04ad7f2b'.repeat(4),
        format: 'Q8_0',
        bytes: 143_000_000,
        labelAgreement: { agreed: 479, of: 480, share: 0.9979, low: 0.9883, high: 0.9996 },
      },
    ],
    decodeCeilingTokensPerSecond: 110.4,
    coreDecodeCeilingTokensPerSecond: 67.9,
    points,
    chosen: 9,
    chosenIsDefault: false,
    met: true,
    gain: { median: 1.83, low: 1.78, high: 1.86 },
    underLoad: false,
    endedAt: '2026-05-04T09:12:00Z',
  }
}
