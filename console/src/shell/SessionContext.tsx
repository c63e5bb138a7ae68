import { createContext, useContext } from 'react'
import type { Session } from '../api/session.ts'

export const SessionContext = createContext<Session | undefined>(undefined)

/** Who is signed in. Only for what is shown after the sign-in. */
export function useSession(): Session {
  const session = useContext(SessionContext)
  if (!session) throw new Error('Nobody is signed in.')
  return session
}
