import { ApiError, send, sendJson, setCsrfToken } from './http.ts'

/** Who is signed in to the console. */
export interface Session {
  account: string
  arn: string
  csrfToken: string
  /** ISO 8601 */
  expiresAt: string
  /** Whether the caller may change what all accounts of the deployment share, such as its models. */
  managesDeployment: boolean
}

const PATH = '/craton/v1/console/session'

/** Proves the key once; the browser keeps only the session cookie that scripts cannot read. */
export async function signIn(accessKeyId: string, secretAccessKey: string): Promise<Session> {
  const json = { accessKeyId, secretAccessKey }
  return remember(await sendJson<Session>(PATH, { method: 'POST', json, signingIn: true }))
}

/** The session of an earlier sign-in, or `undefined`. Asks only in a browser that has signed in. */
export async function currentSession(): Promise<Session | undefined> {
  if (window.localStorage.getItem(MARK) === null) return undefined
  try {
    return remember(await sendJson<Session>(PATH, { signingIn: true }))
  } catch (reason) {
    if (reason instanceof ApiError && (reason.status === 401 || reason.status === 403)) {
      keepSignedIn(false)
      return undefined
    }
    throw reason
  }
}

export async function signOut(): Promise<void> {
  try {
    await send(PATH, { method: 'DELETE', signingIn: true })
  } finally {
    setCsrfToken(undefined)
    keepSignedIn(false)
  }
}

function remember(session: Session): Session {
  setCsrfToken(session.csrfToken)
  keepSignedIn(true)
  return session
}

/** Scripts cannot see the session cookie: this says that there may be one, and nothing else. */
const MARK = 'craton.signed-in'

function keepSignedIn(signedIn: boolean): void {
  if (signedIn) window.localStorage.setItem(MARK, 'yes')
  else window.localStorage.removeItem(MARK)
}
