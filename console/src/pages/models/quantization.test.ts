import { describe, expect, it } from 'vitest'
import type { QuantizationReport } from '../../api/models.ts'
import { reportLines } from './quantization.ts'

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
    const refused = { ...REPORT, accepted: false, measured: { ...REPORT.measured, perplexityRatio: ratio } }
    const lines = reportLines({ ...refused, bound: { labels: 0, argmax: 0, perplexity: null } })
    expect([lines[0], lines[4]]).toEqual(['m-q8_0 of m: refused', 'Perplexity: × 2.0000 [0.0000, –]'])
  })
})
