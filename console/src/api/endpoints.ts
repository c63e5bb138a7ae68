/** Endpoints: SageMaker's and Bedrock Marketplace's operations, and Craton's own figures of what they do. */
import { awsJson, everyItem, isoOf } from './awsJson.ts'
import type { Fit } from './fit.ts'
import { ApiError, send, sendJson } from './http.ts'

export type EndpointStatus =
  | 'Creating'
  | 'InService'
  | 'Updating'
  | 'SystemUpdating'
  | 'RollingBack'
  | 'OutOfService'
  | 'Deleting'
  | 'Failed'
  | 'UpdateRollbackFailed'

/** A row of the list; times are ISO 8601. */
export interface EndpointRow {
  name: string
  arn: string
  status: EndpointStatus
  createdAt: string | undefined
  /** Set where Bedrock Marketplace manages it. */
  marketplace: MarketplaceRow | undefined
}

/** What Bedrock Marketplace knows of an endpoint. */
export interface MarketplaceRow {
  endpointArn: string
  /** The model: an ARN of a hub's content, or a name. */
  modelSourceIdentifier: string
  status: 'REGISTERED' | 'INCOMPATIBLE_ENDPOINT'
  statusMessage?: string
  createdAt: string
}

export interface Scaling {
  Status?: 'ENABLED' | 'DISABLED'
  MinInstanceCount?: number
  MaxInstanceCount?: number
}

export interface Variant {
  VariantName: string
  CurrentInstanceCount?: number
  DesiredInstanceCount?: number
  CurrentWeight?: number
  ManagedInstanceScaling?: Scaling
}

export interface EndpointDetails {
  name: string
  arn: string
  configName: string
  status: EndpointStatus
  failure: string | undefined
  createdAt: string | undefined
  modifiedAt: string | undefined
  variants: Variant[]
  /** What was configured, by variant. */
  configured: ConfiguredVariant[]
}

export interface ConfiguredVariant {
  VariantName: string
  ModelName?: string
  InstanceType?: string
  InitialInstanceCount?: number
  ManagedInstanceScaling?: Scaling
}

/** Milliseconds that so much of a sample stays within; null where nothing was measured. */
export interface Percentiles3 {
  p50: number | null
  p95: number | null
  p99: number | null
}

export interface VariantFigures {
  name: string
  /** The name of the SageMaker model. */
  model: string
  /** The model of this server that answers; null before it was ready for the first time. */
  servedModel: string | null
  /** Whether that is another one than was named, and why. */
  substituted: boolean
  why: string | null
  instances: number
  desiredInstances: number
  tokensPerSecond: number | null
  queue: number
  running: number
  slots: number
  /** Share of the prompts' tokens that came from the cache, 0 to 1. */
  cachedTokensShare: number | null
  firstToken: Percentiles3
  latency: Percentiles3
  invocations: number
  errors: number
  throttled: number
}

/** What an endpoint is doing. */
export interface EndpointFigures {
  name: string
  arn: string
  status: EndpointStatus
  /** The model whose download the endpoint waits for, where it failed for want of it. */
  notPulled?: string | null
  variants: VariantFigures[]
  createdAt: string
  lastUsedAt: string | null
}

/** How many instances, of what, as which role. */
export interface Deployment {
  endpointName: string
  /** Hub content's ARN or name, or a model's name in the catalogue. */
  model: string
  instances: number
  instanceType: string
  roleArn: string
  kmsKeyId: string | undefined
  acceptEula: boolean
  /** The least and the most instances, where their number follows the work. SageMaker only. */
  scaling: { least: number; most: number } | undefined
}

const PAGES = { from: 'NextToken', to: 'NextToken' }

