import Autosuggest from '@cloudscape-design/components/autosuggest'
import { useMemo } from 'react'
import { listAliases } from '../../api/aliases.ts'
import { everyImportedModel } from '../../api/imports.ts'
import { listModels } from '../../api/models.ts'
import { useLoad } from '../../ui/useLoad.ts'
import { modelOptions } from '../playground/choices.ts'

interface Props {
  label: string
  value: string
  onChange: (id: string) => void
  /** Called when one was chosen out of the list. */
  onSelect?: (id: string) => void
}

/** Chooses a model that chats: of this server, imported, or the AWS id of one; any other id may be written. */
export function ModelSelect({ label, value, onChange, onSelect }: Props) {
  const models = useLoad(listModels)
  const aliases = useLoad(listAliases)
  const imported = useLoad(everyImportedModel)
  const loading = models.loading || aliases.loading || imported.loading
  const failed = models.error ?? aliases.error ?? imported.error
  const options = useMemo(() => {
    const groups = modelOptions(models.value ?? [], aliases.value ?? [], imported.value ?? [])
    return groups.map((group) => ({
      label: group.label ?? '',
      options: group.options.map(({ value: id = '', label: title, description, disabled }) => ({
        value: id,
        label: id,
        ...(title !== undefined && title !== id ? { description: [title, description].filter(Boolean).join(' · ') } : description === undefined ? {} : { description }),
        ...(disabled ? { disabled } : {}),
      })),
    }))
  }, [models.value, aliases.value, imported.value])
  return (
    <Autosuggest
      ariaLabel={label}
      value={value}
      options={options}
      placeholder="Choose a model, or write its id"
      enteredTextLabel={(text) => `Use ${text}`}
      statusType={loading ? 'loading' : failed ? 'error' : 'finished'}
      errorText={failed ? `Not all models could be listed: ${failed.message}` : ''}
      loadingText="Looking for models"
      empty="No model matches"
      onChange={({ detail }) => onChange(detail.value)}
      onSelect={({ detail }) => onSelect?.(detail.value)}
    />
  )
}
