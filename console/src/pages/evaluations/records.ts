/** Records of an evaluation: sorted, filtered, and their answers cut where nothing supports them. */
import type { Objection, RecordRow, RecordScore, Section, Unsupported } from '../../api/evaluations.ts'
import { Characters, pieces } from '../knowledge/spans.ts'
import { isJudged } from './metrics.ts'

/** A part of a text that something is said of. */
export interface Mark {
  start: number
  end: number
  /** Nothing supports it, a rule objects to it, or it is what the rule holds against it. */
  kind: 'unsupported' | 'objection' | 'against'
  /** What it is called: numbers for what is unsupported, letters for objections. */
  sign: string
  /** What is said of it. */
  text: string
}

/** The marks of an answer, and those of its prompt. */
export function marksOf({ unsupported, scores }: Pick<RecordRow, 'unsupported' | 'scores'>): { answer: Mark[]; prompt: Mark[]; objections: (Objection & { sign: string })[] } {
  const lacks = unsupported.map((lack, at): Mark => ({ start: lack.start, end: lack.end, kind: 'unsupported', sign: String(at + 1), text: lackText(lack) }))
  const objections = scores.flatMap(({ objections: found = [] }) => found).map((one, at) => ({ ...one, sign: letters(at) }))
  const objected = objections.flatMap(({ spans, sign, rule, reason }) => spans.map(({ start, end }): Mark => ({ start, end, kind: 'objection', sign, text: `${rule}: ${reason}` })))
  const prompt = objections.flatMap(({ against, sign, rule }): Mark[] => (against ? [{ start: against.start, end: against.end, kind: 'against', sign, text: `Against it stands, ${rule}` }] : []))
  return { answer: [...lacks, ...objected], prompt, objections }
}

/** `a` to `z`, then `aa` … */
function letters(at: number): string {
  return (at >= 26 ? letters(Math.floor(at / 26) - 1) : '') + String.fromCharCode(97 + (at % 26))
}

export interface MarkedPiece {
  text: string
  marks: Mark[]
  /** The marks that begin here: what they say stands before the piece. */
  starting: Mark[]
  /** The marks that end here: their signs stand behind it. */
  ending: Mark[]
}

/** Cuts a text where its marks begin and end; they count Unicode characters, as the server does. */
export function markedPieces(text: string, marks: Mark[]): MarkedPiece[] {
  const cut = pieces(new Characters(text), marks)
  const of = (at: number) => cut[at]?.of.flatMap((index) => marks[index] ?? []) ?? []
  const without = (at: number, other: number) => of(at).filter((mark) => !of(other).includes(mark))
  return cut.map((piece, at) => ({ text: piece.text, marks: of(at), starting: without(at, at - 1), ending: without(at, at + 1) }))
}

/** The marks of the beginning of a text, as far as that is shown. */
export function within(marks: Mark[], length: number): Mark[] {
  return marks.filter(({ start }) => start < length).map((mark) => ({ ...mark, end: Math.min(mark.end, length) }))
}

export function scoreOf(row: RecordRow, metric: string): RecordScore | undefined {
  return row.scores.find(({ metricName }) => metricName === metric)
}

/** What stands in the column of a score. */
export function resultText({ result, label, error, expected, metricName }: RecordScore): string {
  if (result !== null) return result.toFixed(2)
  if (error !== null) return 'failed'
  // Of a scale of words the word is the result; a label beyond a scale of numbers says that the metric does not apply.
  if (label !== null) return expected === null ? label : 'not applicable'
  return isJudged(metricName) ? 'not applicable' : '–'
}

/** The worst first: the lowest score, of metrics where a higher one is worse the highest; what has none comes last. */
export function sorted(rows: RecordRow[], metric: string, higherIsWorse: boolean, descending = false): RecordRow[] {
  const sign = (higherIsWorse ? -1 : 1) * (descending ? -1 : 1)
  const worth = (row: RecordRow) => {
    const found = scoreOf(row, metric)
    return found?.result === null || found === undefined ? undefined : sign * found.result
  }
  const finer = (row: RecordRow) => sign * (scoreOf(row, metric)?.expected ?? 0)
  return [...rows].sort((a, b) => {
    const [one, other] = [worth(a), worth(b)]
    if (one === undefined || other === undefined) return Number(one === undefined) - Number(other === undefined)
    return one - other || finer(a) - finer(b) || a.record - b.record || a.turn - b.turn
  })
}

export interface RecordFilter {
  text: string
  /** Only what has unsupported parts, an error, or a verdict that changed with the wording. */
  only: 'all' | 'unsupported' | 'failed' | 'varied'
  /** `dataset.system`, both from 0; empty: all. */
  of: string
}

export function filtered(rows: RecordRow[], { text, only, of }: RecordFilter): RecordRow[] {
  const wanted = text.trim().toLowerCase()
  return rows.filter((row) => {
    if (of !== '' && of !== `${row.dataset}.${row.system}`) return false
    if (only === 'unsupported' && row.unsupported.length === 0) return false
    if (only === 'failed' && row.error === null && row.scores.every(({ error }) => error === null)) return false
    if (only === 'varied' && row.scores.every(({ repeated }) => !repeated || repeated.agreeing === repeated.askings)) return false
    if (wanted === '') return true
    return [row.conversationInput, row.generationOutput ?? '', ...row.groundTruth].some((one) => one.toLowerCase().includes(wanted))
  })
}

/** What a record is called in addresses: `record.turn`, then dataset and system where these are not the first. */
export function keyOf({ dataset, system, record, turn }: Pick<RecordRow, 'dataset' | 'system' | 'record' | 'turn'>): string {
  return dataset + system === 0 ? `${record}.${turn}` : `${record}.${turn}.${dataset}.${system}`
}

/** The places of dataset and system of each section of a report: datasets in their order, and of each its systems. */
export function placesOf(sections: Pick<Section, 'dataset'>[]): { dataset: number; system: number }[] {
  const datasets = Math.max(1, new Set(sections.map(({ dataset }) => dataset)).size)
  const systems = Math.max(1, Math.round(sections.length / datasets))
  return sections.map((_, at) => ({ dataset: Math.floor(at / systems), system: at % systems }))
}

/** `12`, or `12, turn 2` */
export function placeText({ record, turn }: Pick<RecordRow, 'record' | 'turn'>): string {
  return turn > 1 ? `${record}, turn ${turn}` : String(record)
}

/** What a part of an answer lacks, in words. */
export function lackText({ level, support, numbers }: Unsupported): string {
  const share = `${Math.round(100 * support)} % of its words are in a passage`
  const unknown = numbers.length > 0 ? `; no passage has ${numbers.join(', ')}` : ''
  return `${level === 'claim' ? 'Unsupported claim' : 'Unsupported sentence'}: ${share}${unknown}`
}

/** At most so many characters, with an ellipsis where there were more. */
export function cut(text: string, most: number): string {
  const characters = new Characters(text)
  return characters.length <= most ? text : `${characters.slice(0, most).trimEnd()}…`
}
