import { useCallback, useEffect, useRef, useState } from 'react'
import { ApiError, isAbort } from '../api/http.ts'

export interface Loaded<T> {
  /** The latest answer; kept while a newer one is on its way or has failed. */
  value: T | undefined
  error: ApiError | undefined
  /** True until the first answer or error. */
  loading: boolean
  reload: () => void
}

/**
 * Calls `load` now, when it changes, on `reload`, and, with `everyMs`, again that long after each answer while the
 * page is visible. `load` must keep its identity between renders (a module function or `useCallback`).
 */
export function useLoad<T>(load: (signal: AbortSignal) => Promise<T>, everyMs?: number): Loaded<T> {
  const [state, setState] = useState<Omit<Loaded<T>, 'reload'>>({ value: undefined, error: undefined, loading: true })
  const [round, setRound] = useState(0)
  const latest = useRef(load)

  useEffect(() => {
    if (latest.current !== load) {
      latest.current = load
      setState({ value: undefined, error: undefined, loading: true })
    }
    const stop = new AbortController()
    let timer: number | undefined
    const run = async () => {
      try {
        const value = await load(stop.signal)
        if (!stop.signal.aborted) setState({ value, error: undefined, loading: false })
      } catch (reason) {
        if (stop.signal.aborted || isAbort(reason)) return
        setState((before) => ({ ...before, error: ApiError.from(reason), loading: false }))
      }
      if (everyMs !== undefined && !stop.signal.aborted) timer = window.setTimeout(tick, everyMs)
    }
    const tick = () => {
      if (document.visibilityState === 'visible') void run()
      else document.addEventListener('visibilitychange', () => void run(), { once: true, signal: stop.signal })
    }
    void run()
    return () => {
      stop.abort()
      window.clearTimeout(timer)
    }
  }, [load, everyMs, round])

  const reload = useCallback(() => setRound((number) => number + 1), [])
  return { ...state, reload }
}
