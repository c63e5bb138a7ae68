import Autosuggest from '@cloudscape-design/components/autosuggest'
import Checkbox from '@cloudscape-design/components/checkbox'
import FormField from '@cloudscape-design/components/form-field'
import Input from '@cloudscape-design/components/input'
import RadioGroup from '@cloudscape-design/components/radio-group'
import Select, { type SelectProps } from '@cloudscape-design/components/select'
import SpaceBetween from '@cloudscape-design/components/space-between'
import { listUsers } from '../../api/iam.ts'
import { useLoad } from '../../ui/useLoad.ts'
import type { Mode } from './code.ts'
import { FilterBuilder } from './FilterBuilder.tsx'
import { NO_RERANKING } from './reranking.ts'
import { hasOwnSettings, isStreamed, MODES, searchTypesOf, type Settings, type SettingsErrors } from './settings.ts'

interface Props {
  settings: Settings
  errors: SettingsErrors
  groups: SelectProps.OptionGroup[]
  /** What passages can be put into order by. */
  rerankers: (SelectProps.Option | SelectProps.OptionGroup)[]
  /** The chosen model, or the one that is used as long as none is. */
  modelId: string
  /** Names of attributes that are known. */
  keys: string[]
  onChange: (changed: Partial<Settings>) => void
}

/** How a knowledge base is asked. */
export function SettingsForm({ settings, errors, groups, rerankers, modelId, keys, onChange }: Props) {
  const users = useLoad(listUsers)
  const options = groups.flatMap((group) => group.options)
  const types: SelectProps.Option[] = searchTypesOf(settings.mode)
  const ranking = rerankers.flatMap((one) => ('options' in one ? one.options : [one])).find(({ value }) => value === settings.rerankingModelId)
  const wholeOnly = hasOwnSettings(settings)
  return (
    <div className="craton-columns">
      <SpaceBetween size="m">
        <FormField label="Answer" stretch>
          <RadioGroup
            value={settings.mode}
            items={MODES.map(({ value, label, description }) => ({ value, label, description }))}
            onChange={({ detail }) => onChange({ mode: detail.value as Mode })}
          />
        </FormField>
        {settings.mode === 'generate' && (
          <FormField label="Model" stretch>
            <Select
              options={groups}
              selectedOption={options.find(({ value }) => value === modelId) ?? (modelId ? { value: modelId, label: modelId } : null)}
              placeholder="Choose a model"
              filteringType="auto"
              filteringPlaceholder="Find a model or an AWS id"
              filteringAriaLabel="Find a model"
              noMatch="No model matches"
              empty="No text models"
              onChange={({ detail }) => onChange({ modelId: detail.selectedOption.value ?? '' })}
            />
          </FormField>
        )}
        {settings.mode === 'generate' && (
          <Checkbox
            checked={isStreamed(settings)}
            disabled={wholeOnly}
            description={
              wholeOnly
                ? 'With neighbours or passages that say the same it comes as a whole: AWS’s stream knows neither.'
                : 'Otherwise it comes as a whole, and its citations tell the very sentences of the passages.'
            }
            onChange={({ detail }) => onChange({ streamed: detail.checked })}
          >
            Show it as it is written
          </Checkbox>
        )}
      </SpaceBetween>
      <SpaceBetween size="m">
        <FormField label="Search type" stretch>
          <Select
            options={types}
            selectedOption={types.find(({ value }) => value === settings.searchType) ?? types[0] ?? null}
            onChange={({ detail }) => onChange({ searchType: detail.selectedOption.value as Settings['searchType'] })}
          />
        </FormField>
        <FormField label="Number of results" constraintText="1 to 100" errorText={errors.numberOfResults} stretch>
          <Input value={settings.numberOfResults} inputMode="numeric" onChange={({ detail }) => onChange({ numberOfResults: detail.value })} />
        </FormField>
        <FormField label="Reranking model" description="Puts the passages that were found into its own order." stretch>
          <Select
            options={rerankers}
            selectedOption={ranking ?? NO_RERANKING}
            filteringType="auto"
            filteringPlaceholder="Find a reranking model"
            filteringAriaLabel="Find a reranking model"
            noMatch="No model matches"
            onChange={({ detail }) => onChange({ rerankingModelId: detail.selectedOption.value ?? '' })}
          />
        </FormField>
        <FormField
          label="Neighbours"
          description="Chunks before and after each passage that are joined to it; not in AWS’s API."
          constraintText="0 to 10"
          errorText={errors.neighbours}
          stretch
        >
          <Input value={settings.neighbours} inputMode="numeric" onChange={({ detail }) => onChange({ neighbours: detail.value })} />
        </FormField>
        <Checkbox
          checked={settings.keepsDuplicates}
          description="Otherwise a passage that says nearly the same as a better one is left out; not in AWS’s API."
          onChange={({ detail }) => onChange({ keepsDuplicates: detail.checked })}
        >
          Keep near-duplicates
        </Checkbox>
        <FormField label="Ask as" description="Only what this user may read is found. Empty: you." stretch>
          <Autosuggest
            value={settings.userId}
            enteredTextLabel={(value) => `Use ${value}`}
            placeholder="A user’s name"
            options={(users.value ?? []).map(({ name }) => ({ value: name }))}
            empty={users.loading ? 'Looking for users' : 'No user matches'}
            onChange={({ detail }) => onChange({ userId: detail.value })}
          />
        </FormField>
      </SpaceBetween>
      <FilterBuilder draft={settings.filter} keys={keys} onChange={(filter) => onChange({ filter })} />
    </div>
  )
}
