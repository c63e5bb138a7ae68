/**
 * A stand-in for Craton's HTTP interface as far as the console uses it, for the console's own tests. It answers with
 * made-up text; the same specs run against a real server when `CRATON_E2E_URL` names one.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { readFile } from 'node:fs/promises'
import { extname, join, normalize } from 'node:path'
import { CONTENT_SECURITY_POLICY } from '../csp.ts'
import { api, HttpError } from './api.ts'
import { batches } from './batches.ts'
import { converseStream } from './converse.ts'
import { marketplace, sagemaker } from './endpoints.ts'
import { embeddings, type EmbeddingRequest } from './scores.ts'
import { evaluations, ownEvaluations } from './evaluations.ts'
import { iam } from './iam.ts'
import { bedrock } from './imports.ts'
import { kms } from './kms.ts'
import { agent, agentRuntime, ownApi } from './knowledge.ts'
import { profiles } from './profiles.ts'
import { s3 } from './s3.ts'
import { ACCOUNT, ARN, CREDENTIALS, newState, type State } from './state.ts'

export interface MockServer {
  url: string
  state: State
  close: () => Promise<void>
}

export async function startMockServer(dist: string): Promise<MockServer> {
  const state = newState()
  const server = createServer((request, response) => {
    answer(state, dist, request, response).catch((reason: unknown) => fail(response, reason))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    state,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

let requestCount = 0

async function answer(state: State, dist: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://mock')
  response.setHeader('x-amzn-requestid', `00000000-0000-4000-8000-${String(++requestCount).padStart(12, '0')}`)
  if (request.method === 'GET' && url.pathname.startsWith('/console')) return serveFile(dist, url.pathname, response)

  const body = await bodyOf(request)
  if (url.pathname === '/craton/v1/console/session' && request.method === 'POST') return signIn(state, body, response)

  const token = /craton_session=([^;]+)/.exec(request.headers.cookie ?? '')?.[1]
  const csrf = token === undefined ? undefined : state.sessions.get(token)
  if (token === undefined || csrf === undefined) {
    throw new HttpError(401, 'Unauthenticated', 'The request carries no valid session', 'Sign in again.')
  }
  if (request.method !== 'GET' && request.headers['x-craton-csrf'] !== csrf) {
    throw new HttpError(403, 'Denied', 'The `x-craton-csrf` header does not match the session')
  }
  if (url.pathname === '/craton/v1/console/session') {
    if (request.method === 'DELETE') {
      state.sessions.delete(token)
      response.setHeader('set-cookie', 'craton_session=; Path=/; Max-Age=0')
      response.writeHead(204)
      response.end()
      return
    }
    return json(response, 200, session(csrf, state.managesDeployment))
  }
  switch (request.headers['x-craton-service']) {
    case 'bedrock-runtime':
      return converseStream(state, url.pathname, body, response)
    case 'bedrock':
      if (batches(state, request, url, body, response)) return
      if (profiles(state, request, url, body, response)) return
      if (evaluations(state, request, url, body, response)) return
      if (marketplace(state, request, url, body, response)) return
      return bedrock(state, request, url, body, response)
    case 'bedrock-agent':
      return agent(state, request, url, body, response)
    case 'bedrock-agent-runtime':
      return agentRuntime(state, url, body, response)
    case 's3':
      return s3(request, url, response)
    case 'sagemaker':
      return sagemaker(state, request, body, response)
    case 'iam':
      return iam(state, body, response)
    case 'kms':
      return kms(request, response)
  }
  if (url.pathname === '/v1/embeddings') return json(response, 200, embeddings(JSON.parse(body) as EmbeddingRequest))
  if (url.pathname.startsWith('/craton/v1/knowledge-bases/')) return ownApi(state, url, body, response)
  if (/^\/craton\/v1\/(evaluation-jobs|evaluation-datasets|pairwise-comparisons|judges)(\/|$)/.test(url.pathname)) return ownEvaluations(state, request, url, body, response)
  return api(state, request, url, body, response)
}

function signIn(state: State, body: string, response: ServerResponse): void {
  const given = JSON.parse(body) as { accessKeyId: string; secretAccessKey: string }
  if (given.accessKeyId !== CREDENTIALS.accessKeyId || given.secretAccessKey !== CREDENTIALS.secretAccessKey) {
    throw new HttpError(401, 'Unauthenticated', 'The access key or its secret is not valid', '`craton env` prints them.')
  }
  const token = `token-${state.sessions.size + 1}-${Math.trunc(performance.now() * 1000)}`
  const csrf = `csrf-of-${token}`
  state.sessions.set(token, csrf)
  response.setHeader('set-cookie', `craton_session=${token}; HttpOnly; SameSite=Strict; Path=/`)
  json(response, 200, session(csrf, state.managesDeployment))
}

function session(csrfToken: string, managesDeployment: boolean): object {
  return { csrfToken, account: ACCOUNT, arn: ARN, expiresAt: '2026-05-04T20:00:00Z', managesDeployment }
}

export function json(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' })
  response.end(JSON.stringify(body))
}

function fail(response: ServerResponse, reason: unknown): void {
  if (response.headersSent) {
    response.destroy()
    return
  }
  const error = reason instanceof HttpError ? reason : new HttpError(500, 'Internal', String(reason))
  const { status, code, message, hint } = error
  json(response, status, { error: { code, message, hint, requestId: response.getHeader('x-amzn-requestid') } })
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString('utf8')
}

const TYPES: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.woff2': 'font/woff2',
}

/** Unknown paths without a file ending are pages of the console: they get `index.html`. */
async function serveFile(dist: string, path: string, response: ServerResponse): Promise<void> {
  const name = normalize(path.slice('/console'.length))
  const file = extname(name) === '' ? 'index.html' : name
  const content = await readFile(join(dist, file)).catch(() => undefined)
  if (!content) throw new HttpError(404, 'NotFound', `There is no file \`${path}\``)
  response.writeHead(200, {
    'content-type': TYPES[extname(file)] ?? 'application/octet-stream',
    'content-security-policy': CONTENT_SECURITY_POLICY,
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
  })
  response.end(content)
}
