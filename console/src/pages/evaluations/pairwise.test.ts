import { describe, expect, it } from 'vitest'
import type { PairwiseResult } from '../../api/pairwise.ts'
import { cautionsOf, countsOf, datasetsText, followsOf, pairwiseCommand } from './pairwise.ts'

const RESULT: PairwiseResult = {
  first: 'one',
  second: 'two',
  judge: 'j',
  pairs: 12,
  failed: 2,
  reason: 'Input is too long for requested model.',
  firstWins: 4,
  secondWins: 1,
  ties: 0,
  changedWithOrder: 5,
  shownFirstWon: 4,
  shownLastWon: 1,
  consistent: null,
  positionBias: null,
  verbosity: null,
  winRate: null,
  expectedWinRate: null,
  p: null,
  ledByOrder: false,
  judgement: 'not distinguishable',
  warnings: [],
}

describe('a comparison pair by pair', () => {
  it('counts pairs of those that have a verdict', () => {
    expect(countsOf(RESULT).map(({ count, percent }) => [count, percent])).toEqual([
      [4, 40],
      [1, 10],
      [0, 0],
      [5, 50],
    ])
    expect(countsOf({ ...RESULT, failed: 12 }).map(({ percent }) => percent)).toEqual([0, 0, 0, 0])
    expect(countsOf(RESULT)[0]?.label).toBe('one wins in both orders')
  })

  it('says what must be known before', () => {
    expect(cautionsOf({ ...RESULT, failed: 0 })).toEqual([])
    const [warning, failed, led] = cautionsOf({ ...RESULT, warnings: ['the same model'], ledByOrder: true })
    expect(warning).toBe('the same model')
    expect(failed).toBe('2 pairs have no verdict: Input is too long for requested model.')
    expect(led).toContain('What was shown first won 4 times, what was shown last 1 times.')
    expect(cautionsOf({ ...RESULT, failed: 1, reason: null })).toEqual(['1 pair has no verdict: it is not known why'])
  })

  it('tells what follows, and how the command line says it', () => {
    expect(followsOf({ ...RESULT, judgement: 'the second is better' }).text).toBe('two is better')
    expect(followsOf(RESULT).text).toBe('Not distinguishable')
    expect([pairwiseCommand('a', 'b', ' ', {}), pairwiseCommand('a', 'b', 'x y', {})]).toEqual(['craton eval compare a b --pairwise JUDGE', "craton eval compare a b --pairwise 'x y'"])
    const parts = { dataset: '1', system: '0', otherDataset: '0', otherSystem: '1' }
    expect(pairwiseCommand('a', 'b', 'j', parts)).toBe('craton eval compare a b --pairwise j --dataset 1 --system 0 --other-dataset 0 --other-system 1')
    expect([datasetsText({}), datasetsText({ datasets: ['d'] }), datasetsText({ datasets: ['d', 'e'] })]).toEqual([undefined, undefined, 'On the prompts of d, e'])
  })
})
