/** Numbers and times as the console shows them, in English. */

const BYTE_UNITS = ['bytes', 'kB', 'MB', 'GB', 'TB']

/** Decimal units: 105,454,432 → `105 MB`. */
export function bytes(count: number | null | undefined): string {
  if (count === null || count === undefined) return '–'
  let value = count
  let unit = 0
  while (value >= 999.5 && unit < BYTE_UNITS.length - 1) {
    value /= 1000
    unit += 1
  }
  const digits = unit > 0 && value < 10 ? 1 : 0
  return `${value.toFixed(digits)} ${BYTE_UNITS[unit]}`
}

/** 107,264 → `107,264`; 134,515,008 → `135 million`; 23,600,000,000 → `23.6 billion`. */
export function parameters(count: number | null | undefined): string {
  if (count === null || count === undefined) return '–'
  if (count >= 1e9) return `${trim(count / 1e9)} billion`
  return count >= 1e6 ? `${trim(count / 1e6)} million` : integer(count)
}

export function integer(count: number | null | undefined): string {
  return count === null || count === undefined ? '–' : count.toLocaleString('en-US')
}

/** 93,784 s → `1 d 2 h`: the two largest units. */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds))
  const parts = [
    [Math.floor(whole / 86400), 'd'],
    [Math.floor(whole / 3600) % 24, 'h'],
    [Math.floor(whole / 60) % 60, 'min'],
    [whole % 60, 's'],
  ] as const
  const first = parts.findIndex(([count]) => count > 0)
  if (first < 0) return '0 s'
  return parts
    .slice(first, first + 2)
    .filter(([count]) => count > 0)
    .map(([count, unit]) => `${count} ${unit}`)
    .join(' ')
}

export function milliseconds(count: number): string {
  return count < 1000 ? `${Math.round(count)} ms` : `${(count / 1000).toFixed(2)} s`
}

/** Local date and time of an ISO 8601 text. */
export function dateTime(iso: string | null | undefined): string {
  if (!iso) return '–'
  const date = new Date(iso)
  if (Number.isNaN(date.getTime())) return iso
  const two = (number: number) => String(number).padStart(2, '0')
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`
}

/** The moment with its weekday and zone, and the same in UTC. */
export function fullTime(iso: string): string {
  const date = new Date(iso)
  if (Number.isNaN(date.getTime())) return iso
  return `${date.toLocaleString('en-GB', { dateStyle: 'full', timeStyle: 'long' })} (${date.toISOString()})`
}

/** The time alone for today, with the date before it otherwise. */
export function recentTime(iso: string): string {
  const text = dateTime(iso)
  return dateTime(new Date().toISOString()).slice(0, 10) === text.slice(0, 10) ? text.slice(11) : text
}

/** `prefillThreads` → `Prefill threads` */
export function label(name: string): string {
  const words = name.replace(/([a-z0-9])([A-Z])/g, '$1 $2').replace(/[_-]+/g, ' ').toLowerCase()
  return words.charAt(0).toUpperCase() + words.slice(1)
}

function trim(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toFixed(1).replace(/\.0$/, '')
}