/** Every endpoint of the account, the newest first. */
export async function listEndpoints(signal?: AbortSignal): Promise<EndpointRow[]> {
  type Row = { EndpointName: string; EndpointArn: string; EndpointStatus: EndpointStatus; CreationTime?: number }
  const order = { SortBy: 'CreationTime', SortOrder: 'Descending', MaxResults: 100 }
  const [all, managed] = await Promise.all([
    everyItem<Row>('sagemaker', 'ListEndpoints', order, 'Endpoints', PAGES, signal),
    listMarketplace(signal),
  ])
  const byArn = new Map(managed.map((one) => [one.endpointArn, one]))
  return all.map(({ EndpointName, EndpointArn, EndpointStatus, CreationTime }) => ({
    name: EndpointName,
    arn: EndpointArn,
    status: EndpointStatus,
    createdAt: isoOf(CreationTime),
    marketplace: byArn.get(EndpointArn),
  }))
}

/** The same; none where the server has no endpoints, or the caller may not list them. */
export async function endpointsIfAny(signal?: AbortSignal): Promise<EndpointRow[]> {
  try {
    return await listEndpoints(signal)
  } catch (reason) {
    if (reason instanceof ApiError && [403, 404, 501].includes(reason.status)) return []
    throw reason
  }
}

async function listMarketplace(signal?: AbortSignal): Promise<MarketplaceRow[]> {
  const found: MarketplaceRow[] = []
  let token: string | undefined
  do {
    const search = new URLSearchParams({ maxResults: '100', ...(token === undefined ? {} : { nextToken: token }) })
    type Answer = { marketplaceModelEndpoints?: MarketplaceRow[]; nextToken?: string | null }
    const page = await sendJson<Answer>(`${MARKETPLACE}?${search}`, { service: 'bedrock', signal })
    found.push(...(page.marketplaceModelEndpoints ?? []))
    token = page.nextToken ?? undefined
  } while (token !== undefined)
  return found
}

const MARKETPLACE = '/marketplace-model/endpoints'
const one = (arn: string) => `${MARKETPLACE}/${encodeURIComponent(arn)}`

/** An endpoint with what it was configured to be. */
export async function describeEndpoint(name: string, signal?: AbortSignal): Promise<EndpointDetails> {
  type Described = {
    EndpointName: string
    EndpointArn: string
    EndpointConfigName: string
    EndpointStatus: EndpointStatus
    FailureReason?: string
    CreationTime?: number
    LastModifiedTime?: number
    ProductionVariants?: Variant[]
  }
  const found = await awsJson<Described>('sagemaker', 'DescribeEndpoint', { EndpointName: name }, signal)
  type Config = { ProductionVariants?: ConfiguredVariant[] }
  const input = { EndpointConfigName: found.EndpointConfigName }
  // The configuration may have been deleted before its endpoint, as AWS lets one.
  const config = await awsJson<Config>('sagemaker', 'DescribeEndpointConfig', input, signal).catch((): Config => ({}))
  return {
    name: found.EndpointName,
    arn: found.EndpointArn,
    configName: found.EndpointConfigName,
    status: found.EndpointStatus,
    failure: found.FailureReason,
    createdAt: isoOf(found.CreationTime),
    modifiedAt: isoOf(found.LastModifiedTime),
    variants: found.ProductionVariants ?? [],
    configured: config.ProductionVariants ?? [],
  }
}

/** What Bedrock Marketplace knows of the endpoint of this ARN; `undefined` where it does not manage it. */
export async function marketplaceOf(arn: string, signal?: AbortSignal): Promise<MarketplaceRow | undefined> {
  return (await listMarketplace(signal)).find((row) => row.endpointArn === arn)
}

export function endpointFigures(name: string, signal?: AbortSignal): Promise<EndpointFigures> {
  return sendJson(`/craton/v1/endpoints/${encodeURIComponent(name)}/figures`, { signal })
}

/** What was predicted of the models of an endpoint and what came of it, by variant. */
export async function endpointFits(name: string, signal?: AbortSignal): Promise<{ name: string; fit: Fit }[]> {
  type Answer = { variants: { name: string; fit: Fit }[] }
  return (await sendJson<Answer>(`/craton/v1/endpoints/${encodeURIComponent(name)}/fit`, { signal })).variants
}

