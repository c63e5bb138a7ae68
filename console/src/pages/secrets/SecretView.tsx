import BreadcrumbGroup from '@cloudscape-design/components/breadcrumb-group'
import Button from '@cloudscape-design/components/button'
import Container from '@cloudscape-design/components/container'
import FormField from '@cloudscape-design/components/form-field'
import Header from '@cloudscape-design/components/header'
import Input from '@cloudscape-design/components/input'
import SpaceBetween from '@cloudscape-design/components/space-between'
import Table from '@cloudscape-design/components/table'
import Textarea from '@cloudscape-design/components/textarea'
import { useCallback, useState } from 'react'
import { isoOf } from '../../api/awsJson.ts'
import {
  deleteSecret,
  listVersions,
  putSecretValue,
  saveSecretPolicy,
  secretPolicy,
  secretValue,
} from '../../api/secrets.ts'
import { useNotify } from '../../shell/Notifications.tsx'
import { follow, href, navigate } from '../../shell/router.tsx'
import { ConfirmModal } from '../../ui/ConfirmModal.tsx'
import { ErrorAlert } from '../../ui/ErrorAlert.tsx'
import { PolicyPanel } from '../../ui/PolicyPanel.tsx'
import { Time } from '../../ui/Time.tsx'
import { useAction } from '../../ui/useAction.ts'
import { useLoad } from '../../ui/useLoad.ts'

/** One secret: its value when it is asked for, its versions, its policy. */
export function SecretView({ arn }: { arn: string }) {
  const name = (arn.split(':secret:')[1] ?? arn).replace(/-\w{6}$/, '')
  const versions = useLoad(useCallback((signal: AbortSignal) => listVersions(arn, signal), [arn]))
  const loadPolicy = useCallback((signal: AbortSignal) => secretPolicy(arn, signal), [arn])
  const [shown, setShown] = useState<string>()
  const [next, setNext] = useState<string>()
  const [days, setDays] = useState<string>()
  const notify = useNotify()
  const show = useAction(async (version?: string) => {
    const value = await secretValue(arn, version)
    setShown(value.SecretString ?? `Binary, in base64: ${value.SecretBinary ?? ''}`)
  })
  const put = useAction(async () => {
    await putSecretValue(arn, next ?? '')
    setNext(undefined)
    setShown(undefined)
    versions.reload()
  })
  const remove = useAction(async () => {
    await deleteSecret(arn, Number(days))
    notify('success', `The secret ${name} will be deleted in ${days} days.`)
    navigate('/secrets')
  })
  return (
    <SpaceBetween size="m">
      <BreadcrumbGroup
        ariaLabel="Secrets"
        items={[
          { text: 'Secrets', href: href('/secrets') },
          { text: name, href: '#' },
        ]}
        onFollow={follow}
      />
      <Container
        header={
          <Header
            variant="h1"
            description={<code className="craton-secret">{arn}</code>}
            actions={
              <SpaceBetween direction="horizontal" size="xs">
                <Button onClick={() => setDays('30')}>Delete</Button>
                <Button onClick={() => setNext('')}>New value</Button>
                {shown === undefined ? (
                  <Button variant="primary" loading={show.busy} onClick={() => void show.run()}>
                    Show value
                  </Button>
                ) : (
                  <Button onClick={() => setShown(undefined)}>Hide value</Button>
                )}
              </SpaceBetween>
            }
          >
            {name}
          </Header>
        }
      >
        <SpaceBetween size="s">
          <ErrorAlert error={show.error} title="Could not read the value" onDismiss={show.clearError} />
          {shown === undefined ? 'The value is hidden.' : <pre className="craton-code">{shown}</pre>}
        </SpaceBetween>
      </Container>
      <ErrorAlert error={versions.error} title="Could not list the versions" onRetry={versions.reload} />
      <Table
        items={versions.value ?? []}
        trackBy="VersionId"
        loading={versions.loading}
        ariaLabels={{ tableLabel: 'Versions' }}
        header={<Header variant="h2">Versions</Header>}
        columnDefinitions={[
          { id: 'id', header: 'Version', isRowHeader: true, cell: ({ VersionId }) => <code className="craton-secret">{VersionId}</code> },
          { id: 'stages', header: 'Stages', cell: ({ VersionStages }) => VersionStages?.join(', ') || '–' },
          { id: 'created', header: 'Created', cell: ({ CreatedDate }) => <Time iso={isoOf(CreatedDate)} /> },
          {
            id: 'actions',
            header: 'Actions',
            cell: ({ VersionId }) => (
              <Button variant="inline-link" ariaLabel={`Show ${VersionId}`} onClick={() => void show.run(VersionId)}>
                Show
              </Button>
            ),
          },
        ]}
      />
      <PolicyPanel
        title="Resource policy"
        type="secret"
        description="Lets other accounts and roles read the secret. The key must let them decrypt as well."
        load={loadPolicy}
        save={(text) => saveSecretPolicy(arn, text)}
        mayBeEmpty
      />
      {next !== undefined && (
        <ConfirmModal
          title={`New value of ${name}`}
          confirmLabel="Save"
          busy={put.busy}
          error={put.error}
          disabled={next === ''}
          onConfirm={() => void put.run()}
          onDismiss={() => setNext(undefined)}
        >
          <FormField label="Value" description="It becomes AWSCURRENT; the one before stays as AWSPREVIOUS.">
            <Textarea value={next} rows={6} spellcheck={false} onChange={({ detail }) => setNext(detail.value)} />
          </FormField>
        </ConfirmModal>
      )}
      {days !== undefined && (
        <ConfirmModal
          title={`Delete the secret ${name}?`}
          confirmLabel="Delete"
          busy={remove.busy}
          error={remove.error}
          disabled={!/^\d+$/.test(days) || Number(days) < 7 || Number(days) > 30}
          onConfirm={() => void remove.run()}
          onDismiss={() => setDays(undefined)}
        >
          <FormField label="Recovery window in days" description="7 to 30. Until it is over the secret can be restored.">
            <Input value={days} inputMode="numeric" onChange={({ detail }) => setDays(detail.value)} />
          </FormField>
        </ConfirmModal>
      )}
    </SpaceBetween>
  )
}
