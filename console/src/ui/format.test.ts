import { describe, expect, test } from 'vitest'
import { bytes, duration, fullTime, label, milliseconds, parameters } from './format.ts'

describe('format', () => {
  test.each([
    [0, '0 bytes'],
    [999, '999 bytes'],
    [1000, '1.0 kB'],
    [999_499, '999 kB'],
    [999_500, '1.0 MB'],
    [105_454_432, '105 MB'],
    [14_300_000_000, '14 GB'],
    [null, '–'],
  ])('bytes(%s) is %s', (count, text) => expect(bytes(count)).toBe(text))

  test.each([
    [107_264, '107,264'],
    [22_700_000, '22.7 million'],
    [134_515_008, '135 million'],
    [23_600_000_000, '23.6 billion'],
    [7_000_000_000, '7 billion'],
  ])('parameters(%s) is %s', (count, text) => expect(parameters(count)).toBe(text))

  test.each([
    [0, '0 s'],
    [59.9, '59 s'],
    [3600, '1 h'],
    [93_784, '1 d 2 h'],
  ])('duration(%s) is %s', (seconds, text) => expect(duration(seconds)).toBe(text))

  test('milliseconds turn into seconds at one second', () => {
    expect(milliseconds(999)).toBe('999 ms')
    expect(milliseconds(1000)).toBe('1.00 s')
  })

  test('a full time tells its zone and its UTC', () => {
    expect(fullTime('2026-05-04T08:12:00Z')).toMatch(/^Monday, 4 May 2026 .* \S+ \(2026-05-04T08:12:00\.000Z\)$/)
    expect(fullTime('soon')).toBe('soon')
  })

  test('names of settings turn into words', () => {
    expect(label('prefillThreads')).toBe('Prefill threads')
    expect(label('model-pull')).toBe('Model pull')
  })
})
