import { describe, expect, test } from 'vitest'
import type { Score } from '../../api/scores.ts'
import { faults, INITIAL, logText, requestOf, rowsOf, shareText, tokensText, type Draft } from './scoring.ts'

const GOOD: Draft = { ...INITIAL, model: 'm', system: 'Good or bad?', message: 'Never again.', lines: 'good\nbad\n\n' }
const score = (text: string, logProbability: number, more: Partial<Score> = {}): Score => ({ text, logProbability, tokens: [text], tokenLogProbabilities: [logProbability], ...more })

describe('the form', () => {
  test('asks for answers to a message, or for continuations of a prompt', () => {
    expect(faults(GOOD)).toEqual({})
    expect(requestOf(GOOD)).toEqual({
      model: 'm',
      system: 'Good or bad?',
      messages: [{ role: 'user', content: 'Never again.' }],
      continuations: ['good', 'bad'],
      normalize: 'none',
    })
    const prompt: Draft = { ...GOOD, kind: 'prompt', prompt: 'The capital of France is', lines: ' Paris\n Rome', normalize: 'choices', bestOnly: true, priority: 'low', deterministic: true }
    expect(requestOf(prompt)).toEqual({
      model: 'm',
      prompt: 'The capital of France is',
      continuations: [' Paris', ' Rome'],
      normalize: 'choices',
      bestOnly: true,
      priority: 'low',
      deterministic: true,
    })
  })

  test('says what is missing', () => {
    expect(Object.keys(faults(INITIAL)).sort()).toEqual(['lines', 'message', 'model'])
    expect(Object.keys(faults({ ...GOOD, kind: 'prompt' }))).toEqual(['prompt'])
    expect(Object.keys(faults({ ...GOOD, lines: 'x\n'.repeat(1025) }))).toEqual(['lines'])
  })
})

describe('the answer', () => {
  const usage = { inputTokens: 1, outputTokens: 1, totalTokens: 2, cacheReadInputTokens: 0 }

  test('has the likeliest first, by what was compared', () => {
    const scores = [score('a', -4, { normalizedLogProbability: -1 }), score('b', -3, { normalizedLogProbability: -3 }), score('c', -9, { normalizedLogProbability: -2 })]
    expect(rowsOf({ scores, best: 0, usage }).map(({ text }) => text)).toEqual(['a', 'c', 'b'])
  })

  test('tells of what was not read to its end the most that it can be', () => {
    const rows = rowsOf({ scores: [score('a', -2.5, { atMost: true }), score('b', -3, { atMost: false })], best: 1, usage })
    expect(rows.map((row) => [row.text, logText(row), shareText(row.probability)])).toEqual([
      ['b', '-3.000', '–'],
      ['a', '≤ -2.500', '–'],
    ])
    expect(shareText(0.6214)).toBe('62.1 %')
  })

  test('tells each token with its own log probability', () => {
    expect(tokensText(score(' Paris', -0.104))).toBe('" Paris" -0.10')
  })
})
