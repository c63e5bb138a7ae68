import Button from '@cloudscape-design/components/button'
import Header from '@cloudscape-design/components/header'
import Input from '@cloudscape-design/components/input'
import FormField from '@cloudscape-design/components/form-field'
import SpaceBetween from '@cloudscape-design/components/space-between'
import Table from '@cloudscape-design/components/table'
import { useCallback, useRef, useState } from 'react'
import { createFolder, deleteObjects, listObjects, type Listing, type ObjectRow } from '../../api/s3.ts'
import { useNotify } from '../../shell/Notifications.tsx'
import { PageLink } from '../../shell/router.tsx'
import { ConfirmModal } from '../../ui/ConfirmModal.tsx'
import { Empty } from '../../ui/Empty.tsx'
import { ErrorAlert } from '../../ui/ErrorAlert.tsx'
import { bytes } from '../../ui/format.ts'
import { Time } from '../../ui/Time.tsx'
import { useAction } from '../../ui/useAction.ts'
import { useLoad } from '../../ui/useLoad.ts'
import { folderPath } from './BucketView.tsx'
import { ObjectDetails } from './ObjectDetails.tsx'
import { Uploads, useUploads } from './Uploads.tsx'

interface Row {
  /** The key, or the prefix of a folder. */
  id: string
  object: ObjectRow | undefined
}

