import FormField from '@cloudscape-design/components/form-field'
import Input from '@cloudscape-design/components/input'
import SpaceBetween from '@cloudscape-design/components/space-between'
import { useState } from 'react'
import { deleteImportedModel, type ImportedModel } from '../../api/imports.ts'
import { useNotify } from '../../shell/Notifications.tsx'
import { ConfirmModal } from '../../ui/ConfirmModal.tsx'
import { bytes } from '../../ui/format.ts'
import { useAction } from '../../ui/useAction.ts'

interface Props {
  model: ImportedModel
  onDeleted: () => void
  onDismiss: () => void
}

/** Deletes a model whose name was typed. */
export function DeleteModel({ model, onDeleted, onDismiss }: Props) {
  const { modelName, modelArn } = model
  const [typed, setTyped] = useState('')
  const notify = useNotify()
  const remove = useAction(async () => {
    await deleteImportedModel(modelArn)
    notify('success', `The model ${modelName} was deleted.`)
    onDeleted()
  })
  return (
    <ConfirmModal
      title={`Delete the model ${modelName}?`}
      confirmLabel="Delete"
      busy={remove.busy}
      error={remove.error}
      disabled={typed !== modelName}
      onConfirm={() => void remove.run()}
      onDismiss={onDismiss}
    >
      <SpaceBetween size="m">
        <div>
          Its {bytes(model.bytes)} are removed from this server and cannot be brought back; requests for it fail. The files that it was
          imported from stay where they are.
        </div>
        <FormField label="Type the model's name">
          <Input value={typed} spellcheck={false} placeholder={modelName} onChange={({ detail }) => setTyped(detail.value)} />
        </FormField>
      </SpaceBetween>
    </ConfirmModal>
  )
}
