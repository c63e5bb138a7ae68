import { useEffect, useState } from 'react'
import { ApiError, isAbort } from '../api/http.ts'
import { checkPolicy, type Finding, type PolicyType } from '../api/policyCheck.ts'
import { jsonFault } from './policyText.ts'

/** How long after the last keystroke the server is asked. */
const PAUSE_MS = 300

export type PolicyCheck =
  /** There is no document. */
  | { state: 'empty' }
  /** The server is being asked. */
  | { state: 'checking' }
  | { state: 'checked'; findings: Finding[] }
  /** The server could not say: it did not answer, or the caller may not ask. */
  | { state: 'unknown'; error: ApiError }

/** What is wrong with a policy while it is written: JSON at once, everything else as the server says it. */
export function usePolicyCheck(type: PolicyType, text: string): PolicyCheck {
  const [told, setTold] = useState<{ type: PolicyType; text: string; check: PolicyCheck }>()
  const fault = text.trim() === '' ? undefined : jsonFault(text)
  const isJson = text.trim() !== '' && fault === undefined
  useEffect(() => {
    if (!isJson) return
    const stop = new AbortController()
    const timer = window.setTimeout(async () => {
      try {
        const findings = await checkPolicy(type, text, stop.signal)
        if (!stop.signal.aborted) setTold({ type, text, check: { state: 'checked', findings } })
      } catch (reason) {
        if (stop.signal.aborted || isAbort(reason)) return
        setTold({ type, text, check: { state: 'unknown', error: ApiError.from(reason) } })
      }
    }, PAUSE_MS)
    return () => {
      window.clearTimeout(timer)
      stop.abort()
    }
  }, [type, text, isJson])
  if (text.trim() === '') return { state: 'empty' }
  if (fault) {
    const { message, line } = fault
    return { state: 'checked', findings: [{ severity: 'error', code: null, message, hint: null, line, column: null }] }
  }
  return told?.text === text && told.type === type ? told.check : { state: 'checking' }
}
