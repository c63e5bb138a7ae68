/** Which models of the catalogue are shown. */
import type { Card } from '../../api/models.ts'

/** What was chosen; empty for all. */
export interface Filters {
  text: string
  show: string
  provider: string
  task: string
  language: string
  licence: string
  /** Only those that this machine has room for. */
  fits: boolean
}

export const NO_FILTERS: Filters = { text: '', show: 'all', provider: '', task: '', language: '', licence: '', fits: false }

export const SHOWN: Record<string, { label: string; test: (card: Card) => boolean }> = {
  all: { label: 'All models', test: () => true },
  ready: { label: 'Downloaded', test: (card) => card.state === 'ready' },
  text: { label: 'Text models', test: (card) => card.kind === 'text' },
  embedding: { label: 'Embedding models', test: (card) => card.kind === 'embedding' },
}

/** What can be chosen from, each with the values that the catalogue has. */
export const FACETS = [
  { id: 'provider', label: 'Provider', all: 'Any provider', of: (card: Card) => [card.provider] },
  { id: 'task', label: 'Task', all: 'Any task', of: (card: Card) => card.tasks ?? [] },
  { id: 'language', label: 'Language', all: 'Any language', of: (card: Card) => card.languages },
  { id: 'licence', label: 'Licence', all: 'Any licence', of: (card: Card) => [card.licence.name] },
] as const

export type Facet = (typeof FACETS)[number]

/** The values of a facet, each once, in order. */
export function valuesOf(facet: Facet, cards: Card[]): string[] {
  return [...new Set(cards.flatMap((card) => facet.of(card)))].filter((value) => value !== '').sort((a, b) => a.localeCompare(b))
}

/** The cards that are shown. */
export function filtered(cards: Card[], filters: Filters): Card[] {
  return cards.filter(
    (card) =>
      (SHOWN[filters.show] ?? SHOWN['all'])?.test(card) &&
      (!filters.fits || card.fits === true) &&
      FACETS.every((facet) => filters[facet.id] === '' || facet.of(card).includes(filters[facet.id])) &&
      matches(card, filters.text),
  )
}

function matches(card: Card, text: string): boolean {
  const wanted = text.trim().toLowerCase()
  const fields = [card.name, card.title, card.provider, card.licence.name, card.description, card.jumpstartId ?? '']
  return [...fields, ...card.languages, ...(card.tasks ?? []), ...card.servesAwsIds].some((field) => field.toLowerCase().includes(wanted))
}
