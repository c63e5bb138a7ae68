import FormField from '@cloudscape-design/components/form-field'
import Input from '@cloudscape-design/components/input'
import SpaceBetween from '@cloudscape-design/components/space-between'
import Textarea from '@cloudscape-design/components/textarea'
import { useState } from 'react'
import { ingestDocument } from '../../api/knowledgeBases.ts'
import { useNotify } from '../../shell/Notifications.tsx'
import { ConfirmModal } from '../../ui/ConfirmModal.tsx'
import { useAction } from '../../ui/useAction.ts'

interface Props {
  id: string
  source: string
  onAdded: () => void
  onDismiss: () => void
}

/** Puts a text in directly; one of the same id is replaced. */
export function AddDocument({ id, source, onAdded, onDismiss }: Props) {
  const notify = useNotify()
  const [name, setName] = useState('')
  const [text, setText] = useState('')
  const [readers, setReaders] = useState('')
  const add = useAction(async () => {
    const users = readers.split(',').map((one) => one.trim()).filter(Boolean)
    await ingestDocument(id, source, { id: name.trim(), text, readers: users })
    notify('success', `The document ${name.trim()} is being indexed.`)
    onAdded()
  })
  return (
    <ConfirmModal
      title="Add document"
      size="large"
      confirmLabel="Add"
      busy={add.busy}
      error={add.error}
      disabled={name.trim() === '' || text.trim() === ''}
      onConfirm={() => void add.run()}
      onDismiss={onDismiss}
    >
      <SpaceBetween size="m">
        <FormField label="Document ID" description="A document of the same ID is replaced." stretch>
          <Input value={name} spellcheck={false} placeholder="opening-hours-2026" onChange={({ detail }) => setName(detail.value)} />
        </FormField>
        <FormField label="Text" stretch>
          <Textarea value={text} rows={10} onChange={({ detail }) => setText(detail.value)} />
        </FormField>
        <FormField
          label={
            <>
              Readers <i>– optional</i>
            </>
          }
          description="Names of users, separated by commas. With nobody named, everybody may read it who may ask the knowledge base."
          stretch
        >
          <Input value={readers} spellcheck={false} placeholder="ana, ben" onChange={({ detail }) => setReaders(detail.value)} />
        </FormField>
      </SpaceBetween>
    </ConfirmModal>
  )
}
