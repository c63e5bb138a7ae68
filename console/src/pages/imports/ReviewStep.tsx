import Alert from '@cloudscape-design/components/alert'
import Button from '@cloudscape-design/components/button'
import Checkbox from '@cloudscape-design/components/checkbox'
import Container from '@cloudscape-design/components/container'
import FormField from '@cloudscape-design/components/form-field'
import Header from '@cloudscape-design/components/header'
import KeyValuePairs from '@cloudscape-design/components/key-value-pairs'
import SpaceBetween from '@cloudscape-design/components/space-between'
import type { CheckResult } from '../../api/imports.ts'
import { useSession } from '../../shell/SessionContext.tsx'
import { CodeTabs } from '../../ui/CodeTabs.tsx'
import { commandOf, cratonCommandOf, requestOf, type Draft } from './draft.ts'
import { FORMATS } from './parts.tsx'

interface Props {
  draft: Draft
  /** What the checks said of this very draft; nothing where they were not run. */
  result: CheckResult | undefined
  /** Whether it may start although not all checks passed. */
  anyway: boolean
  /** Whether a start was refused for want of that. */
  refused: boolean
  onAnyway: (anyway: boolean) => void
  onStep: (step: string) => void
}

/** All that was chosen, once more, and what the checks said. */
export function ReviewStep({ draft, result, anyway, refused, onAnyway, onStep }: Props) {
  const { account } = useSession()
  const request = requestOf(draft)
  const code = (text: string) => <code className="craton-secret">{text}</code>
  return (
    <SpaceBetween size="l">
      {result?.passes ? (
        <Alert type="success" header="All checks passed">
          The import can start.
        </Alert>
      ) : (
        <Alert
          type="warning"
          header={result ? 'Not all checks passed' : 'The checks were not run'}
          action={<Button onClick={() => onStep('checks')}>{result ? 'Back to the checks' : 'Run the checks'}</Button>}
        >
          <SpaceBetween size="xs">
            {failures(result)}
            <FormField errorText={refused ? 'Confirm that it may start, or go back to the checks.' : ''}>
              <Checkbox checked={anyway} onChange={({ detail }) => onAnyway(detail.checked)}>
                Start it anyway: it will fail while something is missing
              </Checkbox>
            </FormField>
          </SpaceBetween>
        </Alert>
      )}
      <Container
        header={
          <Header variant="h2" actions={<Button onClick={() => onStep('source')}>Edit</Button>}>
            Import
          </Header>
        }
      >
        <KeyValuePairs
          columns={2}
          items={[
            { label: 'S3 URI', value: code(draft.s3Uri) },
            { label: 'Source account', value: draft.sourceAccount || `${account}, this one` },
            { label: 'Execution role', value: code(draft.roleArn) },
            { label: 'Job', value: code(draft.jobName) },
            { label: 'Model', value: code(draft.modelName) },
            { label: 'How the weights are kept', value: FORMATS[draft.quantization].label },
            { label: 'Bound', value: draft.bound.trim() ? code(draft.bound.trim()) : 'The type’s own' },
            { label: 'Encryption key', value: draft.kmsKey ? code(draft.kmsKey) : 'Craton’s own' },
            { label: 'Tags', value: draft.tags.map(({ key, value }) => `${key} = ${value}`).join(', ') || 'none' },
          ]}
        />
      </Container>
      <Container header={<Header variant="h2">The same on the command line</Header>}>
        <CodeTabs
          samples={[
            { id: 'craton', label: 'craton', code: cratonCommandOf(request) },
            { id: 'aws', label: 'AWS CLI', code: commandOf(request) + (request.quantization === 'F16' ? '' : NO_OPTION) },
          ]}
        />
      </Container>
    </SpaceBetween>
  )
}

const NO_OPTION = '\n# The AWS CLI has no option for how weights are kept and makes F16 of them.'

function failures(result: CheckResult | undefined) {
  const failed = result?.checks.filter(({ outcome }) => outcome === 'failed') ?? []
  if (failed.length === 0) return null
  return (
    <ul className="craton-list">
      {failed.map(({ name, title, message }) => (
        <li key={name} className="craton-stack">
          {title}
          {message && `: ${message}`}
        </li>
      ))}
    </ul>
  )
}
