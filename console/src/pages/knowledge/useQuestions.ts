import { useCallback, useEffect, useRef, useState } from 'react'
import { ApiError } from '../../api/http.ts'
import { askExtractive, askModel, explainRetrieval, plainly, retrieveAndGenerate, type Asked } from '../../api/retrieval.ts'
import type { Mode } from './code.ts'
import { advance, answered, newTurn, type Turn } from './turn.ts'

/** How a question is answered. */
export interface Way {
  mode: Mode
  modelId: string
  /** Whether a model's answer is shown as it is written. */
  streamed: boolean
}

export interface Questions {
  turns: Turn[]
  busy: boolean
  ask: (way: Way, asked: Asked) => void
  /** Breaks the answer off. */
  stop: () => void
  /** Forgets the questions, and with them the session. */
  clear: () => void
}

/** What a knowledge base was asked, and what became of it. A model's answers share a session, so that one may ask back. */
export function useQuestions(id: string): Questions {
  const [turns, setTurns] = useState<Turn[]>([])
  const running = useRef<AbortController>(undefined)
  const session = useRef<string>(undefined)
  const count = useRef(0)

  const stop = useCallback(() => running.current?.abort(), [])
  useEffect(() => stop, [stop])

  const ask = ({ mode, modelId, streamed }: Way, asked: Asked) => {
    running.current?.abort()
    const abort = new AbortController()
    running.current = abort
    const turn = newTurn(++count.current, mode, asked)
    setTurns((all) => [...all, turn])
    const change = (next: (turn: Turn) => Turn) => setTurns((all) => all.map((one) => (one.id === turn.id ? next(one) : one)))

    const retrieve = async () => {
      try {
        const isPlain = asked.rerankingModelId === undefined && asked.neighbours === undefined && asked.nearDuplicates === undefined
        // What these change shows beside what is found without them; where that cannot be asked, passages show by themselves.
        const without = isPlain ? undefined : explainRetrieval(id, plainly(asked), abort.signal).catch(() => undefined)
        const [retrieval, plain] = await Promise.all([explainRetrieval(id, asked, abort.signal), without])
        change((before) => ({ ...before, retrieval, plain }))
      } catch (reason) {
        if (!abort.signal.aborted) change((before) => ({ ...before, retrievalError: ApiError.from(reason) }))
      }
    }
    const answer = async () => {
      if (mode === 'retrieve') return
      if (mode === 'extractive') {
        const quoted = await askExtractive(id, asked, abort.signal)
        return change((before) => answered(before, quoted))
      }
      if (!streamed) {
        const whole = await askModel(id, modelId, asked, session.current, abort.signal)
        session.current = whole.sessionId
        return change((before) => answered(before, whole))
      }
      for await (const event of retrieveAndGenerate(id, modelId, asked, session.current, abort.signal)) {
        if (event.type === 'session') session.current = event.sessionId
        change((before) => advance(before, event))
      }
    }
    const follow = async () => {
      try {
        await Promise.all([retrieve(), answer()])
        change((before) => ({ ...before, state: abort.signal.aborted ? 'stopped' : 'done' }))
      } catch (reason) {
        if (abort.signal.aborted) change((before) => ({ ...before, state: 'stopped' }))
        else change((before) => ({ ...before, state: 'failed', error: ApiError.from(reason) }))
      }
    }
    void follow()
  }

  const clear = () => {
    stop()
    session.current = undefined
    setTurns([])
  }

  const busy = turns.some(({ state }) => state === 'waiting' || state === 'streaming')
  return { turns, busy, ask, stop, clear }
}
