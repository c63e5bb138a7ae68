import { describe, expect, test } from 'vitest'
import { draftOf, EMPTY, limitsOf, limitsText, problems, share } from './draft.ts'

describe('quotas', () => {
  test('an empty limit is none, in both directions', () => {
    const limits = { requestsPerMinute: 60, tokensPerMinute: null, running: 4 }
    const draft = draftOf({ accountId: '111122223333', modelId: null, updatedAt: '', ...limits })
    expect(draft).toEqual({ accountId: '111122223333', modelId: '', requests: '60', tokens: '', running: '4' })
    expect(limitsOf(draft)).toEqual(limits)
  })

  test('what cannot be saved is named by field', () => {
    expect(problems({ ...EMPTY, accountId: '111122223333', tokens: '20000' })).toEqual({})
    const wrong = { ...EMPTY, accountId: '12', requests: '0', tokens: '1.5', running: '-1' }
    expect(Object.keys(problems(wrong)).sort()).toEqual(['accountId', 'requests', 'running', 'tokens'])
    expect(problems({ ...EMPTY, accountId: '111122223333', requests: '4294967296' }).requests).toBeDefined()
  })

  test('limits are told in words', () => {
    expect(limitsText({ requestsPerMinute: 60, tokensPerMinute: 20_000, running: null })).toBe(
      '60 requests a minute, 20,000 tokens a minute',
    )
    expect(limitsText({ requestsPerMinute: null, tokensPerMinute: null, running: null })).toBe('no limit')
  })

  test('a debt is a whole quota used', () => {
    expect(share(15, 60)).toBe(75)
    expect(share(-100, 600)).toBe(100)
    expect(share(null, null)).toBeUndefined()
  })
})
