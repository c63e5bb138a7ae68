import { expect, test } from 'vitest'
import type { Alias } from '../../api/aliases.ts'
import type { Card } from '../../api/models.ts'
import { beginning, cosine, embedders, faults, textsOf } from './vectors.ts'

test('texts are lines, and not too many', () => {
  expect(textsOf('a\n\n b \n')).toEqual(['a', ' b '])
  expect(faults('a', '')).toEqual({})
  expect(faults('a', '256')).toEqual({})
  for (const lines of ['', 'x\n'.repeat(13)]) expect(Object.keys(faults(lines, ''))).toEqual(['lines'])
  for (const dimensions of ['0', 'many']) expect(Object.keys(faults('a', dimensions))).toEqual(['dimensions'])
  expect(Object.keys(faults('', 'many'))).toEqual(['lines', 'dimensions'])
})

test('a cosine is that of the angle, whatever the lengths', () => {
  expect(cosine([1, 0], [3, 0])).toBe(1)
  expect(cosine([1, 0], [0, 2])).toBe(0)
  expect(cosine([1, 1], [-2, -2])).toBeCloseTo(-1)
  expect(cosine([0, 0], [1, 1])).toBe(0)
  expect(beginning([0.12346, -1, 0.5, 9])).toBe('[0.1235, -1.0000, 0.5000, …]')
})

test('what embeds is offered, and what generates text is not', () => {
  const card = (name: string, kind: Card['kind'], state: Card['state']) => ({ name, title: name, kind, state }) as Card
  const alias = (modelId: string, local: string | null, pool: string | null = null): Alias => ({ modelId, local, pool, upstream: null, builtIn: true })
  const groups = embedders(
    [card('mini', 'embedding', 'ready'), card('large', 'embedding', 'not-pulled'), card('chat', 'text', 'ready')],
    [alias('titan', 'mini'), alias('cohere', 'large'), alias('claude', 'chat'), alias('my.embedder', null, 'vectors'), alias('my.chat', null, 'chats')],
  )
  expect(groups.map(({ options }) => options.map(({ value }) => value))).toEqual([
    ['mini', 'large'],
    ['titan', 'my.embedder'],
  ])
  expect(groups[0]?.options[1]?.disabled).toBe(true)
  expect(embedders([], [])).toEqual([])
})
