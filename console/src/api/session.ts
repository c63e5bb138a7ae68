import { ApiError, send, sendJson, setCsrfToken } from './http.ts'

/** Who is signed in to the console. */
export interface Session {
  account: string
  arn: string
  csrfToken: string
  /** ISO 8601 */
  expiresAt: string
}

const PATH = '/craton/v1/console/session'

/** Proves the key once; the browser keeps only the session cookie that scripts cannot read. */
export async function signIn(accessKeyId: string, secretAccessKey: string): Promise<Session> {
  const json = { accessKeyId, secretAccessKey }
  return remember(await sendJson<Session>(PATH, { method: 'POST', json, signingIn: true }))
}

/** The session of an earlier sign-in, or `undefined`. */
export async function currentSession(): Promise<Session | undefined> {
  try {
    return remember(await sendJson<Session>(PATH, { signingIn: true }))
  } catch (reason) {
    if (reason instanceof ApiError && (reason.status === 401 || reason.status === 403)) return undefined
    throw reason
  }
}

export async function signOut(): Promise<void> {
  try {
    await send(PATH, { method: 'DELETE', signingIn: true })
  } finally {
    setCsrfToken(undefined)
  }
}

function remember(session: Session): Session {
  setCsrfToken(session.csrfToken)
  return session
}
