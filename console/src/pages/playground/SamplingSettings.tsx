import ExpandableSection from '@cloudscape-design/components/expandable-section'
import FormField from '@cloudscape-design/components/form-field'
import Input from '@cloudscape-design/components/input'
import SpaceBetween from '@cloudscape-design/components/space-between'
import type { Settings, SettingsErrors } from './settings.ts'

interface Props {
  settings: Settings
  errors: SettingsErrors
  onChange: (settings: Settings) => void
}

const FIELDS = [
  { field: 'topK', label: 'Top K', constraint: 'So many of the likeliest tokens' },
  { field: 'minP', label: 'Min P', constraint: '0 to 1: a share of the likeliest token’s probability' },
  { field: 'seed', label: 'Seed', constraint: 'The same number draws the same way' },
  { field: 'frequencyPenalty', label: 'Frequency penalty', constraint: '-2 to 2, for each time that a token was written' },
  { field: 'presencePenalty', label: 'Presence penalty', constraint: '-2 to 2, where a token was written' },
] as const

/** How tokens are drawn, beyond what AWS's own parameters say. */
export function SamplingSettings({ settings, errors, onChange }: Props) {
  return (
    <ExpandableSection headerText="More sampling" variant="footer">
      <SpaceBetween size="m">
        {FIELDS.map(({ field, label, constraint }) => (
          <FormField key={field} label={label} constraintText={constraint} errorText={errors[field]}>
            <Input
              value={settings[field]}
              inputMode="decimal"
              placeholder="model's own"
              onChange={({ detail }) => onChange({ ...settings, [field]: detail.value })}
            />
          </FormField>
        ))}
      </SpaceBetween>
    </ExpandableSection>
  )
}
