import Box from '@cloudscape-design/components/box'
import Button from '@cloudscape-design/components/button'
import FormField from '@cloudscape-design/components/form-field'
import Input from '@cloudscape-design/components/input'
import RadioGroup from '@cloudscape-design/components/radio-group'
import SpaceBetween from '@cloudscape-design/components/space-between'
import StatusIndicator from '@cloudscape-design/components/status-indicator'
import Textarea from '@cloudscape-design/components/textarea'
import { VARIABLES, type CustomDraft, type CustomFaults, type RatingDraft } from './draft.ts'

const MOST_LABELS = 10

interface Props {
  number: number
  custom: CustomDraft
  faults: CustomFaults
  onChange: (changed: Partial<CustomDraft>) => void
  onRemove: () => void
}

/** A metric of one's own: its name, what the judge is told, and the labels. */
export function CustomMetric({ number, custom, faults, onChange, onRemove }: Props) {
  const setItem = (at: number, changed: Partial<RatingDraft>) => onChange({ items: custom.items.map((item, place) => (place === at ? { ...item, ...changed } : item)) })
  return (
    <fieldset className="craton-condition craton-fieldset">
      <legend className="craton-hidden">Custom metric {number}</legend>
      <SpaceBetween size="m">
        <FormField label="Metric name" errorText={faults.name} secondaryControl={<Button ariaLabel={`Remove ${custom.name}`} onClick={onRemove}>Remove</Button>}>
          <Input value={custom.name} spellcheck={false} onChange={({ detail }) => onChange({ name: detail.value })} />
        </FormField>
        <FormField
          label="Instructions"
          description={`What the judge is told. Variables: ${VARIABLES.map((variable) => `{{${variable}}}`).join(', ')}.`}
          errorText={faults.instructions}
          stretch
        >
          <div className="craton-editor">
            <Textarea value={custom.instructions} rows={5} spellcheck={false} onChange={({ detail }) => onChange({ instructions: detail.value })} />
          </div>
        </FormField>
        <FormField label="Rating scale" stretch>
          <RadioGroup
            value={custom.scale}
            items={[
              { value: 'numbers', label: 'Labels that count numbers', description: 'Brought to 0 to 1; there is a mean.' },
              { value: 'words', label: 'Labels that are words', description: 'They are counted; there is no mean.' },
              { value: 'none', label: 'None', description: 'The judge’s text is kept as it is.' },
            ]}
            onChange={({ detail }) => onChange({ scale: detail.value as CustomDraft['scale'] })}
          />
        </FormField>
        {custom.scale !== 'none' && (
          <SpaceBetween size="xs">
            {custom.items.map((item, at) => (
              <div key={at} className="craton-rating">
                <Input value={item.definition} placeholder="Label" ariaLabel={`Label ${at + 1} of ${custom.name}`} onChange={({ detail }) => setItem(at, { definition: detail.value })} />
                <Input value={item.value} placeholder={custom.scale === 'numbers' ? 'Number' : 'Word'} ariaLabel={`Value ${at + 1} of ${custom.name}`} onChange={({ detail }) => setItem(at, { value: detail.value })} />
                <Button iconName="close" variant="icon" ariaLabel={`Remove label ${at + 1} of ${custom.name}`} onClick={() => onChange({ items: custom.items.filter((_, place) => place !== at) })} />
              </div>
            ))}
            {faults.items && <StatusIndicator type="error">{faults.items}</StatusIndicator>}
            <Button variant="inline-link" disabled={custom.items.length >= MOST_LABELS} onClick={() => onChange({ items: [...custom.items, { definition: '', value: '' }] })}>
              Add a label
            </Button>
          </SpaceBetween>
        )}
        {custom.scale === 'none' && <Box variant="small">There is neither a mean nor a histogram of it.</Box>}
      </SpaceBetween>
    </fieldset>
  )
}
