import Button from '@cloudscape-design/components/button'
import Container from '@cloudscape-design/components/container'
import FormField from '@cloudscape-design/components/form-field'
import Header from '@cloudscape-design/components/header'
import Input from '@cloudscape-design/components/input'
import SpaceBetween from '@cloudscape-design/components/space-between'
import Toggle from '@cloudscape-design/components/toggle'
import { useCallback, useEffect, useState } from 'react'
import { encryption, setEncryption, setVersioning, versioning } from '../../api/s3.ts'
import { ErrorAlert } from '../../ui/ErrorAlert.tsx'
import { useAction } from '../../ui/useAction.ts'
import { useLoad } from '../../ui/useLoad.ts'

/** What a bucket does with its objects. */
export function BucketProperties({ bucket }: { bucket: string }) {
  const status = useLoad(useCallback((signal: AbortSignal) => versioning(bucket, signal), [bucket]))
  const rule = useLoad(useCallback((signal: AbortSignal) => encryption(bucket, signal), [bucket]))
  const [key, setKey] = useState('')
  useEffect(() => setKey(rule.value?.key ?? ''), [rule.value])
  const toggle = useAction(async (on: boolean) => {
    await setVersioning(bucket, on)
    status.reload()
  })
  const encrypt = useAction(async () => {
    await setEncryption(bucket, key.trim())
    rule.reload()
  })
  return (
    <SpaceBetween size="m">
      <ErrorAlert error={status.error ?? rule.error} title="Could not read the properties" onRetry={status.reload} />
      <Container header={<Header variant="h2">Versioning</Header>}>
        <SpaceBetween size="s">
          <ErrorAlert error={toggle.error} title="Could not change versioning" onDismiss={toggle.clearError} />
          <Toggle
            checked={status.value === 'Enabled'}
            disabled={status.loading || toggle.busy}
            description={VERSIONING[status.value ?? ''] ?? ''}
            onChange={({ detail }) => void toggle.run(detail.checked)}
          >
            Keep versions of objects
          </Toggle>
        </SpaceBetween>
      </Container>
      <Container
        header={
          <Header
            variant="h2"
            description="Objects are always encrypted. With a KMS key, who reads them needs the key as well."
            actions={
              <Button disabled={key.trim() === (rule.value?.key ?? '')} loading={encrypt.busy} onClick={() => void encrypt.run()}>
                Save
              </Button>
            }
          >
            Default encryption
          </Header>
        }
      >
        <SpaceBetween size="s">
          <ErrorAlert error={encrypt.error} title="Could not change the encryption" onDismiss={encrypt.clearError} />
          <FormField label="KMS key" description="The ARN, id or alias of a key. Leave it empty for Craton's own key (SSE-S3)." stretch>
            <Input value={key} spellcheck={false} placeholder="alias/models" onChange={({ detail }) => setKey(detail.value)} />
          </FormField>
        </SpaceBetween>
      </Container>
    </SpaceBetween>
  )
}

const VERSIONING: Record<string, string> = {
  '': 'The bucket has never kept versions.',
  Enabled: 'What is overwritten or deleted can be brought back.',
  Suspended: 'Versions made before are kept; new objects replace each other.',
}
