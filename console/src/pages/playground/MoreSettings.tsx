import Checkbox from '@cloudscape-design/components/checkbox'
import ExpandableSection from '@cloudscape-design/components/expandable-section'
import FormField from '@cloudscape-design/components/form-field'
import Input from '@cloudscape-design/components/input'
import SpaceBetween from '@cloudscape-design/components/space-between'
import { Choice } from './Choice.tsx'
import { CACHE_POINTS, PRIORITIES, type Settings, type SettingsErrors } from './settings.ts'

interface Props {
  settings: Settings
  errors: SettingsErrors
  onChange: (settings: Settings) => void
}

/** Repetition, order and cache: what models of this server know beyond AWS's own parameters. */
export function MoreSettings({ settings, errors, onChange }: Props) {
  const set = (change: Partial<Settings>) => onChange({ ...settings, ...change })
  return (
    <ExpandableSection headerText="Repetition, order and cache" variant="footer">
      <SpaceBetween size="m">
        <FormField label="Never repeat so many tokens" constraintText="Size of the n-gram, 1 to 256" errorText={errors.ngramSize}>
          <Input
            value={settings.ngramSize}
            inputMode="numeric"
            placeholder="off"
            onChange={({ detail }) => set({ ngramSize: detail.value })}
          />
        </FormField>
        <Checkbox
          checked={settings.ngramCountsPrompt}
          disabled={settings.ngramSize.trim() === ''}
          onChange={({ detail }) => set({ ngramCountsPrompt: detail.checked })}
        >
          What the prompt says counts
        </Checkbox>
        <Checkbox
          checked={settings.loopDetection}
          description="An answer that repeats itself without end is ended."
          onChange={({ detail }) => set({ loopDetection: detail.checked })}
        >
          Detect loops
        </Checkbox>
        {settings.loopDetection &&
          LOOP.map(({ field, label, usual }) => (
            <FormField key={field} label={label} errorText={errors[field]}>
              <Input
                value={settings[field]}
                inputMode="numeric"
                placeholder={usual}
                onChange={({ detail }) => set({ [field]: detail.value })}
              />
            </FormField>
          ))}
        <FormField label="Priority">
          <Choice options={PRIORITIES} value={settings.priority} onChange={(priority) => set({ priority })} />
        </FormField>
        <Checkbox
          checked={settings.deterministic}
          description="The answer depends on nothing that runs beside it."
          onChange={({ detail }) => set({ deterministic: detail.checked })}
        >
          Deterministic
        </Checkbox>
        <FormField label="Cache point" constraintText="Keeps what comes before it for later requests">
          <Choice options={CACHE_POINTS} value={settings.cachePoint} onChange={(cachePoint) => set({ cachePoint })} />
        </FormField>
      </SpaceBetween>
    </ExpandableSection>
  )
}

const LOOP = [
  { field: 'loopRepeats', label: 'Copies that are a loop', usual: '4' },
  { field: 'loopMaxPeriod', label: 'Most tokens of a copy', usual: '128' },
  { field: 'loopMinTokens', label: 'Fewest tokens of all copies', usual: '64' },
] as const
