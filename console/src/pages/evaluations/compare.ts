/** Jobs beside each other: which one is best in a metric, and what can be told apart from it. */
import type { JobComparison, MetricSummary, Report } from '../../api/evaluations.ts'

/** A metric of the first system of a job on its first dataset: what comparisons are made of. */
export function summaryOf(report: Report, metric: string): MetricSummary | undefined {
  return report.results[0]?.card.metrics.find(({ metricName }) => metricName === metric)
}

/** The metrics that every job has, in the order of the first. */
export function sharedMetrics(reports: Report[]): string[] {
  const [first, ...others] = reports
  const names = first?.results[0]?.card.metrics.map(({ metricName }) => metricName) ?? []
  return names.filter((name) => others.every((report) => summaryOf(report, name) !== undefined))
}

/** The place of the job with the best mean; of equals the first, nothing where none has a score. */
export function bestOf(reports: Report[], metric: string): number | undefined {
  let [best, most]: [number | undefined, number] = [undefined, -Infinity]
  for (const [at, report] of reports.entries()) {
    const summary = summaryOf(report, metric)
    if (!summary?.mean) continue
    const worth = summary.higherIsWorse ? -summary.mean.value : summary.mean.value
    if (worth > most) [best, most] = [at, worth]
  }
  return best
}

export interface Verdicts {
  worse: string[]
  /** These may be chosen as well. */
  alike: string[]
  /** Nothing is said of these. */
  unknown: string[]
}

/** How the others stand to the best one in a metric. Each comparison has the best as its first job. */
export function verdicts(comparisons: (JobComparison | undefined)[], names: string[], metric: string): Verdicts {
  const found: Verdicts = { worse: [], alike: [], unknown: [] }
  for (const [at, comparison] of comparisons.entries()) {
    const judgement = comparison?.metrics.find(({ metricName }) => metricName === metric)?.judgement
    const list = judgement === 'the first is better' ? found.worse : judgement === 'not distinguishable' ? found.alike : found.unknown
    list.push(names[at] ?? '')
  }
  return found
}

/** The recommendation in a sentence. */
export function recommendation(best: string, metricLabel: string, { worse, alike, unknown }: Verdicts): string {
  const list = (names: string[]) => names.join(', ')
  return [
    `${best} has the best mean of ${metricLabel}.`,
    ...(alike.length > 0 ? [`Not distinguishable from it, and as good a choice: ${list(alike)}.`] : []),
    ...(worse.length > 0 ? [`Worse: ${list(worse)}.`] : []),
    ...(unknown.length > 0 ? [`Not comparable with it: ${list(unknown)}.`] : []),
  ].join(' ')
}
