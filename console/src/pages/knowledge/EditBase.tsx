import Autosuggest from '@cloudscape-design/components/autosuggest'
import FormField from '@cloudscape-design/components/form-field'
import Input from '@cloudscape-design/components/input'
import SpaceBetween from '@cloudscape-design/components/space-between'
import { useState } from 'react'
import { updateKnowledgeBase, type KnowledgeBase } from '../../api/knowledgeBases.ts'
import { listRoles } from '../../api/permissions.ts'
import { useNotify } from '../../shell/Notifications.tsx'
import { useSession } from '../../shell/SessionContext.tsx'
import { ConfirmModal } from '../../ui/ConfirmModal.tsx'
import { useAction } from '../../ui/useAction.ts'
import { useLoad } from '../../ui/useLoad.ts'
import { faults, newDraft } from './draft.ts'

interface Props {
  kb: KnowledgeBase
  onSaved: () => void
  onDismiss: () => void
}

/** Changes what can be changed: name, description and role. */
export function EditBase({ kb, onSaved, onDismiss }: Props) {
  const { account } = useSession()
  const notify = useNotify()
  const roles = useLoad(listRoles)
  const [draft, setDraft] = useState({ name: kb.name, description: kb.description ?? '', roleArn: kb.roleArn })
  const found = faults({ ...newDraft(''), ...draft, ownRole: true }, account)
  const save = useAction(async () => {
    await updateKnowledgeBase(kb, { ...draft, description: draft.description.trim(), roleArn: draft.roleArn.trim() })
    notify('success', `The knowledge base ${draft.name} was saved.`)
    onSaved()
  })
  return (
    <ConfirmModal
      title="Edit knowledge base"
      confirmLabel="Save"
      busy={save.busy}
      error={save.error}
      disabled={Boolean(found.name ?? found.description ?? found.roleArn)}
      onConfirm={() => void save.run()}
      onDismiss={onDismiss}
    >
      <SpaceBetween size="m">
        <FormField label="Knowledge base name" errorText={found.name}>
          <Input value={draft.name} spellcheck={false} onChange={({ detail }) => setDraft({ ...draft, name: detail.value })} />
        </FormField>
        <FormField label="Description" errorText={found.description} stretch>
          <Input value={draft.description} onChange={({ detail }) => setDraft({ ...draft, description: detail.value })} />
        </FormField>
        <FormField label="Service role" errorText={found.roleArn} stretch>
          <Autosuggest
            value={draft.roleArn}
            enteredTextLabel={(value) => `Use ${value}`}
            options={(roles.value ?? []).map(({ arn, name }) => ({ value: arn, label: arn, description: name }))}
            empty={roles.loading ? 'Looking for roles' : 'No role matches'}
            onChange={({ detail }) => setDraft({ ...draft, roleArn: detail.value })}
          />
        </FormField>
      </SpaceBetween>
    </ConfirmModal>
  )
}
