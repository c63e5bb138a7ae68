import { describe, expect, it } from 'vitest'
import type { TunedSettings, TuningPoint, TuningReport } from '../../api/tunings.ts'
import { axis, dotsOf, front, summary, ticks } from './chart.ts'
import { faults, newDraft, readLines, requestOf, workloadsOf } from './draft.ts'
import { figure, profileText, sloText, verdict } from './text.ts'

const DEFAULT: TunedSettings = {
  replicas: 1,
  cores: [],
  cacheType: 'f16',
  onePassAttention: null,
  prefillThreads: 0,
  decodeThreads: 2,
  parallel: 8,
  contextPerSequence: 4096,
  sharedCells: 0,
  staticBatches: null,
  weights: null,
}

function point(throughput: number | null, p95Ms: number, meets = true): TuningPoint {
  const measured = {
    seconds: 3,
    requests: 9,
    p50Ms: 1,
    p95Ms,
    firstTokenP50Ms: null,
    firstTokenP95Ms: null,
    tokensPerSecond: 1,
    memoryBytes: 1,
    bandwidthShare: 0.5,
    occupancy: 2,
    underLoad: false,
  }
  return {
    settings: DEFAULT,
    round: 1,
    measured: throughput === null ? null : { ...measured, throughput },
    throughputRange: [0, 0],
    failed: throughput === null ? 'It does not load.' : null,
    meets,
    pareto: false,
    ceilingTokensPerSecond: 2,
    secondsPer1000: 1,
    pricePer1000: null,
  }
}

function report(chosen: number, met: boolean): TuningReport {
  return {
    jobId: 'j',
    model: 'm',
    workload: 'chat',
    slo: { p50Ms: null, p95Ms: 300, firstTokenP95Ms: 80 },
    clients: 8,
    minutes: 5,
    rounds: 3,
    pricePerHour: null,
    machine: { cores: 2, memoryBytes: null, memoryBytesPerCore: null, coreBandwidthBytesPerSecond: 1, bandwidthBytesPerSecond: 2 },
    weightsBytes: 1,
    weights: [],
    decodeCeilingTokensPerSecond: 2,
    coreDecodeCeilingTokensPerSecond: 1,
    points: [point(5, 200), point(4, 100), point(10, 250), point(9, 280), point(null, 0, false), point(12, 400, false)],
    chosen,
    chosenIsDefault: chosen === 0,
    met,
    gain: chosen === 0 ? null : { median: 2, low: 1.9, high: 2.1 },
    underLoad: false,
    endedAt: '2026-05-04T10:00:00Z',
  }
}

describe('the plot', () => {
  it('has what was measured, the front joined from quick to fast', () => {
    const dots = dotsOf(report(2, true))
    expect(dots.map(({ index, role }) => [index, role])).toEqual([[0, 'default'], [1, 'other'], [2, 'chosen'], [3, 'other'], [5, 'other']])
    expect(front(dots).map(({ index }) => index)).toEqual([1, 0, 2, 5])
    expect(dotsOf(report(0, true))[0]?.role).toBe('chosen')
  })

  it('has round numbers on its axes', () => {
    expect(ticks(10.5, 5)).toEqual([0, 5, 10, 15])
    expect(ticks(0.33, 5)).toEqual([0, 0.1, 0.2, 0.3, 0.4])
    expect(ticks(0, 5).length).toBeGreaterThan(1)
    const { at, ticks: marks } = axis(10, 100, 0, 5)
    expect([at(0), at(10), marks]).toEqual([100, 0, [0, 2, 4, 6, 8, 10]])
  })

  it('says in words what it shows', () => {
    expect(summary(report(2, true))).toBe(
      'Throughput against the 95th percentile of latency, 5 profiles: default 5.0 requests a second at 200 ms, chosen 10.0 requests a second at 250 ms',
    )
  })
})

