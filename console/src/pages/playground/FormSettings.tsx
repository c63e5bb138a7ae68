import ExpandableSection from '@cloudscape-design/components/expandable-section'
import FormField from '@cloudscape-design/components/form-field'
import SpaceBetween from '@cloudscape-design/components/space-between'
import Textarea from '@cloudscape-design/components/textarea'
import { Choice } from './Choice.tsx'
import { FORMS, type Settings, type SettingsErrors } from './settings.ts'

interface Props {
  settings: Settings
  errors: SettingsErrors
  onChange: (settings: Settings) => void
}

/** What an answer must look like, which models of this server keep to word for word. */
export function FormSettings({ settings, errors, onChange }: Props) {
  const { form, formText } = settings
  return (
    <ExpandableSection headerText="Form of the answer" variant="footer">
      <SpaceBetween size="m">
        <FormField label="The answer is">
          <Choice options={FORMS} value={form} onChange={(form) => onChange({ ...settings, form })} />
        </FormField>
        {form !== 'none' && (
          <FormField label={LABELS[form]} errorText={errors.formText} stretch>
            <div className="craton-editor">
              <Textarea
                value={formText}
                rows={5}
                spellcheck={false}
                placeholder={PLACEHOLDERS[form]}
                onChange={({ detail }) => onChange({ ...settings, formText: detail.value })}
              />
            </div>
          </FormField>
        )}
      </SpaceBetween>
    </ExpandableSection>
  )
}

const LABELS = { schema: 'JSON schema', regex: 'Regular expression', grammar: 'Grammar', choice: 'Texts, one a line' }

const PLACEHOLDERS = {
  schema: '{"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}',
  regex: '[0-9]{4}-[0-9]{2}-[0-9]{2}',
  grammar: 'start: "yes" | "no"',
  choice: 'yes\nno',
}
