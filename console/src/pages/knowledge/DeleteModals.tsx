import Alert from '@cloudscape-design/components/alert'
import FormField from '@cloudscape-design/components/form-field'
import Input from '@cloudscape-design/components/input'
import KeyValuePairs from '@cloudscape-design/components/key-value-pairs'
import SpaceBetween from '@cloudscape-design/components/space-between'
import { useState, type ReactNode } from 'react'
import { deleteDataSource, deleteDocument, deleteKnowledgeBase, nameOf, type DataSource, type DocumentRow, type KnowledgeBase } from '../../api/knowledgeBases.ts'
import { useNotify } from '../../shell/Notifications.tsx'
import { ConfirmModal } from '../../ui/ConfirmModal.tsx'
import { useAction } from '../../ui/useAction.ts'
import { baseStatus, embeddingModelOf, originOf, sourceStatus } from './text.ts'
import { Status } from './Status.tsx'

/** What has to be typed, as Bedrock's console asks. */
const WORD = 'confirm'

interface Props {
  title: string
  facts: { label: string; value: ReactNode }[]
  warning: string
  remove: () => Promise<void>
  onDismiss: () => void
}

/** Deletes something once `confirm` was typed. */
function TypedDelete({ title, facts, warning, remove, onDismiss }: Props) {
  const [typed, setTyped] = useState('')
  const action = useAction(remove)
  return (
    <ConfirmModal
      title={title}
      confirmLabel="Delete"
      busy={action.busy}
      error={action.error}
      disabled={typed !== WORD}
      onConfirm={() => void action.run()}
      onDismiss={onDismiss}
    >
      <SpaceBetween size="m">
        <KeyValuePairs columns={3} items={facts.map(({ label, value }) => ({ label, value: <span className="craton-stack">{value}</span> }))} />
        <Alert type="warning">{warning}</Alert>
        <FormField label={`To delete it, type ${WORD}`}>
          <Input value={typed} spellcheck={false} placeholder={WORD} onChange={({ detail }) => setTyped(detail.value)} />
        </FormField>
      </SpaceBetween>
    </ConfirmModal>
  )
}

export function DeleteBase({ kb, onDeleted, onDismiss }: { kb: KnowledgeBase; onDeleted: () => void; onDismiss: () => void }) {
  const notify = useNotify()
  return (
    <TypedDelete
      title="Delete the knowledge base?"
      facts={[
        { label: 'Name', value: kb.name },
        { label: 'Embedding model', value: embeddingModelOf(kb) },
        { label: 'Status', value: <Status shown={baseStatus(kb.status)} /> },
      ]}
      warning="This cannot be undone: its data sources, its sync history and all that was indexed are deleted. The documents in their buckets stay, and so does its role."
      remove={async () => {
        await deleteKnowledgeBase(kb.knowledgeBaseId)
        notify('success', `The knowledge base ${kb.name} is being deleted.`)
        onDeleted()
      }}
      onDismiss={onDismiss}
    />
  )
}

export function DeleteSource({ source, onDeleted, onDismiss }: { source: DataSource; onDeleted: () => void; onDismiss: () => void }) {
  const notify = useNotify()
  const kept = source.dataDeletionPolicy === 'RETAIN'
  return (
    <TypedDelete
      title="Delete the data source?"
      facts={[
        { label: 'Name', value: source.name },
        { label: 'Documents', value: originOf(source.dataSourceConfiguration) },
        { label: 'Status', value: <Status shown={sourceStatus(source.status)} /> },
      ]}
      warning={
        kept
          ? 'Its sync history is deleted. What was indexed stays and can be retrieved, as its deletion policy says.'
          : 'This cannot be undone: nothing of its documents can be retrieved any more. The documents themselves stay in their bucket.'
      }
      remove={async () => {
        await deleteDataSource(source.knowledgeBaseId, source.dataSourceId)
        notify('success', `The data source ${source.name} is being deleted.`)
        onDeleted()
      }}
      onDismiss={onDismiss}
    />
  )
}

/** Takes a document out of a data source of the type CUSTOM. */
export function DeleteDocument({ document, onDeleted, onDismiss }: { document: DocumentRow; onDeleted: () => void; onDismiss: () => void }) {
  const name = nameOf(document.identifier)
  const notify = useNotify()
  const remove = useAction(async () => {
    await deleteDocument(document.knowledgeBaseId, document.dataSourceId, document.identifier)
    notify('success', `The document ${name} is being deleted.`)
    onDeleted()
  })
  return (
    <ConfirmModal title="Delete the document?" confirmLabel="Delete" busy={remove.busy} error={remove.error} onConfirm={() => void remove.run()} onDismiss={onDismiss}>
      <span className="craton-stack">
        <b>{name}</b> can no longer be retrieved. Its text is not kept anywhere else.
      </span>
    </ConfirmModal>
  )
}
