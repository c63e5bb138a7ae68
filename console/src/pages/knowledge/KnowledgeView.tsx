import Alert from '@cloudscape-design/components/alert'
import Button from '@cloudscape-design/components/button'
import Container from '@cloudscape-design/components/container'
import Header from '@cloudscape-design/components/header'
import KeyValuePairs from '@cloudscape-design/components/key-value-pairs'
import SpaceBetween from '@cloudscape-design/components/space-between'
import { useCallback, useState } from 'react'
import { getKnowledgeBase, type KnowledgeBase } from '../../api/knowledgeBases.ts'
import { navigate, PageLink } from '../../shell/router.tsx'
import { ErrorAlert } from '../../ui/ErrorAlert.tsx'
import { Loading } from '../../ui/Loading.tsx'
import { Time } from '../../ui/Time.tsx'
import { useLoad } from '../../ui/useLoad.ts'
import { createForBasePath } from '../evaluations/text.ts'
import { holderPath } from '../users/holderPath.ts'
import { Crumbs } from './Crumbs.tsx'
import { DeleteBase } from './DeleteModals.tsx'
import { EditBase } from './EditBase.tsx'
import { Reasons } from './Reasons.tsx'
import { roleName } from './role.ts'
import { SourceTable } from './SourceTable.tsx'
import { Status } from './Status.tsx'
import { baseStatus, embeddingModelOf, isMoving, PATH, testPath } from './text.ts'

const REFRESH_MS = 2000

/** One knowledge base: what it is, and where its documents come from. */
export function KnowledgeView({ id }: { id: string }) {
  const [moving, setMoving] = useState(false)
  const load = useCallback(
    async (signal: AbortSignal) => {
      const found = await getKnowledgeBase(id, signal)
      setMoving(isMoving(baseStatus(found.status)))
      return found
    },
    [id],
  )
  const kb = useLoad(load, moving ? REFRESH_MS : undefined)
  if (kb.loading) return <Loading what="the knowledge base" />
  return (
    <SpaceBetween size="m">
      <Crumbs items={[{ text: kb.value?.name ?? id }]} />
      <ErrorAlert error={kb.error} title="Could not read the knowledge base" onRetry={kb.reload} />
      {kb.value && <Base kb={kb.value} onChange={kb.reload} />}
    </SpaceBetween>
  )
}

function Base({ kb, onChange }: { kb: KnowledgeBase; onChange: () => void }) {
  const [modal, setModal] = useState<'edit' | 'delete'>()
  const close = () => setModal(undefined)
  const { knowledgeBaseId: id, name } = kb
  const code = (text: string) => <code className="craton-secret">{text}</code>
  return (
    <SpaceBetween size="m">
      <Header
        variant="h1"
        {...(kb.description ? { description: kb.description } : {})}
        actions={
          <SpaceBetween direction="horizontal" size="xs">
            <Button disabled={kb.status === 'DELETING'} onClick={() => setModal('delete')}>
              Delete
            </Button>
            <Button disabled={kb.status === 'DELETING'} onClick={() => setModal('edit')}>
              Edit
            </Button>
            <Button disabled={kb.status !== 'ACTIVE'} onClick={() => navigate(createForBasePath(id))}>
              Evaluate
            </Button>
            <Button variant="primary" disabled={kb.status !== 'ACTIVE'} onClick={() => navigate(testPath(id))}>
              Test knowledge base
            </Button>
          </SpaceBetween>
        }
      >
        {name}
      </Header>
      <Reasons reasons={kb.failureReasons} title="Something is wrong with the knowledge base" />
      <Container header={<Header variant="h2">Knowledge base overview</Header>}>
        <SpaceBetween size="l">
          <KeyValuePairs
            columns={3}
            items={[
              { label: 'Knowledge base ID', value: code(id) },
              { label: 'Status', value: <Status shown={baseStatus(kb.status)} /> },
              { label: 'Embedding model', value: code(embeddingModelOf(kb)) },
              { label: 'Vector store', value: storeText(kb) },
              { label: 'Created', value: <Time iso={kb.createdAt} /> },
              { label: 'Last modified', value: <Time iso={kb.updatedAt} /> },
            ]}
          />
          <KeyValuePairs
            columns={1}
            items={[
              {
                label: 'Service role',
                value: (
                  <span className="craton-stack">
                    <PageLink to={holderPath('role', roleName(kb.roleArn))}>{roleName(kb.roleArn)}</PageLink>
                  </span>
                ),
              },
              { label: 'ARN', value: code(kb.knowledgeBaseArn) },
            ]}
          />
        </SpaceBetween>
      </Container>
      {kb.status === 'DELETING' ? <Alert type="info">It is being deleted, with all that was indexed.</Alert> : <SourceTable id={id} />}
      {modal === 'edit' && (
        <EditBase
          kb={kb}
          onSaved={() => {
            close()
            onChange()
          }}
          onDismiss={close}
        />
      )}
      {modal === 'delete' && <DeleteBase kb={kb} onDeleted={() => navigate(PATH)} onDismiss={close} />}
    </SpaceBetween>
  )
}

/** AWS's stores are kept in name only. */
function storeText({ storageConfiguration }: KnowledgeBase): string {
  return storageConfiguration ? `This server’s (asked for ${storageConfiguration.type})` : 'This server’s'
}

