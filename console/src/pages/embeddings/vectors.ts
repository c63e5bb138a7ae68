/** Vectors of texts: how near they are to each other. */
import type { SelectProps } from '@cloudscape-design/components/select'
import type { Alias } from '../../api/aliases.ts'
import type { Card } from '../../api/models.ts'

/** The most texts that are compared: each with each. */
export const MOST = 12

export function textsOf(lines: string): string[] {
  return lines.split('\n').filter((line) => line.trim() !== '')
}

/** What is wrong with the texts and with the length, by field. */
export function faults(lines: string, dimensions: string): { lines?: string; dimensions?: string } {
  const count = textsOf(lines).length
  return {
    ...(count === 0 ? { lines: 'At least one text' } : count > MOST ? { lines: `At most ${MOST} texts` } : {}),
    ...(/^(|[1-9]\d{0,4})$/.test(dimensions.trim()) ? {} : { dimensions: 'The length is a whole number' }),
  }
}

/** The cosine of the angle between two vectors; 0 where one of them is nothing. */
export function cosine(a: number[], b: number[]): number {
  const dot = (x: number[], y: number[]) => x.reduce((sum, value, at) => sum + value * (y[at] ?? 0), 0)
  const length = Math.sqrt(dot(a, a) * dot(b, b))
  return length === 0 ? 0 : dot(a, b) / length
}

/** `[0.0858, 0.0864, …]` */
export function beginning(vector: number[]): string {
  return `[${vector.slice(0, 3).map((value) => value.toFixed(4)).join(', ')}, …]`
}

/** What embeds: the embedding models, and the AWS ids that such models or other servers stand behind. */
export function embedders(cards: Card[], aliases: Alias[]): SelectProps.OptionGroup[] {
  const models = new Map(cards.filter(({ kind }) => kind === 'embedding').map((card) => [card.name, card]))
  const local = [...models.values()].map(({ name, title, state }): SelectProps.Option => ({
    value: name,
    label: title,
    ...(state === 'ready' ? {} : { disabled: true, description: 'Not downloaded' }),
  }))
  const ids = aliases.flatMap(({ modelId, local, upstream, pool }): SelectProps.Option[] => {
    const card = models.get(local ?? '')
    if (card) return card.state === 'ready' ? [{ value: modelId, label: modelId, description: `Answered by ${card.title}` }] : []
    // Of other servers' models it is not known what they do.
    return (upstream || pool) && /embed/.test(modelId) ? [{ value: modelId, label: modelId, description: 'Answered elsewhere' }] : []
  })
  return [
    { label: 'Models on this server', options: local },
    { label: 'AWS model ids', options: ids },
  ].filter(({ options }) => options.length > 0)
}
