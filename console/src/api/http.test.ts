import { afterEach, describe, expect, test, vi } from 'vitest'
import { ApiError, errorOf, onSessionEnded, send, setCsrfToken } from './http.ts'

afterEach(() => {
  vi.unstubAllGlobals()
  setCsrfToken(undefined)
  onSessionEnded(() => undefined)
})

function answerWith(response: Response) {
  const fetch = vi.fn<typeof globalThis.fetch>(async () => response)
  vi.stubGlobal('fetch', fetch)
  return fetch
}

describe('errorOf', () => {
  test("reads Craton's own shape", async () => {
    const error = { code: 'NotFound', message: 'no `m`', hint: 'pull it', requestId: 'r-1' }
    const read = await errorOf(Response.json({ error }, { status: 404 }))
    expect(read).toMatchObject({ status: 404, ...error })
  })

  test('reads AWS JSON with the type in the header or in the body', async () => {
    const headers = { 'x-amzn-errortype': 'ValidationException:http://internal.amazon.com/', 'x-amzn-requestid': 'r-2' }
    const byHeader = await errorOf(Response.json({ message: 'bad' }, { status: 400, headers }))
    expect(byHeader).toMatchObject({ code: 'ValidationException', message: 'bad', requestId: 'r-2' })
    const byBody = await errorOf(Response.json({ __type: 'com.amazonaws#ThrottlingException', Message: 'slow' }, { status: 429 }))
    expect(byBody).toMatchObject({ code: 'ThrottlingException', message: 'slow' })
  })

  test('reads in how many seconds to come again, in every shape', async () => {
    const headers = { 'retry-after': '12' }
    const bodies = ['{"error":{"code":"Throttled","message":"slow"}}', '{"message":"slow"}', '<Error><Code>C</Code></Error>']
    for (const body of bodies) {
      expect(await errorOf(new Response(body, { status: 429, headers }))).toMatchObject({ retryAfter: 12 })
    }
    const date = { 'retry-after': 'Wed, 21 Oct 2026 07:28:00 GMT' }
    expect((await errorOf(new Response('{"message":"slow"}', { status: 429, headers: date }))).retryAfter).toBeUndefined()
  })

  test('reads AWS Query XML with its escapes', async () => {
    const xml =
      '<ErrorResponse><Error><Code>LimitExceeded</Code><Message>a &lt;b&gt; &amp;amp; c</Message></Error><RequestId>r-3</RequestId></ErrorResponse>'
    const read = await errorOf(new Response(xml, { status: 409 }))
    expect(read).toMatchObject({ code: 'LimitExceeded', message: 'a <b> &amp; c', requestId: 'r-3' })
  })

  test('reads the hint beside an AWS error', async () => {
    const headers = { 'x-craton-hint': 'Choose a text model.' }
    for (const body of ['{"message":"no"}', '<Error><Code>C</Code><Message>no</Message></Error>']) {
      expect(await errorOf(new Response(body, { status: 400, headers }))).toMatchObject({ message: 'no', hint: 'Choose a text model.' })
    }
  })

  test('says a hint once that the message says too', async () => {
    const headers = { 'x-craton-hint': 'Run "x".' }
    const read = await errorOf(Response.json({ message: 'No m. Run "x".' }, { status: 404, headers }))
    expect(read.hint).toBeUndefined()
  })

  test('makes something of an answer that is no error document', async () => {
    const read = await errorOf(new Response('<html>', { status: 502, statusText: 'Bad Gateway' }))
    expect(read).toMatchObject({ status: 502, code: 'HTTP 502', message: 'Bad Gateway' })
  })
})

describe('send', () => {
  test('sends the CSRF token with every method but GET', async () => {
    setCsrfToken('token')
    const fetch = answerWith(Response.json({}))
    await send('/a')
    await send('/a', { method: 'POST', json: { x: 1 }, service: 'iam' })
    const headers = fetch.mock.calls.map(([, init]) => init?.headers as Record<string, string>)
    expect(headers[0]).not.toHaveProperty('x-craton-csrf')
    expect(headers[1]).toMatchObject({
      'x-craton-csrf': 'token',
      'x-craton-service': 'iam',
      'content-type': 'application/json',
    })
  })

  test('encodes a form', async () => {
    const fetch = answerWith(new Response('<a/>'))
    await send('/', { method: 'POST', form: { Action: 'ListUsers', PathPrefix: '/a b&c' } })
    expect(fetch.mock.calls[0]?.[1]?.body).toBe('Action=ListUsers&PathPrefix=%2Fa+b%26c')
  })

  test('ends the session on a 401, but not while signing in', async () => {
    const ended = vi.fn()
    onSessionEnded(ended)
    const refusal = () => Response.json({ error: { code: 'Unauthenticated', message: 'no' } }, { status: 401 })
    answerWith(refusal())
    await expect(send('/a', { signingIn: true })).rejects.toThrow(ApiError)
    expect(ended).not.toHaveBeenCalled()
    answerWith(refusal())
    await expect(send('/a')).rejects.toThrow(ApiError)
    expect(ended).toHaveBeenCalledOnce()
  })

  test('ends the session when an AWS service does not know it', async () => {
    const ended = vi.fn()
    onSessionEnded(ended)
    const headers = { 'x-amzn-errortype': 'UnrecognizedClientException' }
    answerWith(Response.json({ message: 'over' }, { status: 403, headers }))
    await expect(send('/model/m/converse', { method: 'POST', service: 'bedrock-runtime' })).rejects.toThrow(ApiError)
    expect(ended).toHaveBeenCalledOnce()
    answerWith(Response.json({ message: 'no' }, { status: 403, headers: { 'x-amzn-errortype': 'AccessDeniedException' } }))
    await expect(send('/model/m/converse', { method: 'POST', service: 'bedrock-runtime' })).rejects.toThrow(ApiError)
    expect(ended).toHaveBeenCalledOnce()
  })

  test('says what to do when no answer comes', async () => {
    vi.stubGlobal('fetch', async () => {
      throw new TypeError('Failed to fetch')
    })
    await expect(send('/a')).rejects.toMatchObject({ code: 'NoAnswer', hint: expect.stringContaining('craton up') })
  })
})
