import Box from '@cloudscape-design/components/box'
import Button from '@cloudscape-design/components/button'
import FormField from '@cloudscape-design/components/form-field'
import SpaceBetween from '@cloudscape-design/components/space-between'
import StatusIndicator from '@cloudscape-design/components/status-indicator'
import Textarea from '@cloudscape-design/components/textarea'
import { check, format } from './policyText.ts'

interface Props {
  label: string
  value: string
  onChange: (text: string) => void
  /** Whether no policy at all is a policy, as for buckets. */
  mayBeEmpty?: boolean
  rows?: number
  readOnly?: boolean
}

/** A policy document as text, with what is wrong in it told while it is written. */
export function PolicyEditor({ label, value, onChange, mayBeEmpty = false, rows = 16, readOnly = false }: Props) {
  const findings = mayBeEmpty && value.trim() === '' ? [] : check(value)
  return (
    <FormField
      label={label}
      stretch
      secondaryControl={
        readOnly ? undefined : (
          <Button iconName="expand" ariaLabel={`Format ${label}`} onClick={() => onChange(format(value))}>
            Format
          </Button>
        )
      }
    >
      <SpaceBetween size="xs">
        <div className="craton-editor">
          <Textarea
            value={value}
            rows={rows}
            spellcheck={false}
            disableBrowserAutocorrect
            readOnly={readOnly}
            ariaLabel={label}
            onChange={({ detail }) => onChange(detail.value)}
          />
        </div>
        <div data-testid="findings">
          {findings.length === 0 ? (
            <StatusIndicator type="success">{value.trim() === '' ? 'No policy' : 'Well formed'}</StatusIndicator>
          ) : (
            findings.map(({ message, line }) => (
              <div key={message}>
                <StatusIndicator type="warning" wrapText>
                  {line !== undefined && <Box variant="span">Line {line}: </Box>}
                  {message}
                </StatusIndicator>
              </div>
            ))
          )}
        </div>
      </SpaceBetween>
    </FormField>
  )
}
