import Box from '@cloudscape-design/components/box'
import Button from '@cloudscape-design/components/button'
import KeyValuePairs from '@cloudscape-design/components/key-value-pairs'
import Modal from '@cloudscape-design/components/modal'
import SpaceBetween from '@cloudscape-design/components/space-between'
import Table from '@cloudscape-design/components/table'
import { useCallback } from 'react'
import {
  deleteObjects,
  download,
  listVersions,
  objectFacts,
  objectTags,
  type ObjectRow,
  type VersionRow,
} from '../../api/s3.ts'
import { ErrorAlert } from '../../ui/ErrorAlert.tsx'
import { bytes, integer } from '../../ui/format.ts'
import { Time } from '../../ui/Time.tsx'
import { useAction } from '../../ui/useAction.ts'
import { useLoad } from '../../ui/useLoad.ts'

/** A browser keeps a download in memory; more than this is for the command line. */
const LARGEST_DOWNLOAD = 2_000_000_000

interface Props {
  bucket: string
  object: ObjectRow
  onChanged: () => void
  onDismiss: () => void
}

/** One object: what is known of it, its tags, its versions. */
export function ObjectDetails({ bucket, object, onChanged, onDismiss }: Props) {
  const { key } = object
  const facts = useLoad(useCallback((signal: AbortSignal) => objectFacts(bucket, key, undefined, signal), [bucket, key]))
  const tags = useLoad(useCallback((signal: AbortSignal) => objectTags(bucket, key, signal), [bucket, key]))
  const versions = useLoad(useCallback((signal: AbortSignal) => listVersions(bucket, key, signal), [bucket, key]))
  const save = useAction(async (version?: string) => {
    const link = document.createElement('a')
    link.href = URL.createObjectURL(await download(bucket, key, version))
    link.download = key.split('/').pop() || 'object'
    link.click()
    URL.revokeObjectURL(link.href)
  })
  const remove = useAction(async ({ versionId }: VersionRow) => {
    await deleteObjects(bucket, [{ key, versionId }])
    versions.reload()
    onChanged()
  })
  const known = facts.value
  const tooLarge = object.size > LARGEST_DOWNLOAD
  return (
    <Modal
      visible
      size="large"
      header={<span className="craton-stack">{key}</span>}
      onDismiss={onDismiss}
      footer={
        <Box float="right">
          <SpaceBetween direction="horizontal" size="xs">
            <Button variant="link" onClick={onDismiss}>
              Close
            </Button>
            <Button
              variant="primary"
              iconName="download"
              loading={save.busy}
              disabled={tooLarge}
              disabledReason={`Use \`aws s3 cp s3://${bucket}/${key} .\` for objects larger than ${bytes(LARGEST_DOWNLOAD)}.`}
              onClick={() => void save.run()}
            >
              Download
            </Button>
          </SpaceBetween>
        </Box>
      }
    >
      <SpaceBetween size="m">
        <ErrorAlert error={facts.error} title="Could not read the object" onRetry={facts.reload} />
        <ErrorAlert error={save.error} title="Could not download" onDismiss={save.clearError} />
        <ErrorAlert error={remove.error} title="Could not delete the version" onDismiss={remove.clearError} />
        <KeyValuePairs
          columns={2}
          items={[
            { label: 'S3 URI', value: <code className="craton-secret">{`s3://${bucket}/${key}`}</code> },
            { label: 'Size', value: `${bytes(object.size)} (${integer(object.size)} bytes)` },
            { label: 'Type', value: known?.contentType ?? '–' },
            { label: 'Last modified', value: <Time iso={object.modifiedAt} /> },
            { label: 'ETag', value: <code className="craton-secret">{object.etag}</code> },
            { label: 'Checksum', value: <code className="craton-secret">{known?.checksum ?? '–'}</code> },
            { label: 'Encryption', value: known ? encryptionText(known.encryption, known.keyArn) : '–' },
            { label: 'Tags', value: pairs(tags.value) },
            { label: 'Metadata', value: pairs(known?.metadata) },
          ]}
        />
        {(versions.value?.length ?? 0) > 0 && versions.value?.[0]?.versionId !== 'null' && (
          <Table
            items={versions.value ?? []}
            trackBy="versionId"
            variant="embedded"
            ariaLabels={{ tableLabel: 'Versions' }}
            header={<Box variant="h3">Versions</Box>}
            columnDefinitions={[
              {
                id: 'version',
                header: 'Version',
                isRowHeader: true,
                cell: (row) => <code className="craton-secret">{row.versionId}</code>,
              },
              { id: 'kind', header: 'State', cell: (row) => (row.deleteMarker ? 'Delete marker' : row.latest ? 'Latest' : 'Older') },
              { id: 'size', header: 'Size', cell: (row) => (row.deleteMarker ? '–' : bytes(row.size)) },
              { id: 'modified', header: 'Modified', minWidth: 175, cell: (row) => <Time iso={row.modifiedAt} /> },
              {
                id: 'actions',
                header: 'Actions',
                minWidth: 160,
                cell: (row) => (
                  <SpaceBetween direction="horizontal" size="s">
                    {!row.deleteMarker && (
                      <Button variant="inline-link" ariaLabel={`Download version ${row.versionId}`} onClick={() => void save.run(row.versionId)}>
                        Download
                      </Button>
                    )}
                    <Button variant="inline-link" ariaLabel={`Delete version ${row.versionId}`} disabled={remove.busy} onClick={() => void remove.run(row)}>
                      Delete
                    </Button>
                  </SpaceBetween>
                ),
              },
            ]}
          />
        )}
      </SpaceBetween>
    </Modal>
  )
}

function encryptionText(algorithm: string, keyArn: string | undefined) {
  if (!algorithm) return '–'
  return keyArn ? <code className="craton-secret">{`${algorithm}, ${keyArn}`}</code> : algorithm
}

function pairs(list: [string, string][] | undefined) {
  if (!list || list.length === 0) return '–'
  return list.map(([name, value]) => (
    <div key={name} className="craton-stack">
      {name} = {value}
    </div>
  ))
}
