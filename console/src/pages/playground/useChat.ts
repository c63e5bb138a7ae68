import { useCallback, useEffect, useRef, useState } from 'react'
import { converseStream } from '../../api/converse.ts'
import { ApiError, isAbort } from '../../api/http.ts'
import { advance, messagesOf, type Turn } from './conversation.ts'
import { requestOf, type Settings } from './settings.ts'

export interface Chat {
  turns: Turn[]
  busy: boolean
  send: (modelId: string, prompt: string, settings: Settings) => void
  /** Breaks the answer off; the server stops the model. */
  stop: () => void
  clear: () => void
}

/** One conversation with one pane's model. */
export function useChat(): Chat {
  const [turns, setTurns] = useState<Turn[]>([])
  const running = useRef<AbortController>(undefined)
  const count = useRef(0)

  const stop = useCallback(() => running.current?.abort(), [])
  useEffect(() => stop, [stop])

  const change = (id: number, next: (turn: Turn) => Turn) =>
    setTurns((all) => all.map((turn) => (turn.id === id ? next(turn) : turn)))

  const send = (modelId: string, prompt: string, settings: Settings) => {
    running.current?.abort()
    const abort = new AbortController()
    running.current = abort
    const id = ++count.current
    const request = requestOf(settings, messagesOf(turns, prompt))
    setTurns((all) => [...all, { id, prompt, modelId, answer: '', state: 'waiting', figures: {} }])

    const follow = async () => {
      const sentAt = performance.now()
      try {
        for await (const event of converseStream(modelId, request, abort.signal)) {
          const atMs = performance.now() - sentAt
          change(id, (turn) => advance(turn, event, atMs))
        }
        change(id, (turn) => ({ ...turn, state: 'done' }))
      } catch (reason) {
        if (isAbort(reason) || abort.signal.aborted) change(id, (turn) => ({ ...turn, state: 'stopped' }))
        else change(id, (turn) => ({ ...turn, state: 'failed', error: ApiError.from(reason) }))
      }
    }
    void follow()
  }

  const clear = () => {
    stop()
    setTurns([])
  }

  const busy = turns.some((turn) => turn.state === 'waiting' || turn.state === 'streaming')
  return { turns, busy, send, stop, clear }
}
