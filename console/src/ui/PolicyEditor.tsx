import Box from '@cloudscape-design/components/box'
import Button from '@cloudscape-design/components/button'
import FormField from '@cloudscape-design/components/form-field'
import SpaceBetween from '@cloudscape-design/components/space-between'
import StatusIndicator from '@cloudscape-design/components/status-indicator'
import Textarea from '@cloudscape-design/components/textarea'
import type { Finding, PolicyType } from '../api/policyCheck.ts'
import { format } from './policyText.ts'
import { usePolicyCheck, type PolicyCheck } from './usePolicyCheck.ts'

interface Props {
  label: string
  type: PolicyType
  value: string
  onChange: (text: string) => void
  /** Whether no policy at all is a policy, as for buckets. */
  mayBeEmpty?: boolean
  rows?: number
  readOnly?: boolean
}

/** A policy document as text, with what the server says of it told while it is written. */
export function PolicyEditor({ label, type, value, onChange, mayBeEmpty = false, rows = 16, readOnly = false }: Props) {
  const check = usePolicyCheck(type, readOnly ? '' : value)
  return (
    <FormField
      label={label}
      stretch
      secondaryControl={
        readOnly ? undefined : (
          <Button ariaLabel={`Format ${label}`} onClick={() => onChange(format(value))}>
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
        {!readOnly && (
          <div data-testid="findings" aria-live="polite">
            <Verdict check={check} mayBeEmpty={mayBeEmpty} />
          </div>
        )}
      </SpaceBetween>
    </FormField>
  )
}

function Verdict({ check, mayBeEmpty }: { check: PolicyCheck; mayBeEmpty: boolean }) {
  switch (check.state) {
    case 'empty':
      return mayBeEmpty ? (
        <StatusIndicator type="info">No policy</StatusIndicator>
      ) : (
        <StatusIndicator type="warning">The policy is empty.</StatusIndicator>
      )
    case 'checking':
      return <StatusIndicator type="in-progress">Checking</StatusIndicator>
    case 'unknown':
      return (
        <StatusIndicator type="info" wrapText>
          It is checked when it is saved: {check.error.message}
        </StatusIndicator>
      )
    case 'checked':
      return check.findings.length === 0 ? (
        <StatusIndicator type="success">Valid</StatusIndicator>
      ) : (
        check.findings.map((finding) => <OneFinding key={`${finding.line} ${finding.message}`} finding={finding} />)
      )
  }
}

function OneFinding({ finding: { severity, code, message, hint, line, column } }: { finding: Finding }) {
  const word = severity === 'error' ? 'Error' : 'Warning'
  const place = line === null ? word : column === null ? `Line ${line}` : `Line ${line}, column ${column}`
  return (
    <div className="craton-finding">
      <StatusIndicator type={severity}>{place}</StatusIndicator>
      <div>{message}</div>
      {hint && <div>{hint}</div>}
      {code && (
        <Box variant="small" color="text-body-secondary">
          {code}
        </Box>
      )}
    </div>
  )
}
