import Alert from '@cloudscape-design/components/alert'
import Container from '@cloudscape-design/components/container'
import Header from '@cloudscape-design/components/header'
import KeyValuePairs from '@cloudscape-design/components/key-value-pairs'
import SpaceBetween from '@cloudscape-design/components/space-between'
import { useCallback } from 'react'
import { getDataSource, getDocument, identifierOf, type DocumentRow } from '../../api/knowledgeBases.ts'
import { documentChunks } from '../../api/retrieval.ts'
import { PageLink } from '../../shell/router.tsx'
import { ErrorAlert } from '../../ui/ErrorAlert.tsx'
import { Loading } from '../../ui/Loading.tsx'
import { Time } from '../../ui/Time.tsx'
import { useLoad } from '../../ui/useLoad.ts'
import { folderPath } from '../buckets/BucketView.tsx'
import { Access } from './Access.tsx'
import { ChunkViewer } from './ChunkViewer.tsx'
import { Crumbs, useBaseName } from './Crumbs.tsx'
import { Reasons } from './Reasons.tsx'
import { Status } from './Status.tsx'
import { basePath, documentStatus, hasChunks, objectOf, shortName, sourcePath } from './text.ts'

interface Props {
  id: string
  source: string
  document: string
  /** The chunk that is pointed at first. */
  chunk: string | undefined
}

/** One document: what became of it, who may read it, and how it was cut. */
export function DocumentView({ id, source, document, chunk }: Props) {
  const load = useCallback((signal: AbortSignal) => getDocument(id, source, identifierOf(document), signal), [id, source, document])
  const row = useLoad(load)
  const base = useBaseName(id)
  const dataSource = useLoad(useCallback((signal: AbortSignal) => getDataSource(id, source, signal), [id, source]))
  if (row.loading) return <Loading what="the document" />
  return (
    <SpaceBetween size="m">
      <Crumbs
        items={[
          { text: base, path: basePath(id) },
          { text: dataSource.value?.name ?? source, path: sourcePath(id, source) },
          { text: shortName(document) },
        ]}
      />
      <Header variant="h1">
        <span className="craton-stack">{shortName(document)}</span>
      </Header>
      <ErrorAlert error={row.error} title="Could not read the document" onRetry={row.reload} />
      {!row.error && (row.value === undefined || row.value.status === 'NOT_FOUND') && (
        <Alert type="warning" header="There is no such document">
          The data source does not have it, or has not been synced since it came.
        </Alert>
      )}
      {row.value && row.value.status !== 'NOT_FOUND' && <Document row={row.value} name={document} chunk={chunk} />}
    </SpaceBetween>
  )
}

function Document({ row, name, chunk }: { row: DocumentRow; name: string; chunk: string | undefined }) {
  const { knowledgeBaseId: id, dataSourceId: source, status, statusReason } = row
  const shown = documentStatus(status)
  return (
    <SpaceBetween size="m">
      {statusReason && (
        <Alert type={shown.type === 'error' ? 'error' : 'warning'} header={shown.text}>
          <div className="craton-stack" data-testid="reason">
            {statusReason}
          </div>
        </Alert>
      )}
      <Container header={<Header variant="h2">Document</Header>}>
        <SpaceBetween size="l">
          <KeyValuePairs
            columns={2}
            items={[
              { label: 'Status', value: <Status shown={shown} /> },
              { label: 'Last updated', value: <Time iso={row.updatedAt} /> },
            ]}
          />
          <KeyValuePairs columns={1} items={[{ label: row.identifier.dataSourceType === 'S3' ? 'S3 URI' : 'Document ID', value: <Place name={name} /> }]} />
        </SpaceBetween>
      </Container>
      {hasChunks(status) && <Access id={id} source={source} document={name} />}
      {hasChunks(status) && <Chunks id={id} source={source} document={name} chunk={chunk} />}
    </SpaceBetween>
  )
}

function Place({ name }: { name: string }) {
  const object = objectOf(name)
  const code = <code className="craton-secret">{name}</code>
  if (!object) return code
  return <PageLink to={folderPath(object.bucket, object.key.slice(0, object.key.lastIndexOf('/') + 1))}>{code}</PageLink>
}

function Chunks({ id, source, document, chunk }: Props) {
  const load = useCallback((signal: AbortSignal) => documentChunks(id, source, document, signal), [id, source, document])
  const cut = useLoad(load)
  if (cut.loading) return <Loading what="the chunks" />
  return (
    <SpaceBetween size="m">
      <ErrorAlert error={cut.error} title="Could not read the chunks" onRetry={cut.reload} />
      <Reasons reasons={cut.value?.warnings} title="Something was odd about the file" type="warning" />
      {cut.value && <ChunkViewer document={cut.value} chosen={chunk} />}
    </SpaceBetween>
  )
}
