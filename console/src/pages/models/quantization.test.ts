import { describe, expect, it } from 'vitest'
import type { QuantizationReport } from '../../api/models.ts'
import { reportLines } from './quantization.ts'
import { faults, requestOf, type Draft } from './quantizeDraft.ts'

const share = { agreed: 479, of: 480, share: 0.9979, low: 0.9883, high: 0.9996 }
const REPORT: QuantizationReport = {
  accepted: true,
  to: 'Q8_0',
  source: { name: 'm', format: 'F16', weightsBytes: 2000 },
  made: { name: 'm-q8_0', format: 'Q8_0', weightsBytes: 1063 },
  measured: {
    tokens: 365,
    tasks: 'craton-labels-1',
    perplexityBefore: 20,
    perplexityAfter: 20.02,
    perplexityRatio: { ratio: 1.001, low: 0.999, high: 1.003 },
    argmaxAgreement: share,
    labelAgreement: share,
  },
  bound: { labels: 0.97, argmax: 0, perplexity: 1.02 },
  broken: [],
  measuredAt: '2026-11-26T08:00:00Z',
}

describe('a report of a quantization', () => {
  it('has figures, intervals and bounds', () => {
    expect(reportLines(REPORT)).toEqual([
      'm-q8_0 of m: accepted',
      'Q8_0, 53.1 % of the bytes of F16',
      'Same label: 99.8 % of 480 [98.8 %, 100.0 %], bound 97.0 %',
      'Same next token: 99.8 % of 480 [98.8 %, 100.0 %]',
      'Perplexity: × 1.0010 [0.9990, 1.0030], bound 1.02',
    ])
  })

  it('says what was refused, and where there is no end', () => {
    const ratio = { ratio: 2, low: 0, high: null }
    const refused = { ...REPORT, accepted: false, broken: ['perplexity × 2.0000'], measured: { ...REPORT.measured, perplexityRatio: ratio } }
    const lines = reportLines({ ...refused, bound: { labels: 0, argmax: 0, perplexity: null } })
    expect([lines[0], lines[4], lines[5]]).toEqual(['m-q8_0 of m: refused', 'Perplexity: × 2.0000 [0.0000, –]', 'Broken: perplexity × 2.0000'])
  })
})

describe('the form of a quantization', () => {
  const draft: Draft = { to: 'q8_0', bound: '', name: '', lines: '', requantize: false }

  it('asks for what was said and for nothing else', () => {
    expect(requestOf(draft)).toEqual({ to: 'q8_0' })
    const lines = '{"text": "Fine.", "labels": ["good", "bad"]}\n\n{"text": "Never.", "labels": ["good", "bad"]}'
    const whole = { ...draft, bound: ' labels=0.9 ', name: 'small', lines, requantize: true }
    expect(faults(whole)).toEqual({})
    expect(requestOf(whole)).toEqual({
      to: 'q8_0',
      bound: 'labels=0.9',
      name: 'small',
      tasks: [
        { text: 'Fine.', labels: ['good', 'bad'] },
        { text: 'Never.', labels: ['good', 'bad'] },
      ],
      allowRequantize: true,
    })
  })

  it.each([
    ['bound', 'labels=many'],
    ['bound', 'speed=9'],
    ['name', 'Not A Name'],
    ['lines', '{"text": "x", "labels": ["one"]}'],
    ['lines', '{'],
  ] as const)('%s cannot be `%s`', (field, value) => {
    expect(Object.keys(faults({ ...draft, [field]: value }))).toEqual([field])
  })

  it('a line that is no task is named by its number', () => {
    expect(faults({ ...draft, lines: '{"text": "x", "labels": ["a", "b"]}\n\nx' }).lines).toMatch(/^Line 3 /)
  })
})
