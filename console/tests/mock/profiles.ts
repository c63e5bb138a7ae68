/** Inference profiles: Bedrock's operations and Craton's own. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { NewTarget, Profile, Routing, TargetState } from '../../src/api/profiles.ts'
import { HttpError } from './api.ts'
import { json } from './server.ts'
import { ACCOUNT, type State } from './state.ts'

const GEOGRAPHIES: [string, string, string[]][] = [
  ['us', 'US', ['us-east-1', 'us-east-2', 'us-west-2']],
  ['eu', 'EU', ['eu-central-1', 'eu-west-1']],
  ['global', 'Global', ['us-east-1']],
]
const MODELS: [string, string][] = [
  ['anthropic.claude-3-haiku-20240307-v1:0', 'Anthropic Claude 3 Haiku'],
  ['amazon.nova-micro-v1:0', 'Amazon Nova Micro'],
]

export function newProfiles(): Profile[] {
  return GEOGRAPHIES.flatMap(([prefix, title, regions]) =>
    MODELS.map(([model, name]): Profile => {
      const id = `${prefix}.${model}`
      return {
        id,
        arn: `arn:aws:bedrock:us-east-1:${ACCOUNT}:inference-profile/${id}`,
        name: `${title} ${name}`,
        description: `Routes requests to ${name} in ${regions.join(', ')}.`,
        type: 'SYSTEM_DEFINED',
        models: regions.map((region) => `arn:aws:bedrock:${region}::foundation-model/${model}`),
        copiedFrom: null,
        tags: [],
        createdAt: null,
        updatedAt: null,
        routing: null,
        inheritedRouting: null,
      }
    }),
  )
}

/** Bedrock's operations on profiles, by method and path; false for any other. */
export function profiles(state: State, request: IncomingMessage, url: URL, body: string, response: ServerResponse): boolean {
  const [resource = '', id = ''] = url.pathname.slice(1).split('/').map(decodeURIComponent)
  switch (`${request.method} ${resource}${id === '' ? '' : '/:id'}`) {
    case 'POST inference-profiles': {
      const asked = JSON.parse(body) as { inferenceProfileName: string; description?: string; modelSource: { copyFrom: string }; tags?: Profile['tags'] }
      const made = `profile${String(state.profiles.length).padStart(5, '0')}`
      const source = state.profiles.find(({ arn }) => arn === asked.modelSource.copyFrom)
      const profile: Profile = {
        id: made,
        arn: `arn:aws:bedrock:us-east-1:${ACCOUNT}:application-inference-profile/${made}`,
        name: asked.inferenceProfileName,
        description: asked.description ?? null,
        type: 'APPLICATION',
        models: source?.models ?? [asked.modelSource.copyFrom],
        copiedFrom: asked.modelSource.copyFrom,
        tags: asked.tags ?? [],
        createdAt: '2026-05-04T10:00:00Z',
        updatedAt: '2026-05-04T10:00:00Z',
        routing: null,
        inheritedRouting: null,
      }
      state.profiles.unshift(profile)
      json(response, 201, { inferenceProfileArn: profile.arn, status: 'ACTIVE' })
      return true
    }
    case 'DELETE inference-profiles/:id':
      state.profiles = state.profiles.filter((profile) => profile !== profileOf(state, id))
      json(response, 200, {})
      return true
    default:
      return false
  }
}

/** A profile as the server tells it now. */
export function toldProfile(state: State, id: string): Profile {
  return told(state, profileOf(state, id))
}

export function toldProfiles(state: State): Profile[] {
  return state.profiles.map((profile) => told(state, profile))
}

export function route(state: State, id: string, input: { weighted?: boolean; targets: NewTarget[] }): void {
  if (input.targets.some(({ target }) => stateOf(state, target).answers === null)) {
    throw new HttpError(404, 'NotFound', 'There is no such pool in this region.')
  }
  const targets = input.targets.map((target) => ({ ...target, state: null }))
  profileOf(state, id).routing = { weighted: input.weighted ?? false, targets }
}

export function unroute(state: State, id: string): void {
  profileOf(state, id).routing = null
}

function profileOf(state: State, id: string): Profile {
  const found = state.profiles.find((profile) => [profile.id, profile.arn].includes(id))
  if (!found) throw new HttpError(404, 'NotFound', `The inference profile \`${id}\` could not be found.`)
  return found
}

function told(state: State, profile: Profile): Profile {
  const source = state.profiles.find(({ arn }) => arn === profile.copiedFrom)
  return { ...profile, routing: withStates(state, profile.routing), inheritedRouting: withStates(state, source?.routing ?? null) }
}

function withStates(state: State, routing: Routing | null): Routing | null {
  if (!routing) return null
  return { ...routing, targets: routing.targets.map((target) => ({ ...target, state: stateOf(state, target.target) })) }
}

function stateOf(state: State, target: string): TargetState {
  if (!target.startsWith('pool:')) {
    const ready = state.cards.find(({ name }) => name === target)?.state === 'ready'
    return ready
      ? { readiness: 'ready', answers: target, detail: null }
      : { readiness: 'down', answers: target, detail: `The model \`${target}\` is not downloaded.` }
  }
  const pool = state.pools.get(target.slice('pool:'.length))
  if (!pool) return { readiness: 'down', answers: null, detail: 'There is no such pool in this region.' }
  const down = pool.members.filter(({ healthy }) => healthy === false).length
  if (down === 0) return { readiness: 'ready', answers: target, detail: null }
  return down === pool.members.length
    ? { readiness: 'down', answers: target, detail: 'No member answers.' }
    : { readiness: 'degraded', answers: target, detail: `${down} of ${pool.members.length} members do not answer.` }
}
