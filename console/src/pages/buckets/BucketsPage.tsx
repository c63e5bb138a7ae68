import Button from '@cloudscape-design/components/button'
import Checkbox from '@cloudscape-design/components/checkbox'
import FormField from '@cloudscape-design/components/form-field'
import Header from '@cloudscape-design/components/header'
import Input from '@cloudscape-design/components/input'
import SpaceBetween from '@cloudscape-design/components/space-between'
import Table from '@cloudscape-design/components/table'
import TextFilter from '@cloudscape-design/components/text-filter'
import { useState } from 'react'
import { createBucket, deleteBucket, emptyBucket, listBuckets, type Bucket } from '../../api/s3.ts'
import { useNotify } from '../../shell/Notifications.tsx'
import { PageLink, useRoute } from '../../shell/router.tsx'
import { ConfirmModal } from '../../ui/ConfirmModal.tsx'
import { Empty } from '../../ui/Empty.tsx'
import { ErrorAlert } from '../../ui/ErrorAlert.tsx'
import { Time } from '../../ui/Time.tsx'
import { useAction } from '../../ui/useAction.ts'
import { useLoad } from '../../ui/useLoad.ts'
import { BucketView } from './BucketView.tsx'

/** The buckets of the account, or one of them. */
export default function BucketsPage() {
  const { query } = useRoute()
  const bucket = query.get('bucket')
  return bucket ? <BucketView key={bucket} bucket={bucket} /> : <BucketList />
}

function BucketList() {
  const buckets = useLoad(listBuckets)
  const [filter, setFilter] = useState('')
  const [creating, setCreating] = useState(false)
  const [deleting, setDeleting] = useState<Bucket>()
  const all = buckets.value ?? []
  const shown = all.filter(({ name }) => name.includes(filter.trim().toLowerCase()))
  return (
    <SpaceBetween size="m">
      <ErrorAlert error={buckets.error} title="Could not list the buckets" onRetry={buckets.reload} />
      <Table
        items={shown}
        trackBy="name"
        variant="full-page"
        loading={buckets.loading}
        loadingText="Loading buckets"
        ariaLabels={{ tableLabel: 'Buckets' }}
        header={
          <Header
            variant="h1"
            counter={buckets.value ? `(${all.length})` : ''}
            description="Containers for objects. Their names are unique in the whole deployment."
            actions={
              <SpaceBetween direction="horizontal" size="xs">
                <Button iconName="refresh" ariaLabel="Refresh" onClick={buckets.reload} />
                <Button variant="primary" onClick={() => setCreating(true)}>
                  Create bucket
                </Button>
              </SpaceBetween>
            }
          >
            Buckets
          </Header>
        }
        filter={
          <TextFilter
            filteringText={filter}
            filteringPlaceholder="Find buckets by name"
            filteringAriaLabel="Find buckets"
            onChange={({ detail }) => setFilter(detail.filteringText)}
          />
        }
        empty={
          <Empty title={all.length === 0 ? 'No buckets yet' : 'No bucket matches'}>
            {all.length === 0 && 'Create one here, or with `aws s3 mb s3://NAME`.'}
          </Empty>
        }
        columnDefinitions={[
          {
            id: 'name',
            header: 'Name',
            isRowHeader: true,
            cell: ({ name }) => <PageLink to={`/buckets?bucket=${encodeURIComponent(name)}`}>{name}</PageLink>,
          },
          { id: 'region', header: 'Region', cell: ({ region }) => region || '–' },
          { id: 'created', header: 'Created', cell: ({ createdAt }) => <Time iso={createdAt} /> },
          {
            id: 'actions',
            header: 'Actions',
            cell: (bucket) => (
              <Button variant="inline-link" ariaLabel={`Delete ${bucket.name}`} onClick={() => setDeleting(bucket)}>
                Delete
              </Button>
            ),
          },
        ]}
      />
      {creating && (
        <CreateBucket
          onCreated={() => {
            setCreating(false)
            buckets.reload()
          }}
          onDismiss={() => setCreating(false)}
        />
      )}
      {deleting && (
        <DeleteBucket
          bucket={deleting.name}
          onDeleted={() => {
            setDeleting(undefined)
            buckets.reload()
          }}
          onDismiss={() => setDeleting(undefined)}
        />
      )}
    </SpaceBetween>
  )
}

function CreateBucket({ onCreated, onDismiss }: { onCreated: () => void; onDismiss: () => void }) {
  const [name, setName] = useState('')
  const [versioned, setVersioned] = useState(false)
  const notify = useNotify()
  const create = useAction(async () => {
    await createBucket(name, versioned)
    notify('success', `The bucket ${name} was created.`)
    onCreated()
  })
  const wellFormed = name === '' || /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(name)
  return (
    <ConfirmModal
      title="Create bucket"
      confirmLabel="Create"
      busy={create.busy}
      error={create.error}
      disabled={name === '' || !wellFormed}
      onConfirm={() => void create.run()}
      onDismiss={onDismiss}
    >
      <SpaceBetween size="m">
        <FormField
          label="Bucket name"
          description="3 to 63 lower-case letters, digits, dots and hyphens."
          errorText={wellFormed ? '' : 'Bucket names have 3 to 63 lower-case letters, digits, dots and hyphens.'}
        >
          <Input value={name} spellcheck={false} placeholder="model-artifacts" onChange={({ detail }) => setName(detail.value)} />
        </FormField>
        <Checkbox
          checked={versioned}
          description="Overwritten and deleted objects can be brought back."
          onChange={({ detail }) => setVersioned(detail.checked)}
        >
          Keep versions of objects
        </Checkbox>
      </SpaceBetween>
    </ConfirmModal>
  )
}

function DeleteBucket({ bucket, onDeleted, onDismiss }: { bucket: string; onDeleted: () => void; onDismiss: () => void }) {
  const [empty, setEmpty] = useState(false)
  const [typed, setTyped] = useState('')
  const [deleted, setDeleted] = useState(0)
  const notify = useNotify()
  const remove = useAction(async () => {
    if (empty) await emptyBucket(bucket, setDeleted)
    await deleteBucket(bucket)
    notify('success', `The bucket ${bucket} was deleted.`)
    onDeleted()
  })
  return (
    <ConfirmModal
      title={`Delete the bucket ${bucket}?`}
      confirmLabel="Delete"
      busy={remove.busy}
      error={remove.error}
      disabled={empty && typed !== bucket}
      onConfirm={() => void remove.run()}
      onDismiss={onDismiss}
    >
      <SpaceBetween size="m">
        <Checkbox checked={empty} onChange={({ detail }) => setEmpty(detail.checked)}>
          Delete all its objects and versions first
        </Checkbox>
        {empty && (
          <FormField
            label="Type the bucket's name"
            description={deleted > 0 ? `${deleted} deleted` : 'What is deleted this way cannot be brought back.'}
          >
            <Input value={typed} spellcheck={false} placeholder={bucket} onChange={({ detail }) => setTyped(detail.value)} />
          </FormField>
        )}
      </SpaceBetween>
    </ConfirmModal>
  )
}
