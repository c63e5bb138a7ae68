import { expect, it } from 'vitest'
import type { Card } from '../../api/models.ts'
import { FACETS, filtered, NO_FILTERS, valuesOf, type Filters } from './filters.ts'

const card = (name: string, change: Partial<Card>) =>
  ({
    name,
    title: name.toUpperCase(),
    provider: 'P',
    kind: 'text',
    licence: { name: 'Apache-2.0', url: null, mustAccept: false },
    languages: [],
    description: '',
    servesAwsIds: [],
    state: 'ready',
    ...change,
  }) as Card

const CARDS = [
  card('a', { provider: 'Mistral AI', languages: ['en', 'fr'], tasks: ['chat', 'tool-use'], fits: false, state: 'not-pulled' }),
  card('b', { languages: ['en'], tasks: ['chat'], fits: true, servesAwsIds: ['amazon.nova-micro-v1:0'] }),
  card('c', { kind: 'embedding', tasks: ['embedding'], fits: null, licence: { name: 'MIT', url: null, mustAccept: false } }),
]

const names = (change: Partial<Filters>) => filtered(CARDS, { ...NO_FILTERS, ...change }).map(({ name }) => name)

it('every facet narrows, and together they narrow more', () => {
  expect(names({})).toEqual(['a', 'b', 'c'])
  expect(names({ provider: 'Mistral AI' })).toEqual(['a'])
  expect(names({ task: 'chat' })).toEqual(['a', 'b'])
  expect(names({ task: 'chat', language: 'fr' })).toEqual(['a'])
  expect(names({ licence: 'MIT' })).toEqual(['c'])
  expect(names({ show: 'ready' })).toEqual(['b', 'c'])
  expect(names({ show: 'embedding', licence: 'Apache-2.0' })).toEqual([])
})

it('text finds names, tasks and AWS ids', () => {
  expect(names({ text: 'tool' })).toEqual(['a'])
  expect(names({ text: ' NOVA ' })).toEqual(['b'])
})

it('what fits is what the server says fits', () => {
  expect(names({ fits: true })).toEqual(['b'])
})

it('the values of a facet are those of the catalogue, each once', () => {
  const values = (id: string) => valuesOf(FACETS.find((facet) => facet.id === id)!, CARDS)
  expect(values('provider')).toEqual(['Mistral AI', 'P'])
  expect(values('language')).toEqual(['en', 'fr'])
  expect(values('task')).toEqual(['chat', 'embedding', 'tool-use'])
})
