import Button from '@cloudscape-design/components/button'
import FormField from '@cloudscape-design/components/form-field'
import Header from '@cloudscape-design/components/header'
import Input from '@cloudscape-design/components/input'
import SpaceBetween from '@cloudscape-design/components/space-between'
import Table from '@cloudscape-design/components/table'
import Tabs from '@cloudscape-design/components/tabs'
import { useCallback, useState } from 'react'
import { createGroup, deleteGroup, listHolders, type Holder } from '../../api/permissions.ts'
import { PageLink, useRoute } from '../../shell/router.tsx'
import { ConfirmModal } from '../../ui/ConfirmModal.tsx'
import { Empty } from '../../ui/Empty.tsx'
import { ErrorAlert } from '../../ui/ErrorAlert.tsx'
import { Time } from '../../ui/Time.tsx'
import { useAction } from '../../ui/useAction.ts'
import { useLoad } from '../../ui/useLoad.ts'
import { CreateUser, DeleteUser } from '../keys/UserModals.tsx'
import { GroupView, UserView } from './HolderViews.tsx'
import { holderPath } from './holderPath.ts'

/** The users and groups of the account, or one of them. */
export default function UsersPage() {
  const { query } = useRoute()
  const [user, group] = [query.get('user'), query.get('group')]
  if (user) return <UserView key={user} name={user} />
  if (group) return <GroupView key={group} name={group} />
  return (
    <SpaceBetween size="m">
      <Header variant="h1" description="Users have keys of their own; groups give their users policies.">
        Users and groups
      </Header>
      <Tabs
        ariaLabel="Users and groups"
        tabs={[
          { id: 'users', label: 'Users', content: <Holders kind="user" /> },
          { id: 'groups', label: 'Groups', content: <Holders kind="group" /> },
        ]}
      />
    </SpaceBetween>
  )
}

function Holders({ kind }: { kind: 'user' | 'group' }) {
  const holders = useLoad(useCallback((signal: AbortSignal) => listHolders(kind, signal), [kind]))
  const [creating, setCreating] = useState(false)
  const [deleting, setDeleting] = useState<Holder>()
  const title = kind === 'user' ? 'Users' : 'Groups'
  const done = () => {
    setCreating(false)
    setDeleting(undefined)
    holders.reload()
  }
  return (
    <SpaceBetween size="m">
      <ErrorAlert error={holders.error} title={`Could not list the ${kind}s`} onRetry={holders.reload} />
      <Table
        items={holders.value ?? []}
        trackBy="name"
        loading={holders.loading}
        loadingText={`Loading ${kind}s`}
        ariaLabels={{ tableLabel: title }}
        header={
          <Header
            variant="h2"
            counter={holders.value ? `(${holders.value.length})` : ''}
            actions={
              <Button variant="primary" onClick={() => setCreating(true)}>
                Create {kind}
              </Button>
            }
          >
            {title}
          </Header>
        }
        empty={<Empty title={`No ${kind}s yet`} />}
        columnDefinitions={[
          {
            id: 'name',
            header: 'Name',
            isRowHeader: true,
            cell: ({ name }) => <PageLink to={holderPath(kind, name)}>{name}</PageLink>,
          },
          { id: 'arn', header: 'ARN', cell: ({ arn }) => <code className="craton-secret">{arn}</code> },
          { id: 'created', header: 'Created', cell: ({ createdAt }) => <Time iso={createdAt} /> },
          {
            id: 'actions',
            header: 'Actions',
            cell: (holder) => (
              <Button variant="inline-link" ariaLabel={`Delete ${holder.name}`} onClick={() => setDeleting(holder)}>
                Delete
              </Button>
            ),
          },
        ]}
      />
      {creating && kind === 'user' && <CreateUser onCreated={done} onDismiss={() => setCreating(false)} />}
      {creating && kind === 'group' && <CreateGroup onCreated={done} onDismiss={() => setCreating(false)} />}
      {deleting && kind === 'user' && <DeleteUser name={deleting.name} onDeleted={done} onDismiss={() => setDeleting(undefined)} />}
      {deleting && kind === 'group' && <DeleteGroup name={deleting.name} onDeleted={done} onDismiss={() => setDeleting(undefined)} />}
    </SpaceBetween>
  )
}

function CreateGroup({ onCreated, onDismiss }: { onCreated: () => void; onDismiss: () => void }) {
  const [name, setName] = useState('')
  const create = useAction(async () => {
    await createGroup(name.trim())
    onCreated()
  })
  return (
    <ConfirmModal
      title="Create group"
      confirmLabel="Create"
      busy={create.busy}
      error={create.error}
      disabled={!/^[\w+=,.@-]{1,128}$/.test(name.trim())}
      onConfirm={() => void create.run()}
      onDismiss={onDismiss}
    >
      <FormField label="Group name" description="At most 128 letters, digits and + = , . @ _ -">
        <Input value={name} spellcheck={false} placeholder="researchers" onChange={({ detail }) => setName(detail.value)} />
      </FormField>
    </ConfirmModal>
  )
}

function DeleteGroup({ name, onDeleted, onDismiss }: { name: string; onDeleted: () => void; onDismiss: () => void }) {
  const remove = useAction(async () => {
    await deleteGroup(name)
    onDeleted()
  })
  return (
    <ConfirmModal
      title={`Delete the group ${name}?`}
      confirmLabel="Delete"
      busy={remove.busy}
      error={remove.error}
      onConfirm={() => void remove.run()}
      onDismiss={onDismiss}
    >
      Its users stay; they lose the policies that they had through it.
    </ConfirmModal>
  )
}
