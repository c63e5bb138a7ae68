import FormField from '@cloudscape-design/components/form-field'
import Input from '@cloudscape-design/components/input'
import SpaceBetween from '@cloudscape-design/components/space-between'
import Textarea from '@cloudscape-design/components/textarea'
import { FormSettings } from './FormSettings.tsx'
import { MoreSettings } from './MoreSettings.tsx'
import { SamplingSettings } from './SamplingSettings.tsx'
import type { Settings, SettingsErrors } from './settings.ts'

interface Props {
  settings: Settings
  errors: SettingsErrors
  onChange: (settings: Settings) => void
}

/** System prompt, sampling and what goes beyond them, the same for every pane. */
export function SettingsForm({ settings, errors, onChange }: Props) {
  const set = (field: 'system' | 'temperature' | 'topP' | 'maxTokens' | 'stopSequences') => (event: { detail: { value: string } }) =>
    onChange({ ...settings, [field]: event.detail.value })
  return (
    <SpaceBetween size="m">
      <FormField label="System prompt" stretch>
        <Textarea
          value={settings.system}
          rows={3}
          placeholder="You are a helpful assistant."
          onChange={set('system')}
        />
      </FormField>
      <SpaceBetween size="m">
        <FormField label="Temperature" constraintText="0 to 1; 0 repeats exactly" errorText={errors.temperature}>
          <Input value={settings.temperature} inputMode="decimal" placeholder="model's own" onChange={set('temperature')} />
        </FormField>
        <FormField label="Top P" constraintText="0 to 1" errorText={errors.topP}>
          <Input value={settings.topP} inputMode="decimal" placeholder="model's own" onChange={set('topP')} />
        </FormField>
        <FormField label="Max tokens" constraintText="Length of the answer" errorText={errors.maxTokens}>
          <Input value={settings.maxTokens} inputMode="numeric" placeholder="model's own" onChange={set('maxTokens')} />
        </FormField>
        <FormField label="Stop sequences" constraintText="One per line" errorText={errors.stopSequences}>
          <Textarea value={settings.stopSequences} rows={2} onChange={set('stopSequences')} />
        </FormField>
      </SpaceBetween>
      <SamplingSettings settings={settings} errors={errors} onChange={onChange} />
      <FormSettings settings={settings} errors={errors} onChange={onChange} />
      <MoreSettings settings={settings} errors={errors} onChange={onChange} />
    </SpaceBetween>
  )
}
