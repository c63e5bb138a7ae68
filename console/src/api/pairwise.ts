/** Comparisons pair by pair: a judge is shown the answers of two jobs beside each other, in both orders. */
import type { Interval, Tokens } from './evaluations.ts'
import { sendJson } from './http.ts'
import type { Job } from './jobs.ts'

/** What came of it. */
export interface PairwiseResult {
  first: string
  second: string
  judge: string
  /** The first one's datasets that the prompts are of. */
  datasets?: string[]
  /** Prompts that both answered. */
  pairs: number
  /** Pairs without a verdict, and why the first of them has none. */
  failed: number
  reason: string | null
  firstWins: number
  secondWins: number
  ties: number
  /** Pairs whose verdict changed with the order; they count as ties. */
  changedWithOrder: number
  /** Of these, those that went to what was shown first, and to what was shown last. */
  shownFirstWon: number
  shownLastWon: number
  /** The share of pairs whose verdict did not change with the order. */
  consistent: Interval | null
  /** How much more probable what is shown first is, from −1 to 1. */
  positionBias: Interval | null
  /** Above 0 the judge likes long answers. */
  verbosity: Interval | null
  /** The first one's share of wins, a tie counting half. */
  winRate: Interval | null
  expectedWinRate: Interval | null
  p: number | null
  /** Whether the verdicts follow the order more often than the answers. */
  ledByOrder: boolean
  judgement: string
  warnings: string[]
  /** The judge's. */
  tokens?: Tokens
}

export interface Pairwise {
  comparisonId: string
  job: Job
  /** None before it has ended. */
  result: PairwiseResult | null
}

/** Which answers of two jobs are compared, by places from 0; where nothing is said, the first system of each on all datasets. */
export interface PairwiseParts {
  dataset?: string
  system?: string
  otherDataset?: string
  otherSystem?: string
}

/** Starts to compare the answers of two completed jobs, or of one job's two systems where both are that job. */
export function startPairwise(first: string, second: string, judge: string, parts: PairwiseParts): Promise<{ comparisonId: string; warnings: string[] }> {
  const json = { judge, ...parts }
  return sendJson(`/craton/v1/evaluation-jobs/${encodeURIComponent(first)}/pairwise/${encodeURIComponent(second)}`, { method: 'POST', json })
}

export function getPairwise(id: string, signal?: AbortSignal): Promise<Pairwise> {
  return sendJson(`/craton/v1/pairwise-comparisons/${encodeURIComponent(id)}`, { signal })
}
