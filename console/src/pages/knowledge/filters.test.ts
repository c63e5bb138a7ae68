import { describe, expect, it } from 'vitest'
import { faultOfJson, faultsOf, filterOf, isGood, keysOf, NEW_CONDITION, NO_FILTER, typesFor, valueText, withOperator, type Condition, type FilterDraft } from './filters.ts'

const condition = (change: Partial<Condition>): Condition => ({ ...NEW_CONDITION, key: 'department', value: 'hr', ...change })
const draft = (...conditions: Condition[]): FilterDraft => ({ ...NO_FILTER, conditions })

describe('a filter of conditions', () => {
  it('is Bedrock’s: one condition stands alone, several are joined', () => {
    expect(filterOf(NO_FILTER)).toBeUndefined()
    expect(filterOf(draft(condition({})))).toEqual({ equals: { key: 'department', value: 'hr' } })
    const two = draft(condition({}), condition({ key: ' year ', operator: 'greaterThanOrEquals', type: 'number', value: '2025' }))
    expect(filterOf(two)).toEqual({ andAll: [{ equals: { key: 'department', value: 'hr' } }, { greaterThanOrEquals: { key: 'year', value: 2025 } }] })
    expect(filterOf({ ...two, join: 'orAll' })).toHaveProperty('orAll')
  })

  it('keeps the types of values', () => {
    expect(filterOf(draft(condition({ type: 'boolean', value: 'false' })))).toEqual({ equals: { key: 'department', value: false } })
    expect(filterOf(draft(condition({ value: '2024' })))).toEqual({ equals: { key: 'department', value: '2024' } })
    expect(filterOf(draft(condition({ operator: 'in', value: 'hr, fleet' })))).toEqual({ in: { key: 'department', value: ['hr', 'fleet'] } })
    expect(filterOf(draft(condition({ operator: 'notIn', type: 'number', value: '1,2' })))).toEqual({ notIn: { key: 'department', value: [1, 2] } })
  })

  it('leaves out what was not filled in', () => {
    const blank = draft(NEW_CONDITION, condition({}), NEW_CONDITION)
    expect(isGood(blank)).toBe(true)
    expect(filterOf(blank)).toEqual({ equals: { key: 'department', value: 'hr' } })
  })

  it('is refused by field', () => {
    expect(faultsOf(condition({}))).toEqual({})
    expect(faultsOf(condition({ key: ' ' }))).toHaveProperty('key')
    expect(faultsOf(condition({ key: 'x'.repeat(101) }))).toHaveProperty('key')
    expect(faultsOf(condition({ value: '' }))).toHaveProperty('value')
    expect(faultsOf(condition({ type: 'number', value: 'two' }))).toHaveProperty('value')
    expect(faultsOf(condition({ type: 'boolean', value: 'yes' }))).toHaveProperty('value')
    expect(faultsOf(condition({ operator: 'in', value: 'a,,b' }))).toHaveProperty('value')
    expect(isGood(draft(condition({ value: '' })))).toBe(false)
  })

  it('has a type that goes with its operator', () => {
    expect(withOperator(condition({ type: 'boolean' }), 'greaterThan').type).toBe('number')
    expect(withOperator(condition({ type: 'number' }), 'startsWith').type).toBe('text')
    expect(withOperator(condition({ type: 'number' }), 'notEquals').type).toBe('number')
    expect(typesFor('listContains')).toEqual(['text'])
  })
})

describe('a filter as JSON', () => {
  it('is taken as it is', () => {
    const json = '{"startsWith": {"key": "department", "value": "h"}}'
    expect(faultOfJson(json)).toBeUndefined()
    expect(filterOf({ ...NO_FILTER, asJson: true, json })).toEqual(JSON.parse(json))
    expect(filterOf({ ...NO_FILTER, asJson: true, json: ' ' })).toBeUndefined()
  })

  it('is an object with one member', () => {
    for (const json of ['{', '[]', '3', 'null', '{}', '{"equals": {}, "in": {}}']) {
      expect(faultOfJson(json), json).toBeTypeOf('string')
      expect(isGood({ ...NO_FILTER, asJson: true, json }), json).toBe(false)
    }
  })
})

it('suggests the names that passages have, Bedrock’s own last', () => {
  const keys = keysOf([{ year: 2026, department: 'hr' }, { year: 2025, 'x-amz-bedrock-kb-source-uri': 's3://a/b' }])
  expect(keys.slice(0, 2)).toEqual(['department', 'year'])
  expect(keys.filter((key) => key === 'x-amz-bedrock-kb-source-uri')).toHaveLength(1)
})

it('shows lists by their members', () => {
  expect(valueText(['a', 'b'])).toBe('a, b')
  expect(valueText(false)).toBe('false')
})
