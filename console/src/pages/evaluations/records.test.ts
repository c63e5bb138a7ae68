import { describe, expect, it } from 'vitest'
import type { RecordRow, RecordScore, Unsupported } from '../../api/evaluations.ts'
import { cut, filtered, keyOf, lackText, markedPieces, marksOf, placesOf, placeText, resultText, sorted, within, type Mark } from './records.ts'

const score = (change: Partial<RecordScore> = {}): RecordScore => ({
  metricName: 'Builtin.Correctness',
  result: 0.5,
  label: 'partially correct partially incorrect',
  expected: 0.5,
  margin: 0.2,
  explanation: '',
  passagesLeftOut: 0,
  error: null,
  ...change,
})
const row = (record: number, result: number | null, change: Partial<RecordRow> = {}): RecordRow => ({
  dataset: 0,
  system: 0,
  record,
  turn: 1,
  conversationInput: 'Findings',
  generationOutput: 'Impression',
  retrievedSources: 0,
  passages: [],
  groundTruth: ['Truth'],
  error: null,
  unsupported: [],
  scores: [score({ result, expected: result })],
  ...change,
})
const lack = (start: number, end: number, change: Partial<Unsupported> = {}): Unsupported => ({ start, end, text: '', level: 'sentence', support: 0.14, numbers: [], ...change })

describe('a text', () => {
  const mark = (start: number, end: number, sign: string, kind: Mark['kind'] = 'unsupported'): Mark => ({ start, end, kind, sign, text: '' })
  const told = (text: string, marks: Mark[]) => markedPieces(text, marks).map((piece) => [piece.text, piece.marks.map(({ sign }) => sign).join(''), piece.ending.map(({ sign }) => sign).join('')])
  const begun = (text: string, marks: Mark[]) => markedPieces(text, marks).map((piece) => piece.starting.map(({ sign }) => sign).join(''))

  it('is cut where its marks begin and end', () => {
    expect(told('Clear lungs. Twelve ribs.', [mark(13, 25, '1')])).toEqual([
      ['Clear lungs. ', '', ''],
      ['Twelve ribs.', '1', '1'],
    ])
    expect(told('Clear lungs.', [])).toEqual([['Clear lungs.', '', '']])
  })

  it('counts characters as the server does, not UTF-16 units', () => {
    expect(told('🫁🫁 ok. Bad.', [mark(7, 11, '1')]).map(([text]) => text)).toEqual(['🫁🫁 ok. ', 'Bad.'])
  })

  it('survives marks beyond its end and within one another, with each sign where its mark ends', () => {
    expect(told('abc', [mark(1, 9, '1')]).map(([text]) => text)).toEqual(['a', 'bc'])
    expect(told('abcdef', [mark(0, 6, '1'), mark(2, 4, 'a', 'objection')])).toEqual([
      ['ab', '1', ''],
      ['cd', '1a', 'a'],
      ['ef', '1', '1'],
    ])
    expect(begun('abcdef', [mark(0, 6, '1'), mark(2, 4, 'a', 'objection')])).toEqual(['1', 'a', ''])
    expect(within([mark(0, 9, '1'), mark(5, 9, '2')], 4)).toEqual([mark(0, 4, '1')])
  })

  it('is marked by what nothing supports and by what rules object to, on both sides', () => {
    const span = { start: 3, end: 8, text: 'Small' }
    const objections = [{ rule: 'laterality', reason: 'Another side.', spans: [span], against: { start: 10, end: 20, text: 'A small' } }, { rule: 'numbered', reason: 'No number.', spans: [], against: null }]
    const found = marksOf({ unsupported: [lack(0, 4)], scores: [score(), score({ objections })] })
    expect(found.answer.map(({ kind, sign }) => kind + sign)).toEqual(['unsupported1', 'objectiona'])
    expect(found.prompt.map(({ kind, sign, start }) => `${kind}${sign}${start}`)).toEqual(['againsta10'])
    expect(found.objections.map(({ sign }) => sign)).toEqual(['a', 'b'])
    const many = Array.from({ length: 28 }, () => objections[1]!)
    expect(marksOf({ unsupported: [], scores: [score({ objections: many })] }).objections.at(-1)?.sign).toBe('ab')
  })

  it('says what a part lacks', () => {
    expect(lackText(lack(0, 1, { numbers: ['12', '14'] }))).toBe('Unsupported sentence: 14 % of its words are in a passage; no passage has 12, 14')
    expect(lackText(lack(0, 1, { level: 'claim' }))).toContain('Unsupported claim')
  })
})

describe('records', () => {
  const rows = [row(1, 1), row(2, 0), row(3, null), row(4, 0.5), row(5, 0, { scores: [score({ result: 0, expected: -1 })] })]
  const order = (...args: [boolean, boolean?]) => sorted(rows, 'Builtin.Correctness', ...args).map(({ record }) => record)

  it('stand with the worst first, by the finer score among equals, and those without one last', () => {
    expect(order(false)).toEqual([5, 2, 4, 1, 3])
    expect(order(false, true)).toEqual([1, 4, 2, 5, 3])
    expect(order(true)).toEqual([1, 4, 2, 5, 3])
    expect(sorted(rows, 'Other', false).map(({ record }) => record)).toEqual([1, 2, 3, 4, 5])
  })

  it('are found by words, by system, by unsupported parts and by errors', () => {
    const some = [row(1, 1, { conversationInput: 'EFFUSION' }), row(2, 1, { unsupported: [lack(0, 1)] }), row(3, null, { error: 'away', system: 1 })]
    const found = (change: object) => filtered(some, { text: '', only: 'all', of: '', ...change }).map(({ record }) => record)
    expect(found({})).toEqual([1, 2, 3])
    expect(found({ text: ' effusion ' })).toEqual([1])
    expect(found({ only: 'unsupported' })).toEqual([2])
    expect(found({ only: 'failed' })).toEqual([3])
    const repeated = { askings: 2, agreeing: 1, mean: 0.5, deviation: 0.1, listedFalling: null }
    const asked = [row(1, 1, { scores: [score({ repeated })] }), row(2, 1, { scores: [score({ repeated: { ...repeated, agreeing: 2 } })] }), row(3, 1)]
    expect(filtered(asked, { text: '', only: 'varied', of: '' }).map(({ record }) => record)).toEqual([1])
    expect(found({ of: '0.1' })).toEqual([3])
  })

  it('have addresses of their own, in the order of the report', () => {
    expect([keyOf(row(3, 1)), keyOf(row(3, 1, { system: 1 }))]).toEqual(['3.1', '3.1.0.1'])
    const sections = ['a', 'a', 'b', 'b'].map((dataset) => ({ dataset }))
    expect(placesOf(sections).map(({ dataset, system }) => `${dataset}.${system}`)).toEqual(['0.0', '0.1', '1.0', '1.1'])
  })

  it('tell their scores', () => {
    expect(resultText(score())).toBe('0.50')
    expect(resultText(score({ result: null, error: 'away' }))).toBe('failed')
    expect(resultText(score({ result: null, label: 'florid', expected: null }))).toBe('florid')
    expect(resultText(score({ result: null, label: 'Not applicable', expected: 0.4 }))).toBe('not applicable')
    expect(resultText(score({ result: null, label: null, metricName: 'Craton.RougeL' }))).toBe('–')
    expect([placeText({ record: 12, turn: 1 }), placeText({ record: 12, turn: 2 })]).toEqual(['12', '12, turn 2'])
    expect([cut('abcd', 4), cut('ab 🫁 de', 4)]).toEqual(['abcd', 'ab 🫁…'])
  })
})
