import { WORKLOADS, type OwnRequest, type TuningRequest, type Workload } from '../../api/tunings.ts'

/** What the form holds. */
export interface Draft {
  workload: Workload | 'own'
  /** Lines of JSON, for a workload of the user's own. */
  lines: string
  slo: string
  minutes: string
  clients: string
  leastContext: string
  boundedAnswers: string
  quantized: boolean
  roundedCaches: boolean
  price: string
}

export type Faults = Partial<Record<keyof Draft, string>>

const MOST_REQUESTS = 1000
const OBJECTIVE = /^(p50|p95|first-token)=\s*(\d+(\.\d+)?)\s*(ms|s)$/

export function newDraft(kind: 'text' | 'embedding'): Draft {
  return {
    workload: kind === 'embedding' ? 'embed' : 'chat',
    lines: '',
    slo: kind === 'embedding' ? 'p95=300ms' : 'p95=2s',
    minutes: '5',
    clients: '8',
    leastContext: '',
    boundedAnswers: '',
    quantized: false,
    roundedCaches: false,
    price: '',
  }
}

/** The workloads of a model of this kind. */
export function workloadsOf(kind: 'text' | 'embedding'): Workload[] {
  return WORKLOADS.filter((name) => (name === 'embed') === (kind === 'embedding'))
}

/** The requests of some lines, or what is wrong with one, by its number as an editor counts. */
export function readLines(text: string): { requests: OwnRequest[] } | { fault: string } {
  const requests: OwnRequest[] = []
  for (const [at, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue
    const read = readLine(line)
    if (typeof read === 'string') return { fault: `Line ${at + 1} ${read}` }
    requests.push(read)
  }
  if (requests.length === 0) return { fault: 'At least one line of {"prompt": "…", "max_tokens": 16}' }
  if (requests.length > MOST_REQUESTS) return { fault: `At most ${MOST_REQUESTS.toLocaleString('en-US')} lines` }
  return { requests }
}

function readLine(line: string): OwnRequest | string {
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch {
    return 'is no JSON'
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return 'is no JSON object'
  const request = value as Record<string, unknown>
  const other = Object.keys(request).find((name) => !['prompt', 'messages', 'max_tokens'].includes(name))
  if (other !== undefined) return `has “${other}”, which no request has`
  const { prompt, messages, max_tokens: tokens } = request
  if ((prompt === undefined) === (messages === undefined)) return 'needs either “prompt” or “messages”'
  if (prompt !== undefined && (typeof prompt !== 'string' || prompt === '')) return 'has a “prompt” that is no text, or an empty one'
  if (messages !== undefined && !(Array.isArray(messages) && messages.length > 0 && messages.every(isMessage))) {
    return 'has “messages” that are no turns of a conversation'
  }
  if (tokens !== undefined && !(typeof tokens === 'number' && Number.isInteger(tokens) && tokens >= 1 && tokens <= 4096)) {
    return 'has a “max_tokens” that is not 1 to 4,096'
  }
  return request as OwnRequest
}

function isMessage(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  const { role, content, ...rest } = value as Record<string, unknown>
  return ['system', 'user', 'assistant'].includes(String(role)) && typeof content === 'string' && Object.keys(rest).length === 0
}

/** What is wrong with the form, as far as that can be told here. */
export function faults(draft: Draft): Faults {
  const found: Faults = {}
  const rule = (field: keyof Draft, holds: boolean, text: string) => {
    if (!holds) found[field] = text
  }
  const objectives = draft.slo.split(',').map((part) => part.trim())
  rule('slo', objectives.every((part) => OBJECTIVE.test(part)), 'Such as p95=300ms, p50=0.1s or first-token=80ms, with commas between them')
  const minutes = Number(draft.minutes)
  rule('minutes', draft.minutes.trim() !== '' && minutes > 0 && minutes <= 240, 'More than 0 and at most 240')
  rule('clients', isCount(draft.clients, 1, 1024), 'A whole number of at least 1')
  rule('leastContext', draft.leastContext === '' || isCount(draft.leastContext, 256, 1 << 20), 'At least 256 tokens')
  rule('boundedAnswers', draft.boundedAnswers === '' || isCount(draft.boundedAnswers, 1, 4096), '1 to 4,096 tokens')
  rule('price', draft.price === '' || Number(draft.price) >= 0, 'A number that is not negative')
  if (draft.workload === 'own') {
    const read = readLines(draft.lines)
    if ('fault' in read) found.lines = read.fault
  }
  return found
}

function isCount(text: string, least: number, most: number): boolean {
  const count = Number(text)
  return text.trim() !== '' && Number.isInteger(count) && count >= least && count <= most
}

/** The request that starts the tuning, of a form without faults. */
export function requestOf(draft: Draft): TuningRequest {
  const number = (text: string) => (text === '' ? undefined : Number(text))
  const [leastContext, boundedAnswers, pricePerHour] = [draft.leastContext, draft.boundedAnswers, draft.price].map(number)
  const read = readLines(draft.lines)
  return {
    slo: draft.slo.trim(),
    ...(draft.workload === 'own' ? { requests: 'requests' in read ? read.requests : [] } : { workload: draft.workload }),
    minutes: Number(draft.minutes),
    clients: Number(draft.clients),
    ...(leastContext === undefined ? {} : { leastContext }),
    ...(boundedAnswers === undefined ? {} : { boundedAnswers }),
    ...(draft.quantized ? { quantized: true } : {}),
    ...(draft.roundedCaches ? { allow: ['kv-q8_0'] } : {}),
    ...(pricePerHour === undefined ? {} : { pricePerHour }),
  }
}
