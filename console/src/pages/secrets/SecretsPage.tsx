import Button from '@cloudscape-design/components/button'
import FormField from '@cloudscape-design/components/form-field'
import Header from '@cloudscape-design/components/header'
import Input from '@cloudscape-design/components/input'
import SpaceBetween from '@cloudscape-design/components/space-between'
import StatusIndicator from '@cloudscape-design/components/status-indicator'
import Table from '@cloudscape-design/components/table'
import Textarea from '@cloudscape-design/components/textarea'
import { useState } from 'react'
import { isoOf } from '../../api/awsJson.ts'
import { createSecret, listSecrets, restoreSecret } from '../../api/secrets.ts'
import { useNotify } from '../../shell/Notifications.tsx'
import { PageLink, useRoute } from '../../shell/router.tsx'
import { ConfirmModal } from '../../ui/ConfirmModal.tsx'
import { Empty } from '../../ui/Empty.tsx'
import { ErrorAlert } from '../../ui/ErrorAlert.tsx'
import { Time } from '../../ui/Time.tsx'
import { useAction } from '../../ui/useAction.ts'
import { useLoad } from '../../ui/useLoad.ts'
import { SecretView } from './SecretView.tsx'

/** The secrets of the account in the region shown, or one of them. */
export default function SecretsPage() {
  const { query } = useRoute()
  const secret = query.get('secret')
  return secret ? <SecretView key={secret} arn={secret} /> : <SecretList />
}

function SecretList() {
  const secrets = useLoad(listSecrets)
  const [creating, setCreating] = useState(false)
  const restore = useAction(async (arn: string) => {
    await restoreSecret(arn)
    secrets.reload()
  })
  return (
    <SpaceBetween size="m">
      <ErrorAlert error={secrets.error} title="Could not list the secrets" onRetry={secrets.reload} />
      <ErrorAlert error={restore.error} title="Could not restore the secret" onDismiss={restore.clearError} />
      <Table
        items={secrets.value ?? []}
        trackBy="ARN"
        variant="full-page"
        loading={secrets.loading}
        loadingText="Loading secrets"
        ariaLabels={{ tableLabel: 'Secrets' }}
        header={
          <Header
            variant="h1"
            counter={secrets.value ? `(${secrets.value.length})` : ''}
            description="Passwords and tokens that programs read when they need them, encrypted under KMS keys."
            actions={
              <SpaceBetween direction="horizontal" size="xs">
                <Button iconName="refresh" ariaLabel="Refresh" onClick={secrets.reload} />
                <Button variant="primary" onClick={() => setCreating(true)}>
                  Store a secret
                </Button>
              </SpaceBetween>
            }
          >
            Secrets
          </Header>
        }
        empty={<Empty title="No secrets yet" />}
        columnDefinitions={[
          {
            id: 'name',
            header: 'Name',
            isRowHeader: true,
            cell: ({ ARN, Name, DeletedDate }) =>
              DeletedDate ? Name : <PageLink to={`/secrets?secret=${encodeURIComponent(ARN)}`}>{Name}</PageLink>,
          },
          {
            id: 'state',
            header: 'State',
            cell: ({ DeletedDate }) =>
              DeletedDate ? <StatusIndicator type="warning">Pending deletion</StatusIndicator> : <StatusIndicator>Active</StatusIndicator>,
          },
          { id: 'description', header: 'Description', cell: ({ Description }) => Description || '–' },
          { id: 'changed', header: 'Changed', cell: ({ LastChangedDate }) => <Time iso={isoOf(LastChangedDate)} /> },
          {
            id: 'actions',
            header: 'Actions',
            cell: ({ ARN, Name, DeletedDate }) =>
              DeletedDate ? (
                <Button variant="inline-link" ariaLabel={`Restore ${Name}`} disabled={restore.busy} onClick={() => void restore.run(ARN)}>
                  Restore
                </Button>
              ) : (
                '–'
              ),
          },
        ]}
      />
      {creating && (
        <CreateSecret
          onCreated={() => {
            setCreating(false)
            secrets.reload()
          }}
          onDismiss={() => setCreating(false)}
        />
      )}
    </SpaceBetween>
  )
}

function CreateSecret({ onCreated, onDismiss }: { onCreated: () => void; onDismiss: () => void }) {
  const [name, setName] = useState('')
  const [value, setValue] = useState('')
  const [description, setDescription] = useState('')
  const [key, setKey] = useState('')
  const notify = useNotify()
  const create = useAction(async () => {
    await createSecret({
      Name: name.trim(),
      SecretString: value,
      ...(description.trim() ? { Description: description.trim() } : {}),
      ...(key.trim() ? { KmsKeyId: key.trim() } : {}),
    })
    notify('success', `The secret ${name.trim()} was stored.`)
    onCreated()
  })
  const wellFormed = name.trim() === '' || /^[\w/+=.@-]{1,512}$/.test(name.trim())
  return (
    <ConfirmModal
      title="Store a secret"
      confirmLabel="Store"
      busy={create.busy}
      error={create.error}
      disabled={name.trim() === '' || !wellFormed || value === ''}
      onConfirm={() => void create.run()}
      onDismiss={onDismiss}
    >
      <SpaceBetween size="m">
        <FormField label="Secret name" errorText={wellFormed ? '' : 'Names have letters, digits and / _ + = . @ -'}>
          <Input value={name} spellcheck={false} placeholder="prod/catalogue" onChange={({ detail }) => setName(detail.value)} />
        </FormField>
        <FormField label="Value" description="Plain text, or JSON with several names.">
          <Textarea value={value} rows={4} spellcheck={false} onChange={({ detail }) => setValue(detail.value)} />
        </FormField>
        <FormField label="Description">
          <Input value={description} onChange={({ detail }) => setDescription(detail.value)} />
        </FormField>
        <FormField label="KMS key" description="Leave it empty for the account's key for secrets.">
          <Input value={key} spellcheck={false} placeholder="alias/secrets" onChange={({ detail }) => setKey(detail.value)} />
        </FormField>
      </SpaceBetween>
    </ConfirmModal>
  )
}
