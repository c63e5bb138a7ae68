/** Where the marks of the charts stand, and what charts say to those who do not see them. */
import type { Bar, Interval } from '../../api/evaluations.ts'
import { barText, withInterval } from './text.ts'

export interface DrawnBar {
  x: number
  y: number
  width: number
  height: number
  count: number
  /** Below the bar; nothing where there is no room. */
  label: string
  title: string
}

const GAP = 4
/** Room for the counts above and the labels below the bars. */
export const TOP = 16
export const BOTTOM = 18
/** Pixels that a label needs. */
const LABEL_WIDTH = 34

/** The bars of a histogram in a box of this size. */
export function histogram(bars: Bar[], width: number, height: number): DrawnBar[] {
  const most = Math.max(1, ...bars.map(({ count }) => count))
  const each = width / Math.max(1, bars.length)
  const every = Math.max(1, Math.ceil(LABEL_WIDTH / each))
  return bars.map((bar, at) => {
    // A few are still seen beside many.
    const tall = bar.count === 0 ? 0 : Math.max(2, ((height - TOP - BOTTOM) * bar.count) / most)
    return {
      x: at * each + GAP / 2,
      y: height - BOTTOM - tall,
      width: Math.max(1, each - GAP),
      height: tall,
      count: bar.count,
      label: at % every === 0 ? (bar.from === bar.to ? bar.from.toFixed(2) : bar.from.toFixed(1)) : '',
      title: `${barText(bar)}: ${bar.count}`,
    }
  })
}

export function histogramText(name: string, bars: Bar[]): string {
  return `Scores of ${name}: ${bars.map((bar) => `${barText(bar)}: ${bar.count}`).join(', ')}`
}

/** Where an interval stands in a box from `from` to `to`; what is beyond stands at the edge. */
export function place(interval: Interval, from: number, to: number, width: number): { low: number; at: number; high: number } {
  const x = (value: number) => ((Math.min(Math.max(value, from), to) - from) / (to - from)) * width
  return { low: x(interval.low), at: x(interval.value), high: x(interval.high) }
}

/** How far a scale of differences must reach to both sides of 0, as a round number. */
export function reach(differences: (Interval | null)[]): number {
  const most = Math.max(0.05, ...differences.flatMap((one) => (one ? [Math.abs(one.low), Math.abs(one.high)] : [])))
  return [0.05, 0.1, 0.2, 0.5, 1].find((step) => step >= most) ?? 1
}

export function intervalText(name: string, interval: Interval | null): string {
  return interval ? `${name}: ${withInterval(interval)}` : `${name}: no score`
}
