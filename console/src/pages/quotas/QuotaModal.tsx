import FormField from '@cloudscape-design/components/form-field'
import Input from '@cloudscape-design/components/input'
import SpaceBetween from '@cloudscape-design/components/space-between'
import { useState } from 'react'
import { putQuota, type Quota } from '../../api/quotas.ts'
import { ConfirmModal } from '../../ui/ConfirmModal.tsx'
import { useAction } from '../../ui/useAction.ts'
import { draftOf, EMPTY, limitsOf, problems, type Draft } from './draft.ts'

interface Props {
  /** Absent: a new one. */
  quota: Quota | undefined
  onSaved: (accountId: string) => void
  onDismiss: () => void
}

/** Sets or changes what an account may ask. */
export function QuotaModal({ quota, onSaved, onDismiss }: Props) {
  const [draft, setDraft] = useState<Draft>(quota ? draftOf(quota) : EMPTY)
  const wrong = problems(draft)
  const save = useAction(async () => {
    const accountId = draft.accountId.trim()
    await putQuota(accountId, draft.modelId.trim() || null, limitsOf(draft))
    onSaved(accountId)
  })
  const input = (field: keyof Draft, numeric: boolean, placeholder: string) => (
    <Input
      value={draft[field]}
      readOnly={quota !== undefined && !numeric}
      inputMode={numeric || field === 'accountId' ? 'numeric' : 'text'}
      spellcheck={false}
      placeholder={placeholder}
      onChange={({ detail }) => setDraft({ ...draft, [field]: detail.value })}
    />
  )
  return (
    <ConfirmModal
      title={quota ? 'Change quota' : 'Set quota'}
      confirmLabel="Save"
      busy={save.busy}
      error={save.error}
      disabled={Object.keys(wrong).length > 0}
      onConfirm={() => void save.run()}
      onDismiss={onDismiss}
    >
      <SpaceBetween size="m">
        <FormField label="Account id" errorText={draft.accountId === '' ? '' : wrong.accountId}>
          {input('accountId', false, '111122223333')}
        </FormField>
        <FormField
          label="Model"
          description="A model id as requests name it. Empty: each model for which the account has no quota of its own."
        >
          {input('modelId', false, 'each model')}
        </FormField>
        <FormField label="Requests a minute" errorText={wrong.requests}>
          {input('requests', true, 'no limit')}
        </FormField>
        <FormField label="Tokens a minute" description="Read and written together." errorText={wrong.tokens}>
          {input('tokens', true, 'no limit')}
        </FormField>
        <FormField label="Requests at the same time" errorText={wrong.running}>
          {input('running', true, 'no limit')}
        </FormField>
      </SpaceBetween>
    </ConfirmModal>
  )
}
