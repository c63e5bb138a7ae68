/** What people say of records, as lines of JSON. */
import type { HumanLabel } from '../../api/evaluations.ts'

/** Below so many records nothing is said of a judge. */
export const FEWEST_LABELS = 20

export const EXAMPLE = '{"record": 1, "metric": "Builtin.Correctness", "label": 2}'

/** The labels of a text, or what is wrong with which line. */
export function readLabels(text: string): { labels: HumanLabel[] } | { fault: string } {
  const labels: HumanLabel[] = []
  for (const [at, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue
    const label = readLabel(line)
    if (label === undefined) return { fault: `Line ${at + 1} is no label: it looks like ${EXAMPLE}` }
    labels.push(label)
  }
  return labels.length === 0 ? { fault: 'There is no label in it' } : { labels }
}

function readLabel(line: string): HumanLabel | undefined {
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch {
    return undefined
  }
  if (typeof value !== 'object' || value === null) return undefined
  const { record, turn, metric, label } = value as Record<string, unknown>
  const isPlace = (number: unknown, least: number): number is number => Number.isInteger(number) && (number as number) >= least
  if (!isPlace(record, 1) || !isPlace(label, 0) || typeof metric !== 'string') return undefined
  if (turn === undefined) return { record, metric, label }
  return isPlace(turn, 1) ? { record, turn, metric, label } : undefined
}

/** How many labels each metric has, as `Builtin.Correctness 40`. */
export function countsText(labels: HumanLabel[]): string {
  const counts = new Map<string, number>()
  for (const { metric } of labels) counts.set(metric, (counts.get(metric) ?? 0) + 1)
  return [...counts].map(([metric, count]) => `${metric}: ${count}${count < FEWEST_LABELS ? ` (at least ${FEWEST_LABELS} are needed)` : ''}`).join(', ')
}
