import { useCallback, useState } from 'react'
import type { Page } from '../api/imports.ts'
import { useLoad, type Loaded } from './useLoad.ts'

export interface Pages<T> extends Loaded<Page<T>> {
  /** Both count from 1; the last page that is known of grows as one goes on. */
  current: number
  count: number
  go: (page: number) => void
}

/** A list without anything in it. */
export const NONE: Promise<Page<never>> = Promise.resolve({ items: [], next: undefined })

type Load<T> = (token: string | undefined, signal: AbortSignal) => Promise<Page<T>>

/**
 * A list that the server gives page by page, each with a token for the next. `load` must keep its identity between
 * renders; another one begins at the first page.
 */
export function usePages<T>(load: Load<T>, everyMs?: number): Pages<T> {
  const first = { load, tokens: [undefined] as (string | undefined)[], index: 0 }
  const [kept, setKept] = useState(first)
  const { tokens, index } = kept.load === load ? kept : first
  const token = tokens[index]
  const page = useLoad(useCallback((signal: AbortSignal) => load(token, signal), [load, token]), everyMs)
  const next = page.value?.next
  const known = next !== undefined && index === tokens.length - 1 ? [...tokens, next] : tokens
  const go = (to: number) => setKept({ load, tokens: known, index: to - 1 })
  return { ...page, current: index + 1, count: known.length, go }
}