/** Makes an endpoint that Bedrock Marketplace manages; gives its ARN. */
export async function deployMarketplace(asked: Deployment): Promise<string> {
  const { endpointName, model, acceptEula } = asked
  const json = {
    endpointName,
    modelSourceIdentifier: model,
    endpointConfig: { sageMaker: sageMakerConfig(asked) },
    ...(acceptEula ? { acceptEula } : {}),
    clientRequestToken: crypto.randomUUID(),
  }
  type Answer = { marketplaceModelEndpoint: { endpointArn: string } }
  const answer = await sendJson<Answer>(MARKETPLACE, { method: 'POST', json, service: 'bedrock' })
  return answer.marketplaceModelEndpoint.endpointArn
}

function sageMakerConfig(asked: Pick<Deployment, 'instances' | 'instanceType' | 'roleArn' | 'kmsKeyId'>): object {
  const { instances, instanceType, roleArn, kmsKeyId } = asked
  return {
    initialInstanceCount: instances,
    instanceType,
    executionRole: roleArn,
    ...(kmsKeyId ? { kmsEncryptionKey: kmsKeyId } : {}),
  }
}

/** Makes a SageMaker endpoint with a model and a configuration of its name; what was made is undone where a step fails. */
export async function deploySageMaker(asked: Deployment): Promise<void> {
  const { endpointName: name, model, instances, instanceType, roleArn, kmsKeyId, scaling } = asked
  const container = { Environment: { CRATON_MODEL_ID: model } }
  await awsJson('sagemaker', 'CreateModel', { ModelName: name, ExecutionRoleArn: roleArn, PrimaryContainer: container })
  const variant = {
    VariantName: 'AllTraffic',
    ModelName: name,
    InitialInstanceCount: instances,
    InstanceType: instanceType,
    ...(scaling
      ? { ManagedInstanceScaling: { Status: 'ENABLED', MinInstanceCount: scaling.least, MaxInstanceCount: scaling.most } }
      : {}),
  }
  const config = { EndpointConfigName: name, ProductionVariants: [variant], ...(kmsKeyId ? { KmsKeyId: kmsKeyId } : {}) }
  const undo = [() => awsJson('sagemaker', 'DeleteModel', { ModelName: name })]
  try {
    await awsJson('sagemaker', 'CreateEndpointConfig', config)
    undo.unshift(() => awsJson('sagemaker', 'DeleteEndpointConfig', { EndpointConfigName: name }))
    await awsJson('sagemaker', 'CreateEndpoint', { EndpointName: name, EndpointConfigName: name })
  } catch (reason) {
    for (const step of undo) await quietly(step())
    throw reason
  }
}

const quietly = (call: Promise<unknown>) => call.catch(() => undefined)

/** Sets how many instances answer; 0 leaves none until the next request. */
export async function scaleEndpoint(name: string, variant: string, instances: number): Promise<void> {
  const wanted = [{ VariantName: variant, DesiredInstanceCount: instances }]
  await awsJson('sagemaker', 'UpdateEndpointWeightsAndCapacities', { EndpointName: name, DesiredWeightsAndCapacities: wanted })
}

/** Makes an endpoint that is in service one whose ARN Bedrock takes as a model id. */
export async function registerEndpoint(arn: string, model: string): Promise<void> {
  await send(`${one(arn)}/registration`, { method: 'POST', json: { modelSourceIdentifier: model }, service: 'bedrock' })
}

/** Deletes an endpoint and what was made for it alone. */
export async function deleteEndpoint({ name, arn, configName, configured }: EndpointDetails, managed: boolean): Promise<void> {
  if (managed) await send(one(arn), { method: 'DELETE', service: 'bedrock' })
  else await awsJson('sagemaker', 'DeleteEndpoint', { EndpointName: name })
  // What Marketplace made it deletes itself; it cannot make endpoints that scale, those were only registered.
  const registered = managed && configured.some((variant) => variant.ManagedInstanceScaling)
  if (configName !== name || (managed && !registered)) return
  await quietly(awsJson('sagemaker', 'DeleteEndpointConfig', { EndpointConfigName: configName }))
  for (const { ModelName } of configured) {
    if (ModelName === name) await quietly(awsJson('sagemaker', 'DeleteModel', { ModelName }))
  }
}
