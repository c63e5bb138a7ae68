import { describe, expect, test } from 'vitest'
import type { PoolMember } from '../../api/pools.ts'
import { draftOf, EMPTY, health, memberOf, poolHealth, problem } from './members.ts'

const member: PoolMember = {
  baseUrl: 'http://a/v1',
  model: 'qwen',
  hasApiKey: true,
  weight: 2,
  maxInFlight: 32,
  region: 'eu',
  healthy: true,
  circuit: 'closed',
  inFlight: 1,
  requests: 9,
  failures: 0,
  firstTokenMillis: 12.5,
  lastError: null,
}

describe('a draft of a member', () => {
  test('keeps the key unless another is typed or it is removed', () => {
    const draft = draftOf(member)
    expect(problem(draft)).toBe('')
    expect(memberOf(draft)).toEqual({ baseUrl: 'http://a/v1', model: 'qwen', weight: 2, maxInFlight: 32, region: 'eu' })
    expect(memberOf({ ...draft, apiKey: 'k' }).apiKey).toBe('k')
    expect(memberOf({ ...draft, removesKey: true }).apiKey).toBe('')
  })

  test('says what is wrong', () => {
    const good = { ...EMPTY, baseUrl: ' https://h/v1 ', model: 'm' }
    expect(problem(good)).toBe('')
    for (const wrong of [{ baseUrl: 'h' }, { model: ' ' }, { weight: '0' }, { weight: '1.5' }, { maxInFlight: '' }, { region: 'a b' }]) {
      expect(problem({ ...good, ...wrong })).not.toBe('')
    }
  })
})

test('the state of members and pools is told in words', () => {
  expect(health(member).text).toBe('Up')
  expect(health({ ...member, healthy: null }).text).toBe('Not checked yet')
  expect(health({ ...member, healthy: false, circuit: 'open' }).text).toBe('Left alone')
  expect(health({ ...member, circuit: 'half-open' }).type).toBe('warning')
  const pool = { name: 'p', managed: true, maxQueue: 64, queued: 0, members: [member, { ...member, healthy: false }] }
  expect(poolHealth(pool).text).toBe('1 of 2 down')
  expect(poolHealth({ ...pool, members: [member] }).type).toBe('success')
  expect(poolHealth({ ...pool, members: [{ ...member, circuit: 'open' }] }).type).toBe('error')
})
