import { useCallback, useState } from 'react'
import { ApiError } from '../api/http.ts'

export interface Action<A extends unknown[]> {
  /** Runs once at a time; answers whether it succeeded. */
  run: (...args: A) => Promise<boolean>
  busy: boolean
  error: ApiError | undefined
  clearError: () => void
}

/** A call that the user starts with a button: says when it runs and how it failed. */
export function useAction<A extends unknown[]>(act: (...args: A) => Promise<void>): Action<A> {
  const [busy, setBusy] = useState(false)
  const [error, setError] = useState<ApiError>()
  const run = async (...args: A) => {
    if (busy) return false
    setBusy(true)
    setError(undefined)
    try {
      await act(...args)
      return true
    } catch (reason) {
      setError(ApiError.from(reason))
      return false
    } finally {
      setBusy(false)
    }
  }
  const clearError = useCallback(() => setError(undefined), [])
  return { run, busy, error, clearError }
}
