/** Inference profiles in words, and the form of where their requests are sent. */
import type { NewTarget, Profile, Routing, TargetState } from '../../api/profiles.ts'

/** The paths of the pages of profiles. */
export const PATH = '/inference-profiles'
export const APPLICATION = `${PATH}?tab=application`
export const profilePath = (id: string) => `${PATH}?profile=${encodeURIComponent(id)}`

export type Health = { type: 'success' | 'error' | 'warning' | 'pending' | 'info'; text: string }

/** How a target is, in a word. */
export function targetHealth(state: TargetState | null): Health {
  switch (state?.readiness) {
    case 'ready':
      return { type: 'success', text: 'Ready' }
    case 'degraded':
      return { type: 'warning', text: 'Ready in part' }
    case 'down':
      return { type: 'error', text: 'Down' }
    default:
      return { type: 'pending', text: 'Not asked yet' }
  }
}

/** Where the profile's requests are sent: as it says itself, or the profile that it was copied from. */
export function inForce({ routing, inheritedRouting }: Profile): Routing | null {
  return routing ?? inheritedRouting
}

/** How the targets of a profile are together. */
export function profileHealth(profile: Profile): Health {
  const routing = inForce(profile)
  if (!routing) return { type: 'info', text: 'Not routed' }
  const all = routing.targets.map(({ state }) => targetHealth(state).type)
  const down = all.filter((type) => type === 'error').length
  if (down === all.length) return { type: 'error', text: 'No target answers' }
  if (down > 0) return { type: 'warning', text: `${down} of ${all.length} down` }
  if (all.includes('warning')) return { type: 'warning', text: 'Ready in part' }
  return all.every((type) => type === 'pending') ? { type: 'pending', text: 'Not asked yet' } : { type: 'success', text: 'Ready' }
}

/** `east, then west`, or `east × 3, west × 1` where the order is drawn. */
export function routingText(routing: Routing | null): string {
  if (!routing) return '–'
  const { weighted, targets } = routing
  return targets.map(({ region, weight }) => (weighted ? `${region} × ${weight}` : region)).join(weighted ? ', ' : ', then ')
}

/** The model id within the ARN of a foundation model. */
export function modelOf(arn: string): string {
  return arn.slice(arn.lastIndexOf('/') + 1)
}

/** The ids of the models behind a profile, each once: AWS's profiles name a model in several regions. */
export function modelsOf({ models }: Profile): string[] {
  return [...new Set(models.map(modelOf))]
}

/** What a profile of one's own may be made of: a label, and its ARN. */
export function sourcesOf(profiles: Profile[]): { models: Source[]; profiles: Source[] } {
  const system = profiles.filter(({ type }) => type === 'SYSTEM_DEFINED')
  return {
    // The profiles of all regions name their models in the caller's own, as an ARN to copy from has to.
    models: system.filter(({ id }) => id.startsWith('global.')).flatMap(({ models }) => models.map((arn) => ({ label: modelOf(arn), arn }))),
    profiles: system.map(({ id, arn, name }) => ({ label: id, arn, description: name })),
  }
}

export interface Source {
  label: string
  arn: string
  description?: string
}

/** A target as its form has it: texts as they were typed. */
export interface TargetDraft {
  region: string
  target: string
  weight: string
}

export interface RoutingDraft {
  weighted: boolean
  targets: TargetDraft[]
}

export const EMPTY: TargetDraft = { region: '', target: '', weight: '1' }

export function draftOf(routing: Routing | null): RoutingDraft {
  if (!routing) return { weighted: false, targets: [EMPTY] }
  const targets = routing.targets.map(({ region, target, weight }) => ({ region, target, weight: String(weight) }))
  return { weighted: routing.weighted, targets }
}

/** What is wrong with a target, by field. A weight matters only where targets are drawn by it. */
export function problems({ region, target, weight }: TargetDraft, weighted: boolean): Partial<Record<keyof TargetDraft, string>> {
  const name = region.trim()
  return {
    ...(name === '' || /\s/.test(name) || name.length > 64 ? { region: 'A region has 1 to 64 characters and no spaces.' } : {}),
    ...(target.trim() === '' ? { target: 'Say what answers there.' } : {}),
    ...(weighted && !isWeight(weight) ? { weight: 'The weight is a whole number from 1 to 1,000.' } : {}),
  }
}

function isWeight(weight: string): boolean {
  return /^\d{1,4}$/.test(weight.trim()) && Number(weight) >= 1 && Number(weight) <= 1000
}

/** The most targets of a profile. */
export const MOST_TARGETS = 16

export function routingOf({ weighted, targets }: RoutingDraft): { weighted: boolean; targets: NewTarget[] } {
  return {
    weighted,
    // A weight that nobody sees any more may be wrong.
    targets: targets.map(({ region, target, weight }) => ({ region: region.trim(), target: target.trim(), weight: isWeight(weight) ? Number(weight) : 1 })),
  }
}

/** The targets with one of them moved by so many places. */
export function moved(targets: TargetDraft[], at: number, by: number): TargetDraft[] {
  const [one] = targets.slice(at, at + 1)
  const to = at + by
  if (!one || to < 0 || to >= targets.length) return targets
  const rest = targets.filter((_, index) => index !== at)
  return [...rest.slice(0, to), one, ...rest.slice(to)]
}
