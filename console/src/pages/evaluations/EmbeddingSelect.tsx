import Autosuggest from '@cloudscape-design/components/autosuggest'
import { useMemo } from 'react'
import { listAliases } from '../../api/aliases.ts'
import { listModels } from '../../api/models.ts'
import { useLoad } from '../../ui/useLoad.ts'
import { embeddingOptions } from '../knowledge/embedding.ts'

interface Props {
  label: string
  value: string
  placeholder: string
  onChange: (id: string) => void
}

/** Chooses a model that embeds; any id may be written. */
export function EmbeddingSelect({ label, value, placeholder, onChange }: Props) {
  const models = useLoad(listModels)
  const aliases = useLoad(listAliases)
  const options = useMemo(() => {
    const groups = embeddingOptions(models.value ?? [], aliases.value ?? [])
    return groups.map((group) => ({
      label: group.label ?? '',
      options: group.options.map(({ value: id = '', description, disabled }) => ({ value: id, ...(description === undefined ? {} : { description }), ...(disabled ? { disabled } : {}) })),
    }))
  }, [models.value, aliases.value])
  return (
    <Autosuggest
      ariaLabel={label}
      value={value}
      options={options}
      placeholder={placeholder}
      enteredTextLabel={(text) => `Use ${text}`}
      statusType={models.loading || aliases.loading ? 'loading' : 'finished'}
      loadingText="Looking for models"
      empty="No model matches"
      onChange={({ detail }) => onChange(detail.value)}
    />
  )
}
