/** What an endpoint did while its page is open. */
import type { EndpointFigures } from '../../api/endpoints.ts'
import { isUnknown } from './text.ts'

/** All variants together, at one moment. */
export interface Moment {
  tokensPerSecond: number
  queue: number
  running: number
  firstTokenMs: number | null
}

/** So many moments are kept: ten minutes at one in three seconds. */
export const KEPT = 200

/** The moments with one more. */
export function remembered(moments: Moment[], figures: EndpointFigures): Moment[] {
  const { variants } = figures
  const sum = (of: (variant: EndpointFigures['variants'][number]) => number) => variants.reduce((total, one) => total + of(one), 0)
  const first = variants.flatMap(({ firstToken }) => (firstToken.p50 === null || isUnknown(firstToken) ? [] : [firstToken.p50]))
  const moment = {
    tokensPerSecond: sum((one) => one.tokensPerSecond ?? 0),
    queue: sum((one) => one.queue),
    running: sum((one) => one.running),
    firstTokenMs: first.length > 0 ? Math.max(...first) : null,
  }
  return [...moments, moment].slice(-KEPT)
}

/** The line of a small chart: `x,y` of every value, in a box of this size. Without a value there is a gap at its place. */
export function line(values: (number | null)[], width: number, height: number): string[] {
  const most = Math.max(...values.map((value) => value ?? 0), 1e-9)
  const step = values.length > 1 ? width / (values.length - 1) : 0
  const pieces: string[][] = [[]]
  for (const [at, value] of values.entries()) {
    if (value === null) pieces.push([])
    else pieces.at(-1)?.push(`${round(at * step)},${round(height - (value / most) * (height - 2) - 1)}`)
  }
  return pieces.filter((piece) => piece.length > 0).map((piece) => piece.join(' '))
}

const round = (value: number) => Math.round(10 * value) / 10
