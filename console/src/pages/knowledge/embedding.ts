/** The embedding models that a knowledge base may be made with. */
import type { SelectProps } from '@cloudscape-design/components/select'
import type { Alias } from '../../api/aliases.ts'
import type { Card } from '../../api/models.ts'

/** Embedding models of this server, and the AWS ids that one of them, or another server, answers for. */
export function embeddingOptions(cards: Card[], aliases: Alias[]): SelectProps.OptionGroup[] {
  const embedding = new Map(cards.filter((card) => card.kind === 'embedding').map((card) => [card.name, card]))
  const local = [...embedding.values()]
    .sort((a, b) => Number(b.state === 'ready') - Number(a.state === 'ready'))
    .map((card): SelectProps.Option => {
      const ready = card.state === 'ready'
      const languages = card.languages.length > 1 ? `${card.languages.length} languages` : (card.languages[0] ?? '')
      return {
        value: card.name,
        label: card.title,
        description: [card.provider, languages, ready ? '' : 'not downloaded'].filter(Boolean).join(' · '),
        ...(ready ? {} : { disabled: true }),
      }
    })
  const aws = aliases.flatMap((alias): SelectProps.Option[] => {
    const card = embedding.get(alias.local ?? '')
    // Of upstreams only the id tells what they are for.
    if (!card) return (alias.upstream || alias.pool) && /embed/i.test(alias.modelId) ? [{ value: alias.modelId, label: alias.modelId, description: 'Answered elsewhere' }] : []
    const ready = card.state === 'ready'
    const description = `Answered by ${card.title}${ready ? '' : ', not downloaded'}`
    return [{ value: alias.modelId, label: alias.modelId, description, ...(ready ? {} : { disabled: true }) }]
  })
  return [
    { label: 'Models on this server', options: local },
    { label: 'AWS model ids', options: aws },
  ]
}
