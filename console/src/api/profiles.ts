/** Inference profiles: Bedrock's operations, and Craton's own for where their requests are sent. */
import { send, sendJson } from './http.ts'

/** A key and a value that policies may speak of. */
export interface Tag {
  key: string
  value: string
}

/** Whether a target would answer, as far as that is known without asking it. */
export interface TargetState {
  readiness: 'ready' | 'degraded' | 'down' | 'unknown'
  /** What answers there; null where nothing does. */
  answers: string | null
  /** Why it would not answer, or not with all of its members. */
  detail: string | null
}

/** A target to be set. */
export interface NewTarget {
  /** In the owner's own words. */
  region: string
  /** `pool:NAME`, the name of a model of this server, or another model id. */
  target: string
  weight: number
}

export interface RouteTarget extends NewTarget {
  state: TargetState | null
}

/** Where the requests of a profile are sent. */
export interface Routing {
  /** Whether the order is drawn by the weights for each request; otherwise it is the list's. */
  weighted: boolean
  targets: RouteTarget[]
}

export interface Profile {
  /** `us.anthropic.…`, or that of a profile of the account. */
  id: string
  arn: string
  name: string
  description: string | null
  type: 'SYSTEM_DEFINED' | 'APPLICATION'
  /** The ARNs of the foundation models behind it. */
  models: string[]
  /** The ARN of the model or the profile that the account made it of. */
  copiedFrom: string | null
  tags: Tag[]
  /** ISO 8601; null for AWS's own. */
  createdAt: string | null
  updatedAt: string | null
  /** Null where it is not routed itself. */
  routing: Routing | null
  /** That of the profile that it was copied from. */
  inheritedRouting: Routing | null
}

export interface NewProfile {
  name: string
  description: string
  /** The ARN of a foundation model or of one of AWS's profiles. */
  copyFrom: string
  tags: Tag[]
}

/** The profiles of the account, then AWS's. */
export async function listProfiles(signal?: AbortSignal): Promise<Profile[]> {
  const all: Profile[] = []
  let query = ''
  for (;;) {
    const page = await sendJson<{ items: Profile[]; nextToken: string | null }>(`/craton/v1/inference-profiles${query}`, { signal })
    all.push(...page.items)
    if (page.nextToken === null) return all
    query = `?nextToken=${encodeURIComponent(page.nextToken)}`
  }
}

/** A profile by its id or ARN. */
export function getProfile(id: string, signal?: AbortSignal): Promise<Profile> {
  return sendJson(path(id), { signal })
}

export async function routeProfile(id: string, routing: { weighted: boolean; targets: NewTarget[] }): Promise<void> {
  await send(`${path(id)}/routing`, { method: 'PUT', json: routing })
}

/** Lets what answers for the profile's model answer for it again. */
export async function unrouteProfile(id: string): Promise<void> {
  await send(`${path(id)}/routing`, { method: 'DELETE' })
}

/** Makes an application profile and gives its ARN. */
export async function createProfile({ name, description, copyFrom, tags }: NewProfile): Promise<string> {
  const json = {
    inferenceProfileName: name,
    ...(description ? { description } : {}),
    modelSource: { copyFrom },
    ...(tags.length > 0 ? { tags } : {}),
    clientRequestToken: crypto.randomUUID(),
  }
  const answer = await sendJson<{ inferenceProfileArn: string }>('/inference-profiles', { method: 'POST', json, service: 'bedrock' })
  return answer.inferenceProfileArn
}

export async function deleteProfile(id: string): Promise<void> {
  await send(`/inference-profiles/${encodeURIComponent(id)}`, { method: 'DELETE', service: 'bedrock' })
}

function path(id: string): string {
  return `/craton/v1/inference-profiles/${encodeURIComponent(id)}`
}
