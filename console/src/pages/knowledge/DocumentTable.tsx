import Button from '@cloudscape-design/components/button'
import Header from '@cloudscape-design/components/header'
import SpaceBetween from '@cloudscape-design/components/space-between'
import Table from '@cloudscape-design/components/table'
import { useCallback, useState } from 'react'
import { listDocuments, nameOf, type DocumentRow } from '../../api/knowledgeBases.ts'
import { PageLink } from '../../shell/router.tsx'
import { Empty } from '../../ui/Empty.tsx'
import { ErrorAlert } from '../../ui/ErrorAlert.tsx'
import { Time } from '../../ui/Time.tsx'
import { usePages } from '../../ui/usePages.ts'
import { Paging } from '../imports/Paging.tsx'
import { AddDocument } from './AddDocument.tsx'
import { DeleteDocument } from './DeleteModals.tsx'
import { Status } from './Status.tsx'
import { documentPath, documentStatus, isMoving } from './text.ts'

const REFRESH_MS = 3000

interface Props {
  id: string
  source: string
  /** Whether documents are put in one by one. */
  custom: boolean
}

/** The documents of a data source, each with what became of it. */
export function DocumentTable({ id, source, custom }: Props) {
  const [moving, setMoving] = useState(false)
  const load = useCallback(
    async (token: string | undefined, signal: AbortSignal) => {
      const page = await listDocuments(id, source, token, signal)
      setMoving(page.items.some(({ status }) => isMoving(documentStatus(status))))
      return page
    },
    [id, source],
  )
  const documents = usePages(load, moving ? REFRESH_MS : undefined)
  const [adding, setAdding] = useState(false)
  const [deleting, setDeleting] = useState<DocumentRow>()
  return (
    <SpaceBetween size="m">
      <ErrorAlert error={documents.error} title="Could not list the documents" onRetry={documents.reload} />
      <Table
        items={documents.value?.items ?? []}
        trackBy={({ identifier }) => nameOf(identifier)}
        wrapLines
        loading={documents.loading}
        loadingText="Loading documents"
        ariaLabels={{ tableLabel: 'Documents' }}
        header={
          <Header
            variant="h2"
            actions={
              <SpaceBetween direction="horizontal" size="xs">
                <Button iconName="refresh" ariaLabel="Refresh the documents" onClick={documents.reload} />
                {custom && <Button onClick={() => setAdding(true)}>Add document</Button>}
              </SpaceBetween>
            }
          >
            Documents
          </Header>
        }
        pagination={<Paging pages={documents} of="documents" />}
        empty={
          custom ? (
            <Empty title="No documents yet">
              Add one, or run <code>craton kb add</code> or <code>aws bedrock-agent ingest-knowledge-base-documents</code>.
            </Empty>
          ) : (
            <Empty title="No documents yet">
              Sync the data source, or run <code>craton kb sync</code>.
            </Empty>
          )
        }
        columnDefinitions={[
          {
            id: 'name',
            header: 'Document',
            isRowHeader: true,
            minWidth: 260,
            cell: ({ identifier }) => (
              <span className="craton-stack">
                <PageLink to={documentPath(id, source, nameOf(identifier))}>{nameOf(identifier)}</PageLink>
              </span>
            ),
          },
          { id: 'status', header: 'Status', minWidth: 150, cell: ({ status }) => <Status shown={documentStatus(status)} /> },
          { id: 'reason', header: 'Reason', minWidth: 220, cell: ({ statusReason }) => <span className="craton-stack">{statusReason || '–'}</span> },
          { id: 'updated', header: 'Last updated', minWidth: 175, cell: ({ updatedAt }) => <Time iso={updatedAt} /> },
          ...(custom
            ? [
                {
                  id: 'actions',
                  header: 'Actions',
                  minWidth: 90,
                  cell: (document: DocumentRow) => (
                    <Button variant="inline-link" ariaLabel={`Delete ${nameOf(document.identifier)}`} onClick={() => setDeleting(document)}>
                      Delete
                    </Button>
                  ),
                },
              ]
            : []),
        ]}
      />
      {adding && (
        <AddDocument
          id={id}
          source={source}
          onAdded={() => {
            setAdding(false)
            documents.reload()
          }}
          onDismiss={() => setAdding(false)}
        />
      )}
      {deleting && (
        <DeleteDocument
          document={deleting}
          onDeleted={() => {
            setDeleting(undefined)
            documents.reload()
          }}
          onDismiss={() => setDeleting(undefined)}
        />
      )}
    </SpaceBetween>
  )
}
