import Button from '@cloudscape-design/components/button'
import FormField from '@cloudscape-design/components/form-field'
import Header from '@cloudscape-design/components/header'
import Input from '@cloudscape-design/components/input'
import Select from '@cloudscape-design/components/select'
import SpaceBetween from '@cloudscape-design/components/space-between'
import Table from '@cloudscape-design/components/table'
import { useState } from 'react'
import { createApiKey, deleteApiKey, listApiKeys, type ApiKey, type NewApiKey, type Surface } from '../../api/apiKeys.ts'
import { ConfirmModal } from '../../ui/ConfirmModal.tsx'
import { Empty } from '../../ui/Empty.tsx'
import { ErrorAlert } from '../../ui/ErrorAlert.tsx'
import { SecretModal } from '../../ui/SecretModal.tsx'
import { Time } from '../../ui/Time.tsx'
import { useAction } from '../../ui/useAction.ts'
import { useLoad } from '../../ui/useLoad.ts'

/** Bearer keys: Bedrock API keys and keys of the OpenAI surface. */
export function ApiKeys() {
  const keys = useLoad(listApiKeys)
  const [creating, setCreating] = useState(false)
  const [made, setMade] = useState<NewApiKey>()
  const [deleting, setDeleting] = useState<ApiKey>()
  const remove = useAction(async (key: ApiKey) => {
    await deleteApiKey(key.id)
    setDeleting(undefined)
    keys.reload()
  })
  return (
    <>
      <SpaceBetween size="s">
        <ErrorAlert error={keys.error} title="Could not list the API keys" onRetry={keys.reload} />
        <Table
          items={keys.value ?? []}
          trackBy="id"
          loading={keys.loading}
          loadingText="Loading API keys"
          ariaLabels={{ tableLabel: 'API keys' }}
          header={
            <Header
              variant="h2"
              counter={keys.value ? `(${keys.value.length})` : ''}
              description="Sent as “Authorization: Bearer …” to Bedrock or to the OpenAI API under /v1."
              actions={<Button onClick={() => setCreating(true)}>Create API key</Button>}
            >
              API keys
            </Header>
          }
          empty={<Empty title="No API keys">The OpenAI client needs one.</Empty>}
          columnDefinitions={[
            { id: 'name', header: 'Name', isRowHeader: true, cell: (key) => key.name },
            { id: 'surface', header: 'Opens', cell: (key) => surfaceLabel(key.surface) },
            { id: 'created', header: 'Created', cell: (key) => <Time iso={key.createdAt} /> },
            { id: 'used', header: 'Last used', cell: (key) => <Time iso={key.lastUsedAt} none="never" /> },
            { id: 'expires', header: 'Expires', cell: (key) => <Time iso={key.expiresAt} none="never" /> },
            {
              id: 'actions',
              header: 'Actions',
              cell: (key) => (
                <Button variant="inline-link" ariaLabel={`Delete ${key.name}`} onClick={() => setDeleting(key)}>
                  Delete
                </Button>
              ),
            },
          ]}
        />
      </SpaceBetween>
      {creating && (
        <CreateApiKey
          onMade={(key) => {
            setMade(key)
            setCreating(false)
            keys.reload()
          }}
          onDismiss={() => setCreating(false)}
        />
      )}
      {made && (
        <SecretModal title={`API key ${made.name}`} parts={[{ label: 'Key', text: made.key }]} onDismiss={() => setMade(undefined)} />
      )}
      {deleting && (
        <ConfirmModal
          title={`Delete ${deleting.name}?`}
          confirmLabel="Delete"
          busy={remove.busy}
          error={remove.error}
          onConfirm={() => void remove.run(deleting)}
          onDismiss={() => {
            remove.clearError()
            setDeleting(undefined)
          }}
        >
          Requests with this key are refused from then on.
        </ConfirmModal>
      )}
    </>
  )
}

function CreateApiKey({ onMade, onDismiss }: { onMade: (key: NewApiKey) => void; onDismiss: () => void }) {
  const [name, setName] = useState('')
  const [surface, setSurface] = useState<Surface>('both')
  const [days, setDays] = useState('')
  const create = useAction(async () =>
    onMade(await createApiKey(name.trim(), surface, days === '' ? undefined : Number(days))),
  )
  const daysAreGood = days === '' || (/^\d+$/.test(days) && Number(days) > 0)
  return (
    <ConfirmModal
      title="Create API key"
      confirmLabel="Create"
      busy={create.busy}
      error={create.error}
      disabled={name.trim() === '' || !daysAreGood}
      onConfirm={() => void create.run()}
      onDismiss={onDismiss}
    >
      <SpaceBetween size="m">
        <FormField label="Name" description="Who or what uses it.">
          <Input value={name} placeholder="notebook" onChange={({ detail }) => setName(detail.value)} />
        </FormField>
        <FormField label="Opens">
          <Select
            options={SURFACES}
            selectedOption={SURFACES.find((option) => option.value === surface) ?? null}
            onChange={({ detail }) => setSurface((detail.selectedOption.value as Surface | undefined) ?? 'both')}
          />
        </FormField>
        <FormField
          label={
            <span>
              Expires after days <i>- optional</i>
            </span>
          }
          errorText={daysAreGood ? '' : 'A whole number of days, at least 1'}
        >
          <Input value={days} inputMode="numeric" placeholder="never" onChange={({ detail }) => setDays(detail.value)} />
        </FormField>
      </SpaceBetween>
    </ConfirmModal>
  )
}

const SURFACES: { value: Surface; label: string }[] = [
  { value: 'both', label: 'Bedrock and OpenAI' },
  { value: 'bedrock', label: 'Bedrock' },
  { value: 'openai', label: 'OpenAI' },
]

function surfaceLabel(surface: Surface): string {
  return SURFACES.find((option) => option.value === surface)?.label ?? surface
}