/** What stands below a prefix: folders and objects, a thousand at once. */
export function ObjectBrowser({ bucket, prefix }: { bucket: string; prefix: string }) {
  const load = useCallback((signal: AbortSignal) => listObjects(bucket, prefix, undefined, signal), [bucket, prefix])
  const first = useLoad(load)
  const [more, setMore] = useState<Listing[]>([])
  const [selected, setSelected] = useState<Row[]>([])
  const [open, setOpen] = useState<ObjectRow>()
  const [modal, setModal] = useState<'folder' | 'delete'>()
  const [over, setOver] = useState(false)
  const picker = useRef<HTMLInputElement>(null)
  const notify = useNotify()

  const reload = useCallback(() => {
    setMore([])
    setSelected([])
    first.reload()
  }, [first.reload])
  const uploads = useUploads(bucket, prefix, reload)
  const pages = first.value ? [first.value, ...more] : []
  const next = pages.at(-1)?.next
  const loadMore = useAction(async () => {
    const page = await listObjects(bucket, prefix, next)
    setMore((before) => [...before, page])
  })
  const remove = useAction(async () => {
    await deleteObjects(bucket, selected.map(({ id }) => ({ key: id })))
    notify('success', `${selected.length} deleted.`)
    setModal(undefined)
    reload()
  })
  const rows: Row[] = [
    ...pages.flatMap((page) => page.prefixes).map((id) => ({ id, object: undefined })),
    ...pages.flatMap((page) => page.objects).filter(({ key }) => key !== prefix).map((object) => ({ id: object.key, object })),
  ]
  return (
    <div
      className="craton-drop"
      data-over={over}
      onDragOver={(event) => {
        event.preventDefault()
        setOver(true)
      }}
      onDragLeave={() => setOver(false)}
      onDrop={(event) => {
        event.preventDefault()
        setOver(false)
        uploads.add([...event.dataTransfer.files])
      }}
    >
      <SpaceBetween size="m">
        <ErrorAlert error={first.error} title="Could not list the objects" onRetry={reload} />
        <ErrorAlert error={loadMore.error} title="Could not list more objects" onDismiss={loadMore.clearError} />
        <Uploads uploads={uploads} />
        <Table
          items={rows}
          trackBy="id"
          loading={first.loading}
          loadingText="Loading objects"
          selectionType="multi"
          selectedItems={selected}
          isItemDisabled={(row) => row.object === undefined}
          onSelectionChange={({ detail }) => setSelected(detail.selectedItems)}
          ariaLabels={{
            tableLabel: 'Objects',
            selectionGroupLabel: 'Objects',
            allItemsSelectionLabel: () => 'Select all',
            itemSelectionLabel: (_, row) => `Select ${row.id}`,
          }}
          header={
            <Header
              variant="h2"
              counter={first.value ? `(${rows.length}${next ? '+' : ''})` : ''}
              description="Files can be dropped here."
              actions={
                <SpaceBetween direction="horizontal" size="xs">
                  <Button iconName="refresh" ariaLabel="Refresh" onClick={reload} />
                  <Button disabled={selected.length === 0} onClick={() => setModal('delete')}>
                    Delete
                  </Button>
                  <Button onClick={() => setModal('folder')}>Create folder</Button>
                  <Button variant="primary" iconName="upload" onClick={() => picker.current?.click()}>
                    Upload
                  </Button>
                </SpaceBetween>
              }
            >
              Objects
            </Header>
          }
          empty={<Empty title={prefix ? 'Nothing below this prefix' : 'The bucket is empty'}>Upload files, or drop them here.</Empty>}
          columnDefinitions={[
            {
              id: 'name',
              header: 'Name',
              isRowHeader: true,
              minWidth: 220,
              cell: ({ id, object }) =>
                object ? (
                  <Button variant="inline-link" ariaLabel={`Details of ${id}`} onClick={() => setOpen(object)}>
                    {id.slice(prefix.length)}
                  </Button>
                ) : (
                  <PageLink to={folderPath(bucket, id)}>{id.slice(prefix.length)}</PageLink>
                ),
            },
            { id: 'size', header: 'Size', cell: ({ object }) => (object ? bytes(object.size) : '–') },
            { id: 'modified', header: 'Last modified', minWidth: 175, cell: ({ object }) => <Time iso={object?.modifiedAt} /> },
            { id: 'class', header: 'Storage class', cell: ({ object }) => object?.storageClass || '–' },
          ]}
          footer={
            next && (
              <Button loading={loadMore.busy} onClick={() => void loadMore.run()}>
                Load more
              </Button>
            )
          }
        />
      </SpaceBetween>
      <input
        ref={picker}
        type="file"
        multiple
        hidden
        data-testid="files"
        onChange={(event) => {
          uploads.add([...(event.target.files ?? [])])
          event.target.value = ''
        }}
      />
      {open && (
        <ObjectDetails
          bucket={bucket}
          object={open}
          onChanged={reload}
          onDismiss={() => setOpen(undefined)}
        />
      )}
      {modal === 'folder' && <CreateFolder bucket={bucket} prefix={prefix} onCreated={reload} onDismiss={() => setModal(undefined)} />}
      {modal === 'delete' && (
        <ConfirmModal
          title={selected.length === 1 ? 'Delete this object?' : `Delete these ${selected.length} objects?`}
          confirmLabel="Delete"
          busy={remove.busy}
          error={remove.error}
          onConfirm={() => void remove.run()}
          onDismiss={() => setModal(undefined)}
        >
          <ul>
            {selected.slice(0, 8).map(({ id }) => (
              <li key={id} className="craton-stack">
                {id}
              </li>
            ))}
            {selected.length > 8 && <li>and {selected.length - 8} more</li>}
          </ul>
          In a bucket that keeps versions they can be brought back.
        </ConfirmModal>
      )}
    </div>
  )
}

interface FolderProps {
  bucket: string
  prefix: string
  onCreated: () => void
  onDismiss: () => void
}

function CreateFolder({ bucket, prefix, onCreated, onDismiss }: FolderProps) {
  const [name, setName] = useState('')
  const wanted = name.trim().replace(/\/+$/, '')
  const create = useAction(async () => {
    await createFolder(bucket, `${prefix}${wanted}/`)
    onCreated()
    onDismiss()
  })
  return (
    <ConfirmModal
      title="Create folder"
      confirmLabel="Create"
      busy={create.busy}
      error={create.error}
      disabled={wanted === ''}
      onConfirm={() => void create.run()}
      onDismiss={onDismiss}
    >
      <FormField label="Folder name" description="An empty object whose key ends with a slash.">
        <Input value={name} spellcheck={false} onChange={({ detail }) => setName(detail.value)} />
      </FormField>
    </ConfirmModal>
  )
}
