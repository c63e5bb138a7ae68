import { expect, test } from 'vitest'
import { jsonFault } from '../../ui/policyText.ts'
import { TRUSTED, trustedBy, trustOf } from './trust.ts'

test('the trust policies that are offered are well formed and name who is trusted', () => {
  for (const { value } of TRUSTED) {
    const text = trustOf(value, '111122223333')
    expect(jsonFault(text)).toBeUndefined()
    expect(trustedBy(text)).toBe(value === 'account' ? 'arn:aws:iam::111122223333:root' : value)
  }
})

test('services are held to the account', () => {
  expect(trustOf('bedrock.amazonaws.com', '111122223333')).toContain('"aws:SourceAccount": "111122223333"')
})

test('every form of principal is read', () => {
  const statement = (Principal: unknown) => JSON.stringify({ Statement: { Effect: 'Allow', Principal } })
  expect(trustedBy(statement('*'))).toBe('*')
  expect(trustedBy(statement({ AWS: ['a', 'b'], Service: 'c' }))).toBe('a, b, c')
  expect(trustedBy('{')).toBe('–')
  expect(trustedBy('{"Statement":[]}')).toBe('–')
})
