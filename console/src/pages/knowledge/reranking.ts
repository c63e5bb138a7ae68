/** The models that may put passages into order: Craton takes any, as docs/answers.md says. */
import type { SelectProps } from '@cloudscape-design/components/select'
import type { Alias } from '../../api/aliases.ts'
import type { Card } from '../../api/models.ts'

export const NO_RERANKING: SelectProps.Option = { value: '', label: 'None', description: 'In the order of the search' }

const HOW: Record<Card['kind'], string> = { embedding: 'compares vectors', text: 'is asked of each passage whether it answers' }

/** The models of this server, those that are here first, and the AWS ids that one of them answers for. */
export function rerankingOptions(cards: Card[], aliases: Alias[]): (SelectProps.Option | SelectProps.OptionGroup)[] {
  const known = new Map(cards.map((card) => [card.name, card]))
  const unless = (ready: boolean) => (ready ? {} : { disabled: true })
  const local = [...known.values()]
    .sort((a, b) => Number(b.state === 'ready') - Number(a.state === 'ready') || Number(a.kind === 'text') - Number(b.kind === 'text'))
    .map((card): SelectProps.Option => {
      const ready = card.state === 'ready'
      return { value: card.name, label: card.title, description: ready ? HOW[card.kind] : 'Not downloaded', ...unless(ready) }
    })
  const aws = aliases.flatMap((alias): SelectProps.Option[] => {
    const card = known.get(alias.local ?? '')
    if (!card || alias.upstream || alias.pool) return []
    const ready = card.state === 'ready'
    const description = `Answered by ${card.title}${ready ? `, which ${HOW[card.kind]}` : ', not downloaded'}`
    return [{ value: alias.modelId, label: alias.modelId, description, ...unless(ready) }]
  })
  return [NO_RERANKING, { label: 'Models on this server', options: local }, { label: 'AWS model ids', options: aws }]
}
