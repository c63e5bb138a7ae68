import { dateTime, fullTime, recentTime } from './format.ts'

interface Props {
  /** ISO 8601 */
  iso: string | null | undefined
  /** Leaves the date away today. */
  short?: boolean
  /** Said where there is no time. */
  none?: string
}

/** A moment in the browser's time zone; pointing at it tells the zone and the UTC time. */
export function Time({ iso, short = false, none = '–' }: Props) {
  if (!iso) return none
  return (
    <time className="craton-time" dateTime={iso} title={fullTime(iso)}>
      {short ? recentTime(iso) : dateTime(iso)}
    </time>
  )
}
