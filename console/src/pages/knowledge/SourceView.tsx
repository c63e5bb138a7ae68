import Button from '@cloudscape-design/components/button'
import Container from '@cloudscape-design/components/container'
import Header from '@cloudscape-design/components/header'
import KeyValuePairs from '@cloudscape-design/components/key-value-pairs'
import SpaceBetween from '@cloudscape-design/components/space-between'
import Tabs from '@cloudscape-design/components/tabs'
import { useCallback, useState } from 'react'
import { getDataSource, startIngestionJob, type DataSource } from '../../api/knowledgeBases.ts'
import { navigate, PageLink } from '../../shell/router.tsx'
import { ErrorAlert } from '../../ui/ErrorAlert.tsx'
import { Loading } from '../../ui/Loading.tsx'
import { Time } from '../../ui/Time.tsx'
import { useAction } from '../../ui/useAction.ts'
import { useLoad } from '../../ui/useLoad.ts'
import { folderPath } from '../buckets/BucketView.tsx'
import { Crumbs, useBaseName } from './Crumbs.tsx'
import { DeleteSource } from './DeleteModals.tsx'
import { DocumentTable } from './DocumentTable.tsx'
import { Reasons } from './Reasons.tsx'
import { Status } from './Status.tsx'
import { SyncHistory } from './SyncHistory.tsx'
import { basePath, bucketOf, chunkingText, jobPath, originOf, sourcePath, sourceStatus } from './text.ts'

interface Props {
  id: string
  source: string
  tab: string
}

/** One data source: its documents, and its syncs. */
export function SourceView({ id, source, tab }: Props) {
  const loaded = useLoad(useCallback((signal: AbortSignal) => getDataSource(id, source, signal), [id, source]))
  const base = useBaseName(id)
  if (loaded.loading) return <Loading what="the data source" />
  return (
    <SpaceBetween size="m">
      <Crumbs items={[{ text: base, path: basePath(id) }, { text: loaded.value?.name ?? source }]} />
      <ErrorAlert error={loaded.error} title="Could not read the data source" onRetry={loaded.reload} />
      {loaded.value && <Source source={loaded.value} tab={tab} />}
    </SpaceBetween>
  )
}

function Source({ source, tab }: { source: DataSource; tab: string }) {
  const { knowledgeBaseId: id, dataSourceId, dataSourceConfiguration: configuration } = source
  const [deleting, setDeleting] = useState(false)
  const sync = useAction(async () => {
    const { ingestionJobId } = await startIngestionJob(id, dataSourceId)
    navigate(jobPath(id, dataSourceId, ingestionJobId))
  })
  const custom = configuration.type === 'CUSTOM'
  return (
    <SpaceBetween size="m">
      <Header
        variant="h1"
        actions={
          <SpaceBetween direction="horizontal" size="xs">
            <Button onClick={() => setDeleting(true)}>Delete</Button>
            {!custom && (
              <Button variant="primary" loading={sync.busy} onClick={() => void sync.run()}>
                Sync
              </Button>
            )}
          </SpaceBetween>
        }
      >
        {source.name}
      </Header>
      <ErrorAlert error={sync.error} title="The sync was not started" onDismiss={sync.clearError} />
      <Reasons reasons={source.failureReasons} title="Something is wrong with the data source" />
      <Container header={<Header variant="h2">Data source overview</Header>}>
        <KeyValuePairs
          columns={3}
          items={[
            { label: 'Data source ID', value: <code className="craton-secret">{dataSourceId}</code> },
            { label: 'Status', value: <Status shown={sourceStatus(source.status)} /> },
            { label: 'Documents', value: <Origin source={source} /> },
            { label: 'Chunking', value: chunkingText(source) },
            { label: 'When it is deleted', value: source.dataDeletionPolicy === 'RETAIN' ? 'Its content stays' : 'Its content is deleted' },
            { label: 'Created', value: <Time iso={source.createdAt} /> },
          ]}
        />
      </Container>
      <Tabs
        ariaLabel="Data source"
        activeTabId={tab}
        onChange={({ detail }) => navigate(sourcePath(id, dataSourceId, detail.activeTabId === 'documents' ? undefined : detail.activeTabId))}
        tabs={[
          { id: 'documents', label: 'Documents', content: <DocumentTable id={id} source={dataSourceId} custom={custom} /> },
          ...(custom ? [] : [{ id: 'syncs', label: 'Sync history', content: <SyncHistory id={id} source={dataSourceId} /> }]),
        ]}
      />
      {deleting && <DeleteSource source={source} onDeleted={() => navigate(basePath(id))} onDismiss={() => setDeleting(false)} />}
    </SpaceBetween>
  )
}

function Origin({ source: { dataSourceConfiguration: configuration } }: { source: DataSource }) {
  const { s3Configuration } = configuration
  const text = <span className="craton-stack">{originOf(configuration)}</span>
  if (!s3Configuration) return text
  return <PageLink to={folderPath(bucketOf(s3Configuration.bucketArn), folderOf(s3Configuration.inclusionPrefixes?.[0] ?? ''))}>{text}</PageLink>
}

/** A prefix need not end where a folder does. */
function folderOf(prefix: string): string {
  return prefix.slice(0, prefix.lastIndexOf('/') + 1)
}
