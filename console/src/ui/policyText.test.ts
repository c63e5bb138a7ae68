import { describe, expect, test } from 'vitest'
import { check, format } from './policyText.ts'

const GOOD = {
  Version: '2012-10-17',
  Statement: [{ Sid: 'read', Effect: 'Allow', Action: ['s3:Get*', 's3:ListBucket'], Resource: 'arn:aws:s3:::notes/*' }],
}

const messages = (document: unknown) => check(JSON.stringify(document)).map((finding) => finding.message)

describe('check', () => {
  test('finds nothing in a good policy', () => {
    expect(check(JSON.stringify(GOOD))).toEqual([])
    expect(messages({ ...GOOD, Statement: { Effect: 'Deny', NotAction: 'iam:*', Resource: '*' } })).toEqual([])
  })

  test('says on which line JSON ends', () => {
    const [finding] = check('{\n  "Version": "2012-10-17",\n  "Statement": [,]\n}')
    expect(finding?.message).toMatch(/^This is not JSON/)
    expect(finding?.line).toBe(3)
    expect(check('{\n"Version": "2012-10-17"\n"Statement": []}')[0]?.line).toBe(3)
    expect(check('{\n"Version": "2012-10-17",\n\n')[0]?.line).toBeGreaterThan(2)
    expect(check('  ')).toEqual([{ message: 'The policy is empty.' }])
    expect(check('[]')).toEqual([{ message: 'A policy is a JSON object.' }])
  })

  test('names the statement and the element that is wrong', () => {
    const wrong = { Effect: 'allow', Action: 'GetObject', NotAction: 's3:*', Resource: 'notes', Colour: 'red' }
    expect(messages({ ...GOOD, Statement: [wrong] })).toEqual([
      'Statement 1: `Colour` is no element of a statement.',
      'Statement 1: `Effect` must be Allow or Deny.',
      'Statement 1 has both `Action` and `NotAction`.',
      'Statement 1: `GetObject` is not `service:Action`.',
      'Statement 1: `notes` is neither `*` nor an ARN.',
    ])
  })

  test('points at the line of what is wrong', () => {
    const text = JSON.stringify({ ...GOOD, Statement: [{ Effect: 'Allow', Action: 'get', Resource: '*' }] }, null, 2)
    const line = text.split('\n').findIndex((one) => one.includes('"get"')) + 1
    expect(check(text)).toEqual([{ message: 'Statement 1: `get` is not `service:Action`.', line }])
  })

  test('misses the version and the statements', () => {
    expect(messages({})).toEqual([
      'Without `"Version": "2012-10-17"` policy variables are plain text.',
      'The policy has no `Statement`.',
    ])
    expect(messages({ Version: '2012', Statement: [] })).toEqual([
      '`Version` is the date of the language: 2012-10-17.',
      'The policy has no statements.',
    ])
  })
})

test('format indents JSON and leaves everything else alone', () => {
  expect(format('{"a":1}')).toBe('{\n  "a": 1\n}')
  expect(format('{')).toBe('{')
})