describe('a report in words', () => {
  it('says what was chosen and why', () => {
    expect(verdict(report(2, true))).toMatchObject({ type: 'success', title: 'Another profile was chosen: × 2.00 the default’s requests [1.90, 2.10]' })
    expect(verdict(report(0, true)).title).toBe('The default stays')
    expect(verdict(report(0, false)).type).toBe('warning')
  })

  it('tells profiles and objectives', () => {
    expect(profileText(DEFAULT)).toBe('threads all/2, 8 side by side, context 4096, shared 0')
    const settings = { ...DEFAULT, replicas: 2, cores: ['0', '1'], cacheType: 'q8_0', onePassAttention: true, weights: 'm-q8_0', staticBatches: { size: 8, waitMs: 20, maxTokens: 4 } }
    expect(profileText(settings)).toBe(
      '2 replicas on cores 0:1, threads all/2, 8 side by side, context 4096, shared 0, cache q8_0, attention in one pass, static batches of 8, answers up to 4, weights of m-q8_0',
    )
    expect(sloText(report(0, true).slo)).toBe('p95 ≤ 300 ms, first token p95 ≤ 80 ms')
    expect([figure(null), figure(0.123), figure(12.34), figure(123.4), figure(12345)]).toEqual(['–', '0.12', '12.3', '123', '12,345'])
  })
})

describe('the form', () => {
  it('asks for what it holds and for nothing else', () => {
    const draft = newDraft('text')
    expect(faults(draft)).toEqual({})
    expect(requestOf(draft)).toEqual({ slo: 'p95=2s', workload: 'chat', minutes: 5, clients: 8 })
    const more = { ...draft, leastContext: '512', boundedAnswers: '4', quantized: true, roundedCaches: true, price: '1.5' }
    expect(requestOf(more)).toMatchObject({ leastContext: 512, boundedAnswers: 4, quantized: true, allow: ['kv-q8_0'], pricePerHour: 1.5 })
    expect([workloadsOf('text'), workloadsOf('embedding')]).toEqual([['chat', 'moderation', 'judge'], ['embed']])
  })

  it('says what is wrong', () => {
    const draft = newDraft('text')
    const wrong = { ...draft, slo: 'p99=1s', minutes: '0', clients: '1.5', leastContext: '7', boundedAnswers: 'x', price: '-1' }
    expect(Object.keys(faults(wrong)).sort()).toEqual(['boundedAnswers', 'clients', 'leastContext', 'minutes', 'price', 'slo'])
    expect(faults({ ...draft, slo: 'p95=300ms, p50=0.1s,first-token=80ms' })).toEqual({})
    expect(faults({ ...draft, workload: 'own' }).lines).toContain('At least one line')
  })

  it('reads lines and names the one that is wrong as an editor counts', () => {
    const own = '{"prompt": "a", "max_tokens": 3}\n\n{"messages": [{"role": "user", "content": "b"}]}\n'
    expect(readLines(own)).toEqual({ requests: [{ prompt: 'a', max_tokens: 3 }, { messages: [{ role: 'user', content: 'b' }] }] })
    expect(requestOf({ ...newDraft('text'), workload: 'own', lines: own })).not.toHaveProperty('workload')
    for (const [line, fault] of [
      ['{', 'Line 3 is no JSON'],
      ['7', 'Line 3 is no JSON object'],
      ['{}', 'Line 3 needs either “prompt” or “messages”'],
      ['{"prompt": 7}', 'Line 3 has a “prompt” that is no text, or an empty one'],
      ['{"messages": [{"role": "judge", "content": ""}]}', 'Line 3 has “messages” that are no turns of a conversation'],
      ['{"prompt": "a", "max_tokens": 0}', 'Line 3 has a “max_tokens” that is not 1 to 4,096'],
      ['{"prompt": "a", "seed": 1}', 'Line 3 has “seed”, which no request has'],
    ] as const) {
      expect(readLines(`{"prompt": "a"}\n\n${line}`)).toEqual({ fault })
    }
    expect(readLines('{"prompt": "a"}\n'.repeat(1001))).toEqual({ fault: 'At most 1,000 lines' })
  })
})
