import Button from '@cloudscape-design/components/button'
import Header from '@cloudscape-design/components/header'
import SpaceBetween from '@cloudscape-design/components/space-between'
import Table from '@cloudscape-design/components/table'
import { listKnowledgeBases, type KnowledgeBaseRow } from '../../api/knowledgeBases.ts'
import { navigate, PageLink } from '../../shell/router.tsx'
import { Empty } from '../../ui/Empty.tsx'
import { ErrorAlert } from '../../ui/ErrorAlert.tsx'
import { Time } from '../../ui/Time.tsx'
import { usePages } from '../../ui/usePages.ts'
import { Paging } from '../imports/Paging.tsx'
import { Status } from './Status.tsx'
import { basePath, baseStatus, createPath, testPath } from './text.ts'

const REFRESH_MS = 5000

/** The knowledge bases of the account. */
export function KnowledgeList() {
  const bases = usePages(listKnowledgeBases, REFRESH_MS)
  return (
    <SpaceBetween size="m">
      <ErrorAlert error={bases.error} title="Could not list the knowledge bases" onRetry={bases.reload} />
      <Table
        items={bases.value?.items ?? []}
        trackBy="knowledgeBaseId"
        variant="full-page"
        wrapLines
        loading={bases.loading}
        loadingText="Loading knowledge bases"
        ariaLabels={{ tableLabel: 'Knowledge bases' }}
        header={
          <Header
            variant="h1"
            description="Your documents, searched by words and by meaning, for those who may read them; and answers that cite them."
            actions={
              <SpaceBetween direction="horizontal" size="xs">
                <Button iconName="refresh" ariaLabel="Refresh the knowledge bases" onClick={bases.reload} />
                <Button variant="primary" onClick={() => navigate(createPath('details'))}>
                  Create knowledge base
                </Button>
              </SpaceBetween>
            }
          >
            Knowledge bases
          </Header>
        }
        pagination={<Paging pages={bases} of="knowledge bases" />}
        empty={
          <Empty title="No knowledge bases yet">
            <PageLink to={createPath('details')}>Create one</PageLink> of documents in a bucket, or run <code>craton kb create</code> or{' '}
            <code>aws bedrock-agent create-knowledge-base</code>.
          </Empty>
        }
        columnDefinitions={COLUMNS}
      />
    </SpaceBetween>
  )
}

const COLUMNS = [
  {
    id: 'name',
    header: 'Name',
    isRowHeader: true,
    minWidth: 200,
    cell: ({ knowledgeBaseId, name }: KnowledgeBaseRow) => (
      <span className="craton-stack">
        <PageLink to={basePath(knowledgeBaseId)}>{name}</PageLink>
      </span>
    ),
  },
  { id: 'status', header: 'Status', minWidth: 130, cell: ({ status }: KnowledgeBaseRow) => <Status shown={baseStatus(status)} /> },
  { id: 'description', header: 'Description', minWidth: 200, cell: ({ description }: KnowledgeBaseRow) => description || '–' },
  { id: 'id', header: 'ID', minWidth: 120, cell: ({ knowledgeBaseId }: KnowledgeBaseRow) => <code className="craton-secret">{knowledgeBaseId}</code> },
  { id: 'updated', header: 'Last modified', minWidth: 175, cell: ({ updatedAt }: KnowledgeBaseRow) => <Time iso={updatedAt} /> },
  {
    id: 'actions',
    header: 'Actions',
    minWidth: 90,
    cell: ({ knowledgeBaseId, name, status }: KnowledgeBaseRow) => (
      <Button variant="inline-link" ariaLabel={`Test ${name}`} disabled={status !== 'ACTIVE'} onClick={() => navigate(testPath(knowledgeBaseId))}>
        Test
      </Button>
    ),
  },
]
