import type { NewMember, Pool, PoolMember } from '../../api/pools.ts'

/** A member as its form has it: texts as they were typed. */
export interface Draft {
  baseUrl: string
  model: string
  region: string
  weight: string
  maxInFlight: string
  apiKey: string
  hasApiKey: boolean
  removesKey: boolean
}

export const EMPTY: Draft = {
  baseUrl: '',
  model: '',
  region: '',
  weight: '1',
  maxInFlight: '64',
  apiKey: '',
  hasApiKey: false,
  removesKey: false,
}

export function draftOf(member: PoolMember): Draft {
  const { baseUrl, model, hasApiKey } = member
  const numbers = { weight: String(member.weight), maxInFlight: String(member.maxInFlight) }
  return { ...EMPTY, baseUrl, model, hasApiKey, region: member.region ?? '', ...numbers }
}

/** What is wrong with a draft; empty where nothing is. */
export function problem(draft: Draft): string {
  if (!/^https?:\/\/\S+$/.test(draft.baseUrl.trim())) return 'The URL starts with http:// or https://.'
  if (draft.model.trim() === '') return 'Name the model as the server does.'
  if (!within(draft.weight, 1, 1000)) return 'The weight is a whole number from 1 to 1,000.'
  if (!within(draft.maxInFlight, 1, 10_000)) return 'The limit of requests is a whole number from 1 to 10,000.'
  if (/\s/.test(draft.region.trim())) return 'A region has no spaces.'
  return ''
}

/** Whether a text is a whole number of that range. */
export function within(text: string, least: number, most: number): boolean {
  return /^\d{1,6}$/.test(text.trim()) && Number(text) >= least && Number(text) <= most
}

export function memberOf(draft: Draft): NewMember {
  const key = draft.apiKey !== '' ? { apiKey: draft.apiKey } : draft.removesKey ? { apiKey: '' } : {}
  const region = draft.region.trim() === '' ? {} : { region: draft.region.trim() }
  return {
    baseUrl: draft.baseUrl.trim(),
    model: draft.model.trim(),
    weight: Number(draft.weight),
    maxInFlight: Number(draft.maxInFlight),
    ...region,
    ...key,
  }
}

export type Health = { type: 'success' | 'error' | 'warning' | 'pending'; text: string }

/** How a member is, in a word. */
export function health(member: PoolMember): Health {
  if (member.circuit === 'open') return { type: 'error', text: 'Left alone' }
  if (member.circuit === 'half-open') return { type: 'warning', text: 'Being tried' }
  if (member.healthy === null) return { type: 'pending', text: 'Not checked yet' }
  return member.healthy ? { type: 'success', text: 'Up' } : { type: 'error', text: 'Down' }
}

/** How a pool is, by its members. */
export function poolHealth(pool: Pool): Health {
  const all = pool.members.map((member) => health(member).type)
  const down = all.filter((type) => type === 'error').length
  if (down === all.length) return { type: 'error', text: 'No member is up' }
  if (down > 0) return { type: 'warning', text: `${down} of ${all.length} down` }
  return all.every((type) => type === 'pending') ? { type: 'pending', text: 'Not checked yet' } : { type: 'success', text: 'Up' }
}
