import FormField from '@cloudscape-design/components/form-field'
import Input from '@cloudscape-design/components/input'
import { useState } from 'react'
import { createUser, deleteUser } from '../../api/iam.ts'
import { ConfirmModal } from '../../ui/ConfirmModal.tsx'
import { useAction } from '../../ui/useAction.ts'

interface CreateProps {
  onCreated: (name: string) => void
  onDismiss: () => void
}

/** Asks for the name of a new IAM user and makes it. */
export function CreateUser({ onCreated, onDismiss }: CreateProps) {
  const [name, setName] = useState('')
  const wanted = name.trim()
  const create = useAction(async () => {
    await createUser(wanted)
    onCreated(wanted)
  })
  const wellFormed = wanted === '' || /^[\w+=,.@-]{1,64}$/.test(wanted)
  return (
    <ConfirmModal
      title="Create user"
      confirmLabel="Create"
      busy={create.busy}
      error={create.error}
      disabled={wanted === '' || !wellFormed}
      onConfirm={() => void create.run()}
      onDismiss={onDismiss}
    >
      <FormField
        label="User name"
        description="A new user may do nothing but ask who it is, until it gets policies."
        errorText={wellFormed ? '' : 'At most 64 letters, digits and + = , . @ _ -'}
      >
        <Input value={name} spellcheck={false} placeholder="ci" onChange={({ detail }) => setName(detail.value)} />
      </FormField>
    </ConfirmModal>
  )
}

interface DeleteProps {
  name: string
  onDeleted: () => void
  onDismiss: () => void
}

/** Deletes an IAM user without keys. */
export function DeleteUser({ name, onDeleted, onDismiss }: DeleteProps) {
  const remove = useAction(async () => {
    await deleteUser(name)
    onDeleted()
  })
  return (
    <ConfirmModal
      title={`Delete the user ${name}?`}
      confirmLabel="Delete"
      busy={remove.busy}
      error={remove.error}
      onConfirm={() => void remove.run()}
      onDismiss={onDismiss}
    >
      Its access keys must be deleted before.
    </ConfirmModal>
  )
}
