import { describe, expect, test } from 'vitest'
import type { Profile, RouteTarget, Routing, TargetState } from '../../api/profiles.ts'
import { draftOf, EMPTY, inForce, modelsOf, moved, problems, profileHealth, routingOf, routingText, sourcesOf, targetHealth } from './routing.ts'

const state = (readiness: TargetState['readiness']): TargetState => ({ readiness, answers: 'pool:a', detail: null })
const target = (region: string, readiness: TargetState['readiness'], weight = 1): RouteTarget => ({ region, target: `pool:${region}`, weight, state: state(readiness) })
const routing = (...targets: RouteTarget[]): Routing => ({ weighted: false, targets })

const PROFILE: Profile = {
  id: 'us.anthropic.claude-3-haiku-20240307-v1:0',
  arn: 'arn:aws:bedrock:us-east-1:111122223333:inference-profile/us.anthropic.claude-3-haiku-20240307-v1:0',
  name: 'US Anthropic Claude 3 Haiku',
  description: null,
  type: 'SYSTEM_DEFINED',
  models: ['us-east-1', 'us-west-2'].map((region) => `arn:aws:bedrock:${region}::foundation-model/anthropic.claude-3-haiku-20240307-v1:0`),
  copiedFrom: null,
  tags: [],
  createdAt: null,
  updatedAt: null,
  routing: null,
  inheritedRouting: null,
}

describe('the state of a profile', () => {
  test('is that of its targets together', () => {
    const health = (...targets: RouteTarget[]) => profileHealth({ ...PROFILE, routing: routing(...targets) })
    expect(health(target('a', 'ready'), target('b', 'unknown'))).toEqual({ type: 'success', text: 'Ready' })
    expect(health(target('a', 'down'), target('b', 'ready'))).toEqual({ type: 'warning', text: '1 of 2 down' })
    expect(health(target('a', 'down'), target('b', 'down'))).toEqual({ type: 'error', text: 'No target answers' })
    expect(health(target('a', 'degraded'), target('b', 'ready'))).toEqual({ type: 'warning', text: 'Ready in part' })
    expect(health(target('a', 'unknown')).type).toBe('pending')
    expect(profileHealth(PROFILE)).toEqual({ type: 'info', text: 'Not routed' })
    expect(targetHealth(null).type).toBe('pending')
  })

  test('is that of the profile that it was copied from, where it is not routed itself', () => {
    const inherited = routing(target('a', 'down'))
    expect(inForce({ ...PROFILE, inheritedRouting: inherited })).toBe(inherited)
    expect(profileHealth({ ...PROFILE, inheritedRouting: inherited }).type).toBe('error')
    expect(profileHealth({ ...PROFILE, inheritedRouting: inherited, routing: routing(target('b', 'ready')) }).type).toBe('success')
  })
})

test('targets are told in their order, or with their weights', () => {
  expect(routingText(null)).toBe('–')
  const both = routing(target('east', 'ready', 3), target('west', 'ready'))
  expect(routingText(both)).toBe('east, then west')
  expect(routingText({ ...both, weighted: true })).toBe('east × 3, west × 1')
})

test('a model is named once, and what can be copied has ARNs of the caller’s region', () => {
  expect(modelsOf(PROFILE)).toEqual(['anthropic.claude-3-haiku-20240307-v1:0'])
  const model = 'arn:aws:bedrock:eu-west-1::foundation-model/anthropic.claude-3-haiku-20240307-v1:0'
  const everywhere: Profile = { ...PROFILE, id: 'global.anthropic.claude-3-haiku-20240307-v1:0', models: [model] }
  const own: Profile = { ...PROFILE, id: 'abc123def456', type: 'APPLICATION' }
  const sources = sourcesOf([own, PROFILE, everywhere])
  expect(sources.models).toEqual([{ label: 'anthropic.claude-3-haiku-20240307-v1:0', arn: model }])
  expect(sources.profiles.map(({ label }) => label)).toEqual([PROFILE.id, everywhere.id])
})

describe('a draft of a routing', () => {
  test('is sent as it was typed, without blanks around', () => {
    const draft = draftOf({ weighted: true, targets: [target('east', 'ready', 3)] })
    expect(draft.targets).toEqual([{ region: 'east', target: 'pool:east', weight: '3' }])
    expect(routingOf({ weighted: true, targets: [{ region: ' east ', target: ' pool:a ', weight: '3' }] })).toEqual({
      weighted: true,
      targets: [{ region: 'east', target: 'pool:a', weight: 3 }],
    })
    expect(draftOf(null)).toEqual({ weighted: false, targets: [EMPTY] })
  })

  test('says what is wrong', () => {
    const good = { region: 'east', target: 'pool:a', weight: '1' }
    expect(problems(good, true)).toEqual({})
    for (const wrong of [{ region: '' }, { region: 'a b' }, { target: ' ' }, { weight: '0' }, { weight: '1001' }, { weight: 'x' }]) {
      expect(Object.keys(problems({ ...good, ...wrong }, true))).toEqual(Object.keys(wrong))
    }
    expect(Object.keys(problems({ region: '', target: '', weight: '' }, true))).toEqual(['region', 'target', 'weight'])
  })

  test('has no weight that matters where targets are asked as listed', () => {
    const draft = { region: 'east', target: 'pool:a', weight: '' }
    expect(problems(draft, false)).toEqual({})
    expect(routingOf({ weighted: false, targets: [draft] }).targets).toEqual([{ region: 'east', target: 'pool:a', weight: 1 }])
  })

  test('targets are moved within the list and nowhere else', () => {
    const [a, b, c] = ['a', 'b', 'c'].map((region) => ({ ...EMPTY, region })) as [typeof EMPTY, typeof EMPTY, typeof EMPTY]
    expect(moved([a, b, c], 2, -1)).toEqual([a, c, b])
    expect(moved([a, b, c], 0, -1)).toEqual([a, b, c])
    expect(moved([a, b, c], 0, 1)).toEqual([b, a, c])
  })
})
