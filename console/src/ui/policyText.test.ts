import { describe, expect, test } from 'vitest'
import { format, jsonFault } from './policyText.ts'

describe('jsonFault', () => {
  test('finds nothing in JSON', () => {
    expect(jsonFault('{"Version": "2012-10-17"}')).toBeUndefined()
  })

  test('says on which line JSON ends', () => {
    const fault = jsonFault('{\n  "Version": "2012-10-17",\n  "Statement": [,]\n}')
    expect(fault?.message).toMatch(/^This is not JSON/)
    expect(fault?.line).toBe(3)
    expect(jsonFault('{\n"Version": "2012-10-17"\n"Statement": []}')?.line).toBe(3)
    expect(jsonFault('{\n"Version": "2012-10-17",\n\n')?.line).toBeGreaterThan(2)
  })
})

test('format indents JSON and leaves everything else alone', () => {
  expect(format('{"a":1}')).toBe('{\n  "a": 1\n}')
  expect(format('{')).toBe('{')
})
