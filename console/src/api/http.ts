/** The one way from a page to the server: same origin, session cookie, CSRF token, errors with a request id. */

/** What a failed call tells the user. */
export class ApiError extends Error {
  constructor(
    /** HTTP status, or 0 when no answer came. */
    readonly status: number,
    /** The server's error code, for example `NotFound` or `ThrottlingException`. */
    readonly code: string,
    message: string,
    /** What to do about it, when the server or the console knows. */
    readonly hint?: string,
    readonly requestId?: string,
    /** In how many seconds the same request may succeed. */
    readonly retryAfter?: number,
  ) {
    super(message)
    this.name = 'ApiError'
  }

  /** Makes an `ApiError` of anything thrown. */
  static from(reason: unknown): ApiError {
    if (reason instanceof ApiError) return reason
    const message = reason instanceof Error ? reason.message : String(reason)
    return new ApiError(0, 'ConsoleError', message)
  }
}

export interface Call {
  method?: 'GET' | 'POST' | 'PUT' | 'DELETE' | 'HEAD'
  /** Sent as JSON. */
  json?: unknown
  /** Sent form-encoded, as the AWS Query protocol wants it. */
  form?: Record<string, string>
  /** Sent as it is. */
  body?: string | Blob
  /** Headers beside those that every call has. */
  headers?: Record<string, string>
  /** The AWS service that answers; absent for Craton's own API. */
  service?: string
  signal?: AbortSignal | undefined
  /** A 401 is this call's own answer and not the end of the session. */
  signingIn?: boolean
}

let csrfToken: string | undefined
let sessionEnded: () => void = () => undefined

/** Remembers the token that every call but a GET must carry. It lives in memory only. */
export function setCsrfToken(token: string | undefined): void {
  csrfToken = token
}

/** Names what happens when the server no longer knows the session. */
export function onSessionEnded(handler: () => void): void {
  sessionEnded = handler
}

/** Calls the server and answers the response if it is a success; throws `ApiError` otherwise. */
export async function send(path: string, call: Call = {}): Promise<Response> {
  const method = call.method ?? 'GET'
  const headers: Record<string, string> = { accept: 'application/json' }
  let body: string | Blob | undefined = call.body
  if (call.json !== undefined) {
    headers['content-type'] = 'application/json'
    body = JSON.stringify(call.json)
  } else if (call.form) {
    headers['content-type'] = 'application/x-www-form-urlencoded; charset=utf-8'
    body = new URLSearchParams(call.form).toString()
  }
  Object.assign(headers, call.headers, marks(method, call.service))

  let response: Response
  try {
    response = await fetch(path, {
      method,
      headers,
      credentials: 'same-origin',
      cache: 'no-store',
      redirect: 'error',
      ...(body === undefined ? {} : { body }),
      ...(call.signal ? { signal: call.signal } : {}),
    })
  } catch (reason) {
    if (isAbort(reason)) throw reason
    throw new ApiError(
      0,
      'NoAnswer',
      'The server did not answer.',
      'See whether `craton up` is still running, and read its log.',
    )
  }
  if (response.ok) return response
  const error = await errorOf(response)
  if ((error.status === 401 || UNKNOWN_SESSION.has(error.code)) && !call.signingIn) sessionEnded()
  throw error
}

/** What tells the server which service is meant and that it is this page which asks. */
export function marks(method: string, service?: string): Record<string, string> {
  return {
    ...(service ? { 'x-craton-service': service } : {}),
    ...(method !== 'GET' && method !== 'HEAD' && csrfToken ? { 'x-craton-csrf': csrfToken } : {}),
  }
}

/** What AWS services call a session that is over, with a 403. */
const UNKNOWN_SESSION = new Set(['UnrecognizedClientException', 'InvalidClientTokenId'])

/** Calls the server and reads its JSON answer. */
export async function sendJson<T>(path: string, call: Call = {}): Promise<T> {
  const response = await send(path, call)
  return (await response.json()) as T
}

/** Tells whether a call ended because the page no longer wanted it. */
export function isAbort(reason: unknown): boolean {
  return reason instanceof DOMException && reason.name === 'AbortError'
}

/** Reads the error out of an answer: Craton's own shape, AWS JSON or AWS Query XML. */
export async function errorOf(response: Response): Promise<ApiError> {
  const text = await response.text().catch(() => '')
  const headerId = response.headers.get('x-amzn-requestid') ?? response.headers.get('x-craton-request-id') ?? undefined
  const retryAfter = secondsOf(response.headers.get('retry-after'))
  const body = parseObject(text)
  const own = parseObject(body?.['error'])
  if (own) {
    return new ApiError(
      response.status,
      textOf(own['code']) ?? `HTTP ${response.status}`,
      textOf(own['message']) ?? 'The server gave no reason.',
      textOf(own['hint']),
      textOf(own['requestId']) ?? headerId,
      retryAfter,
    )
  }
  if (body) {
    const message = textOf(body['message']) ?? textOf(body['Message']) ?? 'The server gave no reason.'
    const type = response.headers.get('x-amzn-errortype') ?? textOf(body['__type']) ?? textOf(body['code'])
    return new ApiError(
      response.status,
      shortType(type) ?? `HTTP ${response.status}`,
      message,
      hintBeside(message, response.headers),
      headerId,
      retryAfter,
    )
  }
  const code = xmlText(text, 'Code')
  const message = xmlText(text, 'Message') ?? (response.statusText || 'The server gave no reason.')
  return new ApiError(
    response.status,
    code ?? `HTTP ${response.status}`,
    message,
    hintBeside(message, response.headers),
    xmlText(text, 'RequestId') ?? headerId,
    retryAfter,
  )
}

/** The header's seconds; servers in between may send a date, which nothing is made of. */
function secondsOf(header: string | null): number | undefined {
  return header !== null && /^\d+$/.test(header.trim()) ? Number(header) : undefined
}

/** AWS clients show only the message, so the server may have said the hint there already. */
function hintBeside(message: string, headers: Headers): string | undefined {
  const hint = headers.get('x-craton-hint')
  return hint === null || message.includes(hint) ? undefined : hint
}

function parseObject(value: unknown): Record<string, unknown> | undefined {
  if (typeof value === 'string') {
    try {
      return parseObject(JSON.parse(value))
    } catch {
      return undefined
    }
  }
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}

/** `com.amazonaws#ValidationException:http://…` → `ValidationException` */
function shortType(type: string | undefined): string | undefined {
  return type?.split(':')[0]?.split('#').pop()
}

/** The text of the first element of that name; AWS errors have no attributes or nested markup there. */
function xmlText(xml: string, element: string): string | undefined {
  const found = new RegExp(`<${element}>([^<]*)</${element}>`).exec(xml)?.[1]
  return found
    ?.replace(/&lt;/g, '<')
    .replace(/&gt;/g, '>')
    .replace(/&quot;/g, '"')
    .replace(/&apos;/g, "'")
    .replace(/&amp;/g, '&')
}
