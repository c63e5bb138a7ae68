/** The form that keeps a model in fewer bits. */
import type { LabelTask, QuantizeRequest } from '../../api/models.ts'

/** What the form holds. */
export interface Draft {
  to: string
  bound: string
  name: string
  /** Tasks of the user's own, one JSON object a line. */
  lines: string
  requantize: boolean
}

export type Faults = Partial<Record<'bound' | 'name' | 'lines', string>>

/** The most tasks of a request. */
const MOST_TASKS = 10_000
const BOUND = /^(labels|argmax|perplexity)=\d+(\.\d+)?$/
const NAME = /^[a-z0-9_-][a-z0-9._-]{0,127}$/

/** The tasks of some lines, or what is wrong with one, by its number as an editor counts. */
export function readTasks(text: string): { tasks: LabelTask[] } | { fault: string } {
  const tasks: LabelTask[] = []
  for (const [at, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue
    const task = readTask(line)
    if (!task) return { fault: `Line ${at + 1} is no {"text": "…", "labels": ["…", "…"]}` }
    tasks.push(task)
  }
  return tasks.length > MOST_TASKS ? { fault: `At most ${MOST_TASKS.toLocaleString('en-US')} tasks` } : { tasks }
}

function readTask(line: string): LabelTask | undefined {
  try {
    const value: unknown = JSON.parse(line)
    if (typeof value !== 'object' || value === null) return undefined
    const { text, labels, ...rest } = value as Record<string, unknown>
    const areLabels = Array.isArray(labels) && labels.length >= 2 && labels.every((label) => typeof label === 'string')
    return typeof text === 'string' && areLabels && Object.keys(rest).length === 0 ? { text, labels: labels as string[] } : undefined
  } catch {
    return undefined
  }
}

/** What is wrong with the form, as far as that can be told here. */
export function faults({ bound, name, lines }: Draft): Faults {
  const parts = bound.split(',').map((part) => part.trim())
  const read = readTasks(lines)
  return {
    ...(bound.trim() === '' || parts.every((part) => BOUND.test(part)) ? {} : { bound: 'Such as labels=0.97,argmax=0.9,perplexity=1.02' }),
    ...(name.trim() === '' || NAME.test(name.trim()) ? {} : { name: 'Lower case letters, digits, dots, hyphens and underscores' }),
    ...('fault' in read ? { lines: read.fault } : {}),
  }
}

/** The request of a form without faults. */
export function requestOf({ to, bound, name, lines, requantize }: Draft): QuantizeRequest {
  const read = readTasks(lines)
  const tasks = 'tasks' in read ? read.tasks : []
  return {
    to,
    ...(bound.trim() === '' ? {} : { bound: bound.trim() }),
    ...(name.trim() === '' ? {} : { name: name.trim() }),
    ...(tasks.length === 0 ? {} : { tasks }),
    ...(requantize ? { allowRequantize: true } : {}),
  }
}
