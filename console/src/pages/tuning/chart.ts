/** The geometry of the scatter plot: what is drawn where, without the drawing. */
import type { TuningReport } from '../../api/tunings.ts'

export interface Dot {
  /** The point's place in the report. */
  index: number
  p95Ms: number
  throughput: number
  meets: boolean
  role: 'chosen' | 'default' | 'other'
}

/** The points that were measured. */
export function dotsOf(report: TuningReport): Dot[] {
  return report.points.flatMap(({ measured, meets }, index): Dot[] => {
    if (!measured) return []
    const role = index === report.chosen ? 'chosen' : index === 0 ? 'default' : 'other'
    return [{ index, p95Ms: measured.p95Ms, throughput: measured.throughput, meets, role }]
  })
}

/** Those that no other beats in both throughput and latency, the quickest answers first. */
export function front(dots: Dot[]): Dot[] {
  const sorted = [...dots].sort((a, b) => a.p95Ms - b.p95Ms || b.throughput - a.throughput)
  let most = -Infinity
  return sorted.filter(({ throughput }) => {
    const better = throughput > most
    if (better) most = throughput
    return better
  })
}

/** Round numbers from 0 to at least `most`: about `count` of them. */
export function ticks(most: number, count: number): number[] {
  const rough = Math.max(most, 1e-9) / count
  const unit = 10 ** Math.floor(Math.log10(rough))
  const step = unit * ([1, 2, 5, 10].find((factor) => factor * unit >= rough) ?? 10)
  const steps = Math.ceil(most / step - 1e-9)
  return Array.from({ length: Math.max(steps, 1) + 1 }, (_, at) => Number((at * step).toPrecision(12)))
}

export interface Axis {
  ticks: number[]
  /** Pixels of a value. */
  at: (value: number) => number
}

/** An axis that has values from 0 to `most` between two pixels. */
export function axis(most: number, from: number, to: number, count: number): Axis {
  const marks = ticks(most, count)
  const end = marks.at(-1) ?? 1
  return { ticks: marks, at: (value) => from + (value / end) * (to - from) }
}

/** What the plot says to those who do not see it. */
export function summary(report: TuningReport): string {
  const dots = dotsOf(report)
  const said = (role: Dot['role']) => {
    const dot = dots.find((one) => one.role === role)
    return dot ? `${role} ${dot.throughput.toFixed(1)} requests a second at ${Math.round(dot.p95Ms)} ms` : ''
  }
  const parts = [said('default'), said('chosen')].filter(Boolean).join(', ')
  return `Throughput against the 95th percentile of latency, ${dots.length} profiles: ${parts}`
}
