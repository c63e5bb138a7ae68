/** Jobs beside each other: which one is best in a metric, and what can be told apart from it. */
import type { JobComparison, JobPart, MetricSummary, Report, Section } from '../../api/evaluations.ts'
import type { PairwiseParts } from '../../api/pairwise.ts'
import { placesOf } from './records.ts'

/** What is compared: a system of a job on a dataset, what it came to, and what it is called. */
export interface Side extends JobPart {
  /** What it is called in addresses. */
  key: string
  name: string
  report: Report
  section: Section | undefined
}

/** `abc`, or `abc:0.1` where it is not the first dataset and system of the job. */
export function keyOfPart({ job, dataset, system }: JobPart): string {
  return dataset + system === 0 ? job : `${job}:${dataset}.${system}`
}

/** What such a key names; the first dataset and system where it names none. */
export function partOf(key: string): JobPart {
  const [job = '', part = ''] = key.split(':')
  const [, dataset = '0', system = '0'] = /^(\d+)\.(\d+)$/.exec(part) ?? []
  return { job, dataset: Number(dataset), system: Number(system) }
}

export function sideOf(part: JobPart, report: Report): Side {
  const { results } = report
  const at = placesOf(results).findIndex(({ dataset, system }) => dataset === part.dataset && system === part.system)
  const section = results[at]
  return { ...part, key: keyOfPart(part), report, section, name: section ? `${report.jobName}${partText(results, section)}` : report.jobName }
}

/** What a section is called beside its job, as far as the job has several. */
function partText(sections: Section[], { dataset, system }: Section): string {
  const several = (of: (section: Section) => string) => new Set(sections.map(of)).size > 1
  return `${several((one) => one.system) ? ` of ${system}` : ''}${several((one) => one.dataset) ? ` on ${dataset}` : ''}`
}

/** The parts of a job to choose from; nothing where it has one alone. */
export function partsOf({ job, report }: Side): { value: string; label: string }[] {
  const places = placesOf(report.results)
  if (places.length < 2) return []
  return report.results.map((section, at) => ({ value: keyOfPart({ job, ...places[at]! }), label: partText(report.results, section).trim() || `system ${places[at]!.system}` }))
}

export function summaryOf({ section }: Pick<Side, 'section'>, metric: string): MetricSummary | undefined {
  return section?.card.metrics.find(({ metricName }) => metricName === metric)
}

/** The metrics that every side has, in the order of the first. */
export function sharedMetrics(sides: Pick<Side, 'section'>[]): string[] {
  const [first, ...others] = sides
  const names = first?.section?.card.metrics.map(({ metricName }) => metricName) ?? []
  return names.filter((name) => others.every((side) => summaryOf(side, name) !== undefined))
}

/** The place of the side with the best mean; of equals the first, nothing where none has a score. */
export function bestOf(sides: Pick<Side, 'section'>[], metric: string): number | undefined {
  let [best, most]: [number | undefined, number] = [undefined, -Infinity]
  for (const [at, side] of sides.entries()) {
    const summary = summaryOf(side, metric)
    if (!summary?.mean) continue
    const worth = summary.higherIsWorse ? -summary.mean.value : summary.mean.value
    if (worth > most) [best, most] = [at, worth]
  }
  return best
}

/** Whether two sides can be compared pair by pair: a judge is shown the answers of two jobs, or of two systems of one. */
export function isForPairs(first: Side, second: Side): boolean {
  const answers = ({ report: { kind, status } }: Side) => kind !== 'retrieve-only' && status === 'Completed'
  return answers(first) && answers(second) && (first.job !== second.job || first.system !== second.system)
}

/** What has to be said of two sides for these to be compared pair by pair: nothing of what their jobs have one of. */
export function pairwisePartsOf(first: Side, second: Side): PairwiseParts {
  const places = [first, second].flatMap(({ report }) => placesOf(report.results))
  // What is not said of the second job is taken to be as it is of the first: both are said, or neither.
  return {
    ...(places.some(({ dataset }) => dataset > 0) ? { dataset: String(first.dataset), otherDataset: String(second.dataset) } : {}),
    ...(places.some(({ system }) => system > 0) ? { system: String(first.system), otherSystem: String(second.system) } : {}),
  }
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
