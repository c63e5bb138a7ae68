import FormField from '@cloudscape-design/components/form-field'
import Input from '@cloudscape-design/components/input'
import SpaceBetween from '@cloudscape-design/components/space-between'
import { useState } from 'react'
import { scaleEndpoint, type EndpointDetails } from '../../api/endpoints.ts'
import { useNotify } from '../../shell/Notifications.tsx'
import { ConfirmModal } from '../../ui/ConfirmModal.tsx'
import { useAction } from '../../ui/useAction.ts'
import { MOST_INSTANCES } from './draft.ts'

interface Props {
  endpoint: EndpointDetails
  onDone: () => void
  onDismiss: () => void
}

/** Asks how many instances are to answer. */
export function ScaleModal({ endpoint, onDone, onDismiss }: Props) {
  const notify = useNotify()
  const first = endpoint.variants[0]
  const [typed, setTyped] = useState(String(first?.DesiredInstanceCount ?? first?.CurrentInstanceCount ?? 1))
  const wrong = !/^\d{1,3}$/.test(typed.trim()) || Number(typed) > MOST_INSTANCES
  const scale = useAction(async () => {
    for (const { VariantName } of endpoint.variants) await scaleEndpoint(endpoint.name, VariantName, Number(typed))
    notify('success', `${endpoint.name} is being brought to ${typed} ${typed === '1' ? 'instance' : 'instances'}.`)
    onDone()
  })
  return (
    <ConfirmModal
      title={`Change the instances of ${endpoint.name}`}
      confirmLabel="Change"
      busy={scale.busy}
      error={scale.error}
      disabled={wrong}
      onConfirm={() => void scale.run()}
      onDismiss={onDismiss}
    >
      <SpaceBetween size="m">
        <div>
          The new ones are loaded before those that leave have answered what they were asked; no request is lost. With none, the next
          request starts one and waits for it.
        </div>
        <FormField
          label={endpoint.variants.length > 1 ? 'Instances of each variant' : 'Number of instances'}
          constraintText={`0 to ${MOST_INSTANCES}`}
          errorText={wrong ? `A whole number from 0 to ${MOST_INSTANCES}` : undefined}
        >
          <Input value={typed} inputMode="numeric" onChange={({ detail }) => setTyped(detail.value)} />
        </FormField>
      </SpaceBetween>
    </ConfirmModal>
  )
}
