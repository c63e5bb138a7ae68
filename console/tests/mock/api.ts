import type { NewMember } from '../../src/api/pools.ts'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Job } from '../../src/api/jobs.ts'
import type { Card } from '../../src/api/models.ts'
import type { Limits, Quota, Quotas, QuotaUse } from '../../src/api/quotas.ts'
import { batchOf } from './batches.ts'
import { figuresOf, fitOf } from './endpoints.ts'
import { check, importOf, modelOf, policies } from './imports.ts'
import { route, toldProfile, toldProfiles, unroute } from './profiles.ts'
import { score } from './scores.ts'
import { json } from './server.ts'
import { ACCOUNT, ARN, LOADING, type State } from './state.ts'
import { resetTuning, startTuning, tuningOf, tuningsOf } from './tunings.ts'

export class HttpError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly hint?: string,
  ) {
    super(message)
  }
}

/** `/craton/v1`. */
export async function api(
  state: State,
  request: IncomingMessage,
  url: URL,
  body: string,
  response: ServerResponse,
): Promise<void> {
  const [resource = '', id = '', action = '', rest = ''] = url.pathname.replace(/^\/craton\/v1\//, '').split('/').map(decodeURIComponent)
  const call = `${request.method} ${resource}${id === '' ? '' : '/:id'}${action === '' ? '' : `/${action}`}`
  const input = body === '' ? {} : (JSON.parse(body) as Record<string, unknown>)
  switch (id === 'pull' ? 'POST models/pull' : call) {
    case 'GET status':
      return json(response, 200, status(state))
    case 'GET requests':
      return json(response, 200, { items: state.requests.slice(0, Number(url.searchParams.get('limit') ?? 100)) })
    case 'GET models':
      return json(response, 200, { items: state.cards })
    case 'GET models/:id/fit':
      return json(response, 200, fitOf(state, id, url))
    case 'POST models/:id/quantize':
      return json(response, 202, { job: quantize(state, id, input) })
    case 'POST models/:id/accept-terms':
      cardOf(state, id).licence = { ...cardOf(state, id).licence, accepted: { acceptedBy: ARN, acceptedAt: '2026-05-04T10:00:00Z' } }
      return json(response, 200, {})
    case 'POST models/:id/verify-template':
      cardOf(state, id).template ??= { verdict: 'unknown', family: null, detail: null, allowedBy: null }
      return json(response, 200, cardOf(state, id).template)
    case 'GET endpoints/:id/figures':
      return json(response, 200, figuresOf(state, id))
    case 'GET models/:id':
      return json(response, 200, cardOf(state, id))
    case 'POST models/pull':
      return json(response, 202, { job: pull(state, String(input['source']), input['acceptTerms'] === true) })
    case 'DELETE models/:id':
      Object.assign(cardOf(state, id), { state: 'not-pulled', stateReason: null, loaded: false })
      return noContent(response)
    case 'POST models/:id/forget':
      for (const model of state.loaded.filter((model) => model.name === id)) Object.assign(model, { cacheBytes: 0, cacheEntries: 0 })
      return noContent(response)
    case 'POST models/:id/unload':
      cardOf(state, id).loaded = false
      state.loaded = state.loaded.filter((model) => model.name !== id)
      return noContent(response)
    case 'GET models/:id/tunings':
      return json(response, 200, rest === '' ? tuningsOf(state, id) : tuningOf(state, id, rest))
    case 'POST models/:id/tunings':
      return json(response, 202, { job: startTuning(state, id, input) })
    case 'DELETE models/:id/tuning':
      resetTuning(state, id)
      return noContent(response)
    case 'GET aliases':
      return json(response, 200, { items: [...state.aliases.values()] })
    case 'PUT aliases/:id': {
      const upstream = input['upstream'] as { baseUrl: string; model: string; apiKey?: string } | undefined
      const local = input['local'] as string | undefined
      if (local !== undefined) cardOf(state, local)
      state.aliases.set(id, {
        modelId: id,
        local: local ?? null,
        upstream: upstream ? { baseUrl: upstream.baseUrl, model: upstream.model, hasApiKey: upstream.apiKey !== undefined } : null,
        pool: (input['pool'] as string | undefined) ?? null,
        builtIn: false,
      })
      return json(response, 200, state.aliases.get(id))
    }
    case 'GET pools':
      return json(response, 200, { items: [...state.pools.values()] })
    case 'PUT pools/:id': {
      const members = (input['members'] as NewMember[]).map(({ apiKey, region, ...member }, at) => ({
        ...member,
        region: region ?? null,
        hasApiKey: apiKey !== undefined && apiKey !== '',
        healthy: at === 0,
        circuit: at === 0 ? ('closed' as const) : ('open' as const),
        inFlight: at === 0 ? 3 : 0,
        requests: 12,
        failures: at === 0 ? 0 : 3,
        firstTokenMillis: at === 0 ? 41.7 : null,
        lastError: at === 0 ? null : `The upstream \`${member.baseUrl}\` cannot be reached.`,
      }))
      state.pools.set(id, { name: id, managed: true, maxQueue: input['maxQueue'] as number, queued: 0, members })
      return json(response, 200, state.pools.get(id))
    }
    case 'DELETE pools/:id':
      state.pools.delete(id)
      return noContent(response)
    case 'DELETE aliases/:id': {
      const shipped = state.builtIn.get(id)
      if (shipped) state.aliases.set(id, shipped)
      else state.aliases.delete(id)
      return noContent(response)
    }
    case 'GET inference-profiles':
      return json(response, 200, { items: toldProfiles(state), nextToken: null })
    case 'GET inference-profiles/:id':
      return json(response, 200, toldProfile(state, id))
    case 'PUT inference-profiles/:id/routing':
      route(state, id, input as unknown as Parameters<typeof route>[2])
      return json(response, 200, toldProfile(state, id))
    case 'DELETE inference-profiles/:id/routing':
      unroute(state, id)
      return noContent(response)
    case 'POST score':
      state.scores.push(input)
      return json(response, 200, score(input))
    case 'GET quotas':
      return json(response, 200, quotas(state))
    case 'PUT quotas/:id':
      return json(response, 200, putQuota(state, id, null, input))
    case `PUT quotas/:id/${action}`:
      return json(response, 200, putQuota(state, id, action, input))
    case 'DELETE quotas/:id':
    case `DELETE quotas/:id/${action}`:
      state.quotas = state.quotas.filter((quota) => quota.accountId !== id || (quota.modelId ?? '') !== action)
      return noContent(response)
    case 'GET jobs':
      return json(response, 200, { items: [...state.jobs.values()].reverse() })
    case 'GET jobs/:id':
      return json(response, 200, jobOf(state, id))
    case 'POST jobs/:id/cancel':
      finish(state, jobOf(state, id), 'cancelled')
      return json(response, 200, jobOf(state, id))
    case 'GET jobs/:id/events':
      return events(jobOf(state, id), response)
    case 'GET batches/:id':
      return json(response, 200, batchOf(state, id))
    case 'GET imports/:id':
      return json(response, 200, importOf(state, id))
    case 'POST imports/:id':
      return json(response, 200, id === 'check' ? check(state, input) : policies(input))
    case 'GET imported-models/:id':
      return json(response, 200, modelOf(state, id))
    case 'POST policies/:id':
      return json(response, 200, { valid: true, findings: [] })
    case 'GET accounts':
      return json(response, 200, { items: state.accounts })
    case 'POST accounts': {
      const accountId = (input['accountId'] as string | undefined) ?? '444455556666'
      if (state.accounts.some((account) => account.accountId === accountId)) {
        throw new HttpError(409, 'AlreadyExists', `The account \`${accountId}\` exists`)
      }
      state.accounts.push({ accountId, management: false, createdAt: '2026-05-04T10:00:00Z' })
      return json(response, 201, { accountId, accessKeyId: 'AKIAOTHERACCOUNT0000', secretAccessKey: 'other-account-secret' })
    }
    case 'GET api-keys':
      return json(response, 200, { items: state.apiKeys })
    case 'POST api-keys': {
      const made = {
        id: `key-${state.apiKeys.length + 1}`,
        name: String(input['name']),
        surface: input['surface'] as 'both',
        createdAt: '2026-05-04T10:00:00Z',
        userName: 'admin',
        expiresAt: null,
        lastUsedAt: null,
      }
      state.apiKeys.push(made)
      return json(response, 201, { ...made, key: 'sk-craton-0123456789abcdef' })
    }
    case 'DELETE api-keys/:id':
      state.apiKeys = state.apiKeys.filter((key) => key.id !== id)
      return noContent(response)
    default:
      throw new HttpError(404, 'NotFound', `There is no \`${call}\``)
  }
}

function quotas(state: State): Quotas {
  if (!state.managesDeployment) throw new HttpError(403, 'Denied', "You don't have permissions to access this resource.")
  const used = state.quotas.map((quota): QuotaUse => {
    const { accountId, modelId, requestsPerMinute, tokensPerMinute, running } = quota
    return {
      accountId,
      modelId: modelId ?? 'smollm2-135m-instruct',
      source: modelId === null ? 'account' : 'model',
      requestsPerMinute,
      tokensPerMinute,
      running,
      requestsLeft: requestsPerMinute === null ? null : Math.floor(requestsPerMinute / 4),
      tokensLeft: tokensPerMinute === null ? null : -120,
      runningNow: 2,
    }
  })
  return { default: { requestsPerMinute: null, tokensPerMinute: null, running: null }, items: state.quotas, used }
}

function putQuota(state: State, accountId: string, modelId: string | null, input: Record<string, unknown>): Quota {
  if (!state.accounts.some((account) => account.accountId === accountId)) {
    throw new HttpError(404, 'NotFound', `There is no account \`${accountId}\` in this deployment.`, '`craton accounts list` shows the accounts.')
  }
  const quota: Quota = { accountId, modelId, updatedAt: new Date().toISOString(), ...(input as unknown as Limits) }
  state.quotas = [...state.quotas.filter((one) => one.accountId !== accountId || one.modelId !== modelId), quota]
  return quota
}

function noContent(response: ServerResponse): void {
  response.writeHead(204)
  response.end()
}

function status(state: State): object {
  return {
    version: '0.1.0',
    uptimeSeconds: 93_784,
    account: ACCOUNT,
    arn: ARN,
    region: 'us-east-1',
    listen: '127.0.0.1:4566',
    dataDir: '/srv/craton/craton-data',
    modelsDir: '/home/craton/.local/share/craton/models',
    engine: { name: 'native', prefillThreads: 2, decodeThreads: 2 },
    loading: LOADING,
    memory: {
      budgetBytes: 16_000_000_000,
      usedBytes: state.loaded.reduce((sum, model) => sum + model.memoryBytes, 0),
      residentBytes: 271_000_000,
    },
    prefixSnapshots: { bytes: 41_000_000 },
    loaded: state.loaded,
    aliases: { total: state.aliases.size, set: [...state.aliases.values()].filter((alias) => !alias.builtIn).length },
    recommendedModel: 'qwen2.5-1.5b-instruct',
  }
}

function cardOf(state: State, name: string): Card {
  const card = state.cards.find((one) => one.name === name)
  if (!card) throw new HttpError(404, 'NotFound', `There is no model \`${name}\``, '`craton models list` shows them.')
  return card
}

function jobOf(state: State, id: string): Job {
  const job = state.jobs.get(id)
  if (!job) throw new HttpError(404, 'NotFound', `There is no job \`${id}\``)
  return job
}

const STEPS = 20
const STEP_MS = 80

/** Starts a download that takes about two seconds. */
function pull(state: State, source: string, acceptTerms: boolean): Job {
  if (source.startsWith('file:')) return failedPull(state, source.slice('file:'.length))
  const card = cardOf(state, source)
  if (card.licence.mustAccept && !card.licence.accepted && !acceptTerms) {
    throw new HttpError(400, 'Invalid', `The terms of \`${source}\` must be accepted`)
  }
  const id = `job-${String(state.jobs.size + 1).padStart(4, '0')}`
  const total = card.downloadBytes ?? 0
  const job: Job = {
    id,
    kind: 'model-pull',
    state: 'running',
    progress: { done: 0, total, unit: 'bytes', message: null },
    attempt: 1,
    error: null,
    output: null,
    cancelRequested: false,
    createdAt: '2026-05-04T10:00:00Z',
    startedAt: '2026-05-04T10:00:00Z',
    endedAt: null,
  }
  state.jobs.set(id, job)
  Object.assign(card, { state: 'pulling', jobId: id })
  void (async () => {
    for (let step = 1; step <= STEPS && job.state === 'running'; step++) {
      await sleep(STEP_MS)
      job.progress = { done: Math.round((total * step) / STEPS), total, unit: 'bytes', message: null }
    }
    if (job.state === 'running') finish(state, job, 'succeeded')
  })()
  return job
}

function finish(state: State, job: Job, end: 'succeeded' | 'cancelled'): void {
  Object.assign(job, { state: end, endedAt: '2026-05-04T10:00:03Z' })
  const card = state.cards.find((one) => one.jobId === job.id)
  if (card) Object.assign(card, { state: end === 'succeeded' ? 'ready' : 'not-pulled', jobId: null })
}

async function events(job: Job, response: ServerResponse): Promise<void> {
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' })
  while (!response.destroyed) {
    response.write(`data: ${JSON.stringify(job)}\n\n`)
    if (job.state !== 'running') break
    await sleep(STEP_MS)
  }
  response.end()
}

/** Starts a quantization, which is over at once. */
function quantize(state: State, source: string, input: Record<string, unknown>): Job {
  cardOf(state, source)
  state.quantizations.push({ source, ...input })
  const now = new Date().toISOString()
  const job: Job = {
    id: `job-${String(state.jobs.size + 1).padStart(4, '0')}`,
    kind: 'model-quantize',
    state: 'succeeded',
    progress: null,
    attempt: 1,
    error: null,
    output: { name: input['name'] ?? `${source}-${String(input['to'])}` },
    cancelRequested: false,
    createdAt: now,
    startedAt: now,
    endedAt: now,
  }
  state.jobs.set(job.id, job)
  return job
}

function failedPull(state: State, path: string): Job {
  const now = new Date().toISOString()
  const job: Job = {
    id: `job-${String(state.jobs.size + 1).padStart(4, '0')}`,
    kind: 'model-pull',
    state: 'failed',
    progress: null,
    attempt: 1,
    error: { code: 'Invalid', message: `Cannot read \`${path}\`.`, hint: 'Give the full path of a file.' },
    output: null,
    cancelRequested: false,
    createdAt: now,
    startedAt: now,
    endedAt: now,
  }
  state.jobs.set(job.id, job)
  return job
}
