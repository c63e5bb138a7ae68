import Alert from '@cloudscape-design/components/alert'
import FormField from '@cloudscape-design/components/form-field'
import Input from '@cloudscape-design/components/input'
import KeyValuePairs from '@cloudscape-design/components/key-value-pairs'
import SpaceBetween from '@cloudscape-design/components/space-between'
import StatusIndicator from '@cloudscape-design/components/status-indicator'
import { useState } from 'react'
import { deleteEndpoint, type EndpointDetails, type MarketplaceRow } from '../../api/endpoints.ts'
import { useNotify } from '../../shell/Notifications.tsx'
import { ConfirmModal } from '../../ui/ConfirmModal.tsx'
import { useAction } from '../../ui/useAction.ts'
import { modelName, statusOf } from './text.ts'

interface Props {
  endpoint: EndpointDetails
  marketplace: MarketplaceRow | undefined
  onDeleted: () => void
  onDismiss: () => void
}

/** What has to be typed, as Bedrock's console asks. */
const WORD = 'confirm'

/** Shows which endpoint it is, and deletes it once `confirm` was typed. */
export function DeleteEndpoint({ endpoint, marketplace, onDeleted, onDismiss }: Props) {
  const [typed, setTyped] = useState('')
  const notify = useNotify()
  const remove = useAction(async () => {
    await deleteEndpoint(endpoint, marketplace !== undefined)
    notify('success', `The endpoint ${endpoint.name} is being deleted.`)
    onDeleted()
  })
  const { type, text } = statusOf(endpoint.status)
  const model = marketplace ? modelName(marketplace.modelSourceIdentifier) : (endpoint.configured[0]?.ModelName ?? '–')
  return (
    <ConfirmModal
      title="Delete the endpoint?"
      confirmLabel="Delete"
      busy={remove.busy}
      error={remove.error}
      disabled={typed !== WORD}
      onConfirm={() => void remove.run()}
      onDismiss={onDismiss}
    >
      <SpaceBetween size="m">
        <KeyValuePairs
          columns={3}
          items={[
            { label: 'Endpoint name', value: <span className="craton-stack">{endpoint.name}</span> },
            { label: 'Model name', value: <span className="craton-stack">{model}</span> },
            { label: 'Endpoint status', value: <StatusIndicator type={type}>{text}</StatusIndicator> },
          ]}
        />
        <Alert type="warning">
          This cannot be undone: requests for the endpoint fail from then on. What it is answering now is answered to the end. The
          model’s files stay on this server.
        </Alert>
        <FormField label={`To delete it, type ${WORD}`}>
          <Input value={typed} spellcheck={false} placeholder={WORD} onChange={({ detail }) => setTyped(detail.value)} />
        </FormField>
      </SpaceBetween>
    </ConfirmModal>
  )
}
