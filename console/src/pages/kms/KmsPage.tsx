import Button from '@cloudscape-design/components/button'
import FormField from '@cloudscape-design/components/form-field'
import Header from '@cloudscape-design/components/header'
import Input from '@cloudscape-design/components/input'
import SpaceBetween from '@cloudscape-design/components/space-between'
import StatusIndicator from '@cloudscape-design/components/status-indicator'
import Table from '@cloudscape-design/components/table'
import { useState } from 'react'
import { isoOf } from '../../api/awsJson.ts'
import { createKey, listKeys, type Key } from '../../api/kms.ts'
import { useNotify } from '../../shell/Notifications.tsx'
import { PageLink, useRoute } from '../../shell/router.tsx'
import { ConfirmModal } from '../../ui/ConfirmModal.tsx'
import { Empty } from '../../ui/Empty.tsx'
import { ErrorAlert } from '../../ui/ErrorAlert.tsx'
import { Time } from '../../ui/Time.tsx'
import { useAction } from '../../ui/useAction.ts'
import { useLoad } from '../../ui/useLoad.ts'
import { KeyView } from './KeyView.tsx'

/** The KMS keys of the account in the region shown, or one of them. */
export default function KmsPage() {
  const { query } = useRoute()
  const key = query.get('key')
  return key ? <KeyView key={key} id={key} /> : <KeyList />
}

function KeyList() {
  const keys = useLoad(listKeys)
  const [creating, setCreating] = useState(false)
  return (
    <SpaceBetween size="m">
      <ErrorAlert error={keys.error} title="Could not list the keys" onRetry={keys.reload} />
      <Table
        items={keys.value ?? []}
        trackBy="KeyId"
        variant="full-page"
        wrapLines
        loading={keys.loading}
        loadingText="Loading keys"
        ariaLabels={{ tableLabel: 'Encryption keys' }}
        header={
          <Header
            variant="h1"
            counter={keys.value ? `(${keys.value.length})` : ''}
            description="KMS keys encrypt objects, secrets and imported models. Their material never leaves the server."
            actions={
              <SpaceBetween direction="horizontal" size="xs">
                <Button iconName="refresh" ariaLabel="Refresh" onClick={keys.reload} />
                <Button variant="primary" onClick={() => setCreating(true)}>
                  Create key
                </Button>
              </SpaceBetween>
            }
          >
            Encryption keys
          </Header>
        }
        empty={<Empty title="No keys yet" />}
        columnDefinitions={[
          {
            id: 'id',
            header: 'Key id',
            isRowHeader: true,
            minWidth: 330,
            cell: ({ KeyId }) => <PageLink to={`/kms?key=${encodeURIComponent(KeyId)}`}>{KeyId}</PageLink>,
          },
          { id: 'aliases', header: 'Aliases', cell: ({ aliases }) => aliases.join(', ') || '–' },
          { id: 'state', header: 'State', cell: (key) => <KeyState item={key} /> },
          { id: 'manager', header: 'Managed by', cell: ({ KeyManager }) => (KeyManager === 'AWS' ? 'Craton' : 'You') },
          { id: 'description', header: 'Description', cell: ({ Description }) => Description || '–' },
          { id: 'created', header: 'Created', cell: ({ CreationDate }) => <Time iso={isoOf(CreationDate)} /> },
        ]}
      />
      {creating && (
        <CreateKey
          onCreated={() => {
            setCreating(false)
            keys.reload()
          }}
          onDismiss={() => setCreating(false)}
        />
      )}
    </SpaceBetween>
  )
}

/** Whether a key can be used. */
export function KeyState({ item: { KeyState: state } }: { item: Key }) {
  if (state === 'Enabled') return <StatusIndicator>Enabled</StatusIndicator>
  if (state === 'PendingDeletion') return <StatusIndicator type="warning">Pending deletion</StatusIndicator>
  return <StatusIndicator type="stopped">{state}</StatusIndicator>
}

function CreateKey({ onCreated, onDismiss }: { onCreated: () => void; onDismiss: () => void }) {
  const [alias, setAlias] = useState('')
  const [description, setDescription] = useState('')
  const notify = useNotify()
  const create = useAction(async () => {
    await createKey(alias.trim().replace(/^alias\//, ''), description.trim())
    notify('success', 'The key was created.')
    onCreated()
  })
  return (
    <ConfirmModal
      title="Create key"
      confirmLabel="Create"
      busy={create.busy}
      error={create.error}
      onConfirm={() => void create.run()}
      onDismiss={onDismiss}
    >
      <SpaceBetween size="m">
        <FormField label="Alias" description="A name that programs use instead of the id.">
          <Input value={alias} spellcheck={false} placeholder="models" onChange={({ detail }) => setAlias(detail.value)} />
        </FormField>
        <FormField label="Description">
          <Input value={description} onChange={({ detail }) => setDescription(detail.value)} />
        </FormField>
      </SpaceBetween>
    </ConfirmModal>
  )
}
