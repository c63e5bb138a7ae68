import type { SelectProps } from '@cloudscape-design/components/select'
import type { Alias } from '../../api/aliases.ts'
import type { EndpointRow } from '../../api/endpoints.ts'
import type { ImportedModelRow } from '../../api/imports.ts'
import type { Card } from '../../api/models.ts'
import { modelName, statusOf } from '../endpoints/text.ts'

/** What can be chatted with: the text models, the endpoints that Bedrock knows, the imported models, and the AWS ids that
 * text models or other servers stand behind. */
export function modelOptions(
  cards: Card[],
  aliases: Alias[],
  imported: ImportedModelRow[],
  endpoints: EndpointRow[] = [],
): SelectProps.OptionGroup[] {
  const text = new Map(cards.filter((card) => card.kind === 'text').map((card) => [card.name, card]))
  const local = [...text.values()].sort((a, b) => Number(b.state === 'ready') - Number(a.state === 'ready')).map(
    (card): SelectProps.Option => ({
      value: card.name,
      label: card.title,
      ...(card.state === 'ready' ? {} : { disabled: true, description: 'Not downloaded' }),
    }),
  )
  const aws = aliases.flatMap((alias): SelectProps.Option[] => {
    const option = { value: alias.modelId, label: alias.modelId }
    if (alias.upstream) return [{ ...option, description: `Answered by ${alias.upstream.model} elsewhere` }]
    if (alias.pool) return [{ ...option, description: `Answered by the pool ${alias.pool}` }]
    const card = text.get(alias.local ?? '')
    if (!card) return []
    const ready = card.state === 'ready'
    const description = `Answered by ${card.title}${ready ? '' : ', not downloaded'}`
    return [{ ...option, description, ...(ready ? {} : { disabled: true }) }]
  })
  const own = imported.map(
    ({ modelArn, modelName, modelArchitecture, instructSupported }): SelectProps.Option => ({
      value: modelArn,
      label: modelName,
      ...(modelArchitecture ? { description: modelArchitecture } : {}),
      ...(instructSupported === false ? { disabled: true, description: 'Continues texts, see Imported models' } : {}),
    }),
  )
  const deployed = endpoints.flatMap(({ arn, name, status, marketplace }): SelectProps.Option[] => {
    if (marketplace?.status !== 'REGISTERED') return []
    const ready = status === 'InService' || status === 'Updating'
    const description = ready ? modelName(marketplace.modelSourceIdentifier) : statusOf(status).text
    return [{ value: arn, label: name, description, ...(ready ? {} : { disabled: true }) }]
  })
  return [
    { label: 'Models on this server', options: local },
    ...(deployed.length > 0 ? [{ label: 'Endpoints', options: deployed }] : []),
    ...(own.length > 0 ? [{ label: 'Imported models', options: own }] : []),
    { label: 'AWS model ids', options: aws },
  ]
}

/** The usable options in their order. */
export function usable(groups: SelectProps.OptionGroup[]): SelectProps.Option[] {
  return groups.flatMap((group) => group.options).filter((option) => !option.disabled)
}

/** What a model id is called for people: an endpoint by its name, anything else as it is. */
export function shownId(modelId: string): string {
  return /^arn:[^:]+:sagemaker:[^:]*:\d{12}:endpoint\/(.+)$/.exec(modelId)?.[1] ?? modelId
}
