import Button from '@cloudscape-design/components/button'
import Checkbox from '@cloudscape-design/components/checkbox'
import Form from '@cloudscape-design/components/form'
import Header from '@cloudscape-design/components/header'
import SpaceBetween from '@cloudscape-design/components/space-between'
import { useCallback, useState } from 'react'
import { createDataSource, getKnowledgeBase, type KnowledgeBase } from '../../api/knowledgeBases.ts'
import { useNotify } from '../../shell/Notifications.tsx'
import { navigate } from '../../shell/router.tsx'
import { useSession } from '../../shell/SessionContext.tsx'
import { ErrorAlert } from '../../ui/ErrorAlert.tsx'
import { Loading } from '../../ui/Loading.tsx'
import { useAction } from '../../ui/useAction.ts'
import { useLoad } from '../../ui/useLoad.ts'
import { Crumbs } from './Crumbs.tsx'
import { newSource, newSuffix, sourceFaults, sourceOf } from './draft.ts'
import { letRead, madeForKnowledgeBases, roleName } from './role.ts'
import { SourceFields } from './SourceFields.tsx'
import { basePath, sourcePath } from './text.ts'

/** The form that adds a data source to a knowledge base. */
export function AddSource({ id }: { id: string }) {
  const kb = useLoad(useCallback((signal: AbortSignal) => getKnowledgeBase(id, signal), [id]))
  if (kb.loading) return <Loading what="the knowledge base" />
  return (
    <SpaceBetween size="m">
      <Crumbs items={[{ text: kb.value?.name ?? id, path: basePath(id) }, { text: 'Add data source' }]} />
      <ErrorAlert error={kb.error} title="Could not read the knowledge base" onRetry={kb.reload} />
      {kb.value && <SourceForm kb={kb.value} />}
    </SpaceBetween>
  )
}

function SourceForm({ kb }: { kb: KnowledgeBase }) {
  const { account } = useSession()
  const notify = useNotify()
  const own = madeForKnowledgeBases(kb.roleArn)
  const [draft, setDraft] = useState(() => newSource(`data-source-${newSuffix()}`))
  const [grant, setGrant] = useState(own)
  const [all, setAll] = useState(false)
  const found = sourceFaults(draft)
  const add = useAction(async () => {
    if (grant && draft.type === 'S3') await letRead(kb.roleArn, draft, account)
    const { dataSourceId } = await createDataSource(kb.knowledgeBaseId, sourceOf(draft))
    notify('success', `The data source ${draft.name} was added.`)
    navigate(sourcePath(kb.knowledgeBaseId, dataSourceId))
  })
  const submit = () => {
    setAll(true)
    if (Object.keys(found).length === 0) void add.run()
  }
  return (
    <form
      noValidate
      onSubmit={(event) => {
        event.preventDefault()
        submit()
      }}
    >
      <Form
        header={<Header variant="h1">Add data source</Header>}
        actions={
          <SpaceBetween direction="horizontal" size="xs">
            <Button formAction="none" variant="link" onClick={() => navigate(basePath(kb.knowledgeBaseId))}>
              Cancel
            </Button>
            <Button variant="primary" loading={add.busy}>
              Add data source
            </Button>
          </SpaceBetween>
        }
      >
        <SpaceBetween size="l">
          <ErrorAlert error={add.error} title="The data source was not added" onDismiss={add.clearError} />
          <SourceFields draft={draft} faults={found} all={all} onChange={(changed) => setDraft((before) => ({ ...before, ...changed }))} />
          {draft.type === 'S3' && (
            <Checkbox
              checked={grant}
              description={own ? 'A policy for this bucket is added to it.' : 'Its policies were not made here: without this, it must be able to read the bucket already.'}
              onChange={({ detail }) => setGrant(detail.checked)}
            >
              Let the role {roleName(kb.roleArn)} read these documents
            </Checkbox>
          )}
        </SpaceBetween>
      </Form>
    </form>
  )
}
