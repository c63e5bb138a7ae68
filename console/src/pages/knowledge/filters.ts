/** Filters on metadata: what is typed, and Bedrock's form of it. */
import type { FilterAttribute, MetadataValue, RetrievalFilter } from '../../api/retrieval.ts'

export const OPERATORS = {
  equals: 'is',
  notEquals: 'is not',
  in: 'is one of',
  notIn: 'is none of',
  greaterThan: 'is greater than',
  greaterThanOrEquals: 'is at least',
  lessThan: 'is less than',
  lessThanOrEquals: 'is at most',
  startsWith: 'starts with',
  stringContains: 'contains the text',
  listContains: 'is a list with',
} as const
export type Operator = keyof typeof OPERATORS

/** What a value is: `2024` may be a number or a text. */
export const TYPES = { text: 'text', number: 'number', boolean: 'true or false' } as const
export type ValueType = keyof typeof TYPES

export interface Condition {
  key: string
  operator: Operator
  type: ValueType
  /** Several values are separated by commas. */
  value: string
}

export interface FilterDraft {
  /** Whether the filter is written as JSON instead. */
  asJson: boolean
  join: 'andAll' | 'orAll'
  conditions: Condition[]
  json: string
}

export const NO_FILTER: FilterDraft = { asJson: false, join: 'andAll', conditions: [], json: '' }
export const NEW_CONDITION: Condition = { key: '', operator: 'equals', type: 'text', value: '' }

/** What Bedrock keeps beside every passage. */
export const BUILT_IN_KEYS = ['x-amz-bedrock-kb-source-uri', 'x-amz-bedrock-kb-data-source-id', 'x-amz-bedrock-kb-document-page-number']

const SEVERAL: Operator[] = ['in', 'notIn']
const ORDERED: Operator[] = ['greaterThan', 'greaterThanOrEquals', 'lessThan', 'lessThanOrEquals']
const TEXTUAL: Operator[] = ['startsWith', 'stringContains', 'listContains']

/** The types that a value may have with an operator. */
export function typesFor(operator: Operator): ValueType[] {
  if (TEXTUAL.includes(operator)) return ['text']
  if (ORDERED.includes(operator)) return ['number']
  return ['text', 'number', 'boolean']
}

/** The condition with another operator, of a type that goes with it. */
export function withOperator(condition: Condition, operator: Operator): Condition {
  const types = typesFor(operator)
  return { ...condition, operator, type: types.includes(condition.type) ? condition.type : (types[0] ?? 'text') }
}

/** What is wrong with a condition, by field. */
export function faultsOf({ key, operator, type, value }: Condition): { key?: string; value?: string } {
  const found: { key?: string; value?: string } = {}
  if (key.trim() === '') found.key = 'The name of an attribute'
  if (key.trim().length > 100) found.key = 'At most 100 characters'
  const parts = partsOf(operator, value)
  if (parts.length === 0 || parts.some((part) => part === '')) found.value = SEVERAL.includes(operator) ? 'Values, separated by commas' : 'A value'
  else if (type === 'number' && !parts.every(isNumber)) found.value = 'A number'
  else if (type === 'boolean' && !parts.every((part) => part === 'true' || part === 'false')) found.value = 'true or false'
  return found
}

/** What is wrong with the JSON; `undefined` where nothing is. */
export function faultOfJson(json: string): string | undefined {
  if (json.trim() === '') return undefined
  try {
    const filter: unknown = JSON.parse(json)
    if (typeof filter !== 'object' || filter === null || Array.isArray(filter)) return 'An object: {"equals": {"key": …, "value": …}}'
    const members = Object.keys(filter)
    return members.length === 1 ? undefined : 'Exactly one member: an operator, andAll or orAll'
  } catch (reason) {
    return `This is not JSON: ${reason instanceof Error ? reason.message : String(reason)}`
  }
}

export function isGood(draft: FilterDraft): boolean {
  if (draft.asJson) return faultOfJson(draft.json) === undefined
  return conditionsOf(draft).every((condition) => Object.keys(faultsOf(condition)).length === 0)
}

/** A condition in which nothing was typed yet says nothing. */
export function isBlank({ key, value }: Condition): boolean {
  return key.trim() === '' && value.trim() === ''
}

function conditionsOf({ conditions }: FilterDraft): Condition[] {
  return conditions.filter((condition) => !isBlank(condition))
}

/** Bedrock's filter; nothing where nothing is filtered. Only for a draft that is good. */
export function filterOf(draft: FilterDraft): RetrievalFilter | undefined {
  if (draft.asJson) return draft.json.trim() === '' ? undefined : (JSON.parse(draft.json) as RetrievalFilter)
  const [first, ...others] = conditionsOf(draft).map(conditionOf)
  if (first === undefined) return undefined
  return others.length === 0 ? first : { [draft.join]: [first, ...others] }
}

function conditionOf({ key, operator, type, value }: Condition): RetrievalFilter {
  const values = partsOf(operator, value).map((part) => typed(part, type))
  const attribute: FilterAttribute = {
    key: key.trim(),
    value: SEVERAL.includes(operator) ? (values as string[] | number[]) : (values[0] as MetadataValue),
  }
  return { [operator]: attribute }
}

function partsOf(operator: Operator, value: string): string[] {
  return SEVERAL.includes(operator) ? value.split(',').map((part) => part.trim()) : [value.trim()]
}

function isNumber(text: string): boolean {
  return text !== '' && Number.isFinite(Number(text))
}

function typed(text: string, type: ValueType): string | number | boolean {
  if (type === 'number') return Number(text)
  return type === 'boolean' ? text === 'true' : text
}

/** The names of the attributes that passages have, for suggestions. */
export function keysOf(metadata: Record<string, MetadataValue>[]): string[] {
  return [...new Set([...metadata.flatMap((one) => Object.keys(one)), ...BUILT_IN_KEYS])].sort((a, b) => Number(a.startsWith('x-')) - Number(b.startsWith('x-')) || a.localeCompare(b))
}

/** A value as it is shown: a list by its members. */
export function valueText(value: MetadataValue): string {
  return Array.isArray(value) ? value.join(', ') : String(value)
}
