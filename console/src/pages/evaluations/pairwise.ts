/** A comparison pair by pair in words. */
import type { PairwiseParts, PairwiseResult } from '../../api/pairwise.ts'
import { integer } from '../../ui/format.ts'
import { shell } from '../../ui/literals.ts'
import { judgementOf, type Judged } from './text.ts'

/** The same on the command line. */
export function pairwiseCommand(first: string, second: string, judge: string, { dataset, system, otherDataset, otherSystem }: PairwiseParts): string {
  const flag = (name: string, value: string | undefined) => (value === undefined ? [] : [`--${name} ${shell(value)}`])
  return [
    `craton eval compare ${first} ${second} --pairwise ${judge.trim() === '' ? 'JUDGE' : shell(judge.trim())}`,
    ...flag('dataset', dataset),
    ...flag('system', system),
    ...flag('other-dataset', otherDataset),
    ...flag('other-system', otherSystem),
  ].join(' ')
}

/** Which prompts were compared, where they are of several datasets. */
export function datasetsText({ datasets = [] }: Pick<PairwiseResult, 'datasets'>): string | undefined {
  return datasets.length > 1 ? `On the prompts of ${datasets.join(', ')}` : undefined
}

/** What follows of a comparison. */
export function followsOf({ judgement, first, second }: Pick<PairwiseResult, 'judgement' | 'first' | 'second'>): Judged {
  return judgementOf({ judgement }, first, second)
}

export interface Count {
  label: string
  count: number
  /** Of all pairs with a verdict, from 0 to 100. */
  percent: number
}

/** How the pairs ended. */
export function countsOf(result: Pick<PairwiseResult, 'first' | 'second' | 'firstWins' | 'secondWins' | 'ties' | 'changedWithOrder' | 'pairs' | 'failed'>): Count[] {
  const judged = result.pairs - result.failed
  const of = (label: string, count: number): Count => ({ label, count, percent: judged > 0 ? Math.round((100 * count) / judged) : 0 })
  return [
    of(`${result.first} wins in both orders`, result.firstWins),
    of(`${result.second} wins in both orders`, result.secondWins),
    of('Tie in both orders', result.ties),
    of('The verdict changed with the order', result.changedWithOrder),
  ]
}

/** What is to be known before the figures are read: warnings, pairs without a verdict, a judge that follows the order. */
export function cautionsOf({ warnings, failed, reason, ledByOrder, shownFirstWon, shownLastWon }: PairwiseResult): string[] {
  const without = `${integer(failed)} ${failed === 1 ? 'pair has' : 'pairs have'} no verdict: ${reason ?? 'it is not known why'}`
  const led = `The judge’s verdicts follow the order more often than the answers: ask another judge. What was shown first won ${integer(shownFirstWon)} times, what was shown last ${integer(shownLastWon)} times.`
  return [...warnings, ...(failed > 0 ? [without] : []), ...(ledByOrder ? [led] : [])]
}
