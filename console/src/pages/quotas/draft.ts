import type { Limits, Quota } from '../../api/quotas.ts'
import { integer } from '../../ui/format.ts'

/** A quota as it is being typed; an empty limit is none. */
export interface Draft {
  accountId: string
  /** Empty: each model without a quota of its own. */
  modelId: string
  requests: string
  tokens: string
  running: string
}

export const EMPTY: Draft = { accountId: '', modelId: '', requests: '', tokens: '', running: '' }

export function draftOf(quota: Quota): Draft {
  const text = (limit: number | null) => (limit === null ? '' : String(limit))
  return {
    accountId: quota.accountId,
    modelId: quota.modelId ?? '',
    requests: text(quota.requestsPerMinute),
    tokens: text(quota.tokensPerMinute),
    running: text(quota.running),
  }
}

export function limitsOf(draft: Draft): Limits {
  const limit = (text: string) => (text.trim() === '' ? null : Number(text))
  return { requestsPerMinute: limit(draft.requests), tokensPerMinute: limit(draft.tokens), running: limit(draft.running) }
}

/** What keeps the draft from being saved, by field. */
export function problems(draft: Draft): Partial<Record<keyof Draft, string>> {
  const found: Partial<Record<keyof Draft, string>> = {}
  if (!/^\d{12}$/.test(draft.accountId.trim())) found.accountId = 'An account id has twelve digits'
  for (const field of ['requests', 'tokens', 'running'] as const) {
    if (!isLimit(draft[field])) found[field] = 'A whole number, at least 1, or empty for no limit'
  }
  return found
}

function isLimit(text: string): boolean {
  return text.trim() === '' || (/^[1-9]\d{0,9}$/.test(text.trim()) && Number(text) <= 4_294_967_295)
}

/** `60 requests a minute, 4 at the same time` */
export function limitsText({ requestsPerMinute, tokensPerMinute, running }: Limits): string {
  const parts = [
    requestsPerMinute === null ? '' : `${integer(requestsPerMinute)} requests a minute`,
    tokensPerMinute === null ? '' : `${integer(tokensPerMinute)} tokens a minute`,
    running === null ? '' : `${integer(running)} requests at the same time`,
  ].filter((part) => part !== '')
  return parts.length === 0 ? 'no limit' : parts.join(', ')
}

/** How much of a limit is used, from 0 to 100; undefined without a limit. */
export function share(left: number | null, limit: number | null): number | undefined {
  if (left === null || limit === null) return undefined
  return Math.min(100, Math.max(0, Math.round((100 * (limit - left)) / limit)))
}
