import Button from '@cloudscape-design/components/button'
import FormField from '@cloudscape-design/components/form-field'
import Header from '@cloudscape-design/components/header'
import Input from '@cloudscape-design/components/input'
import Select from '@cloudscape-design/components/select'
import SpaceBetween from '@cloudscape-design/components/space-between'
import Table from '@cloudscape-design/components/table'
import TextFilter from '@cloudscape-design/components/text-filter'
import { useState } from 'react'
import { createRole, deleteRole, listRoles, type Role } from '../../api/permissions.ts'
import { useNotify } from '../../shell/Notifications.tsx'
import { PageLink, useRoute } from '../../shell/router.tsx'
import { useSession } from '../../shell/SessionContext.tsx'
import { ConfirmModal } from '../../ui/ConfirmModal.tsx'
import { Empty } from '../../ui/Empty.tsx'
import { ErrorAlert } from '../../ui/ErrorAlert.tsx'
import { PolicyEditor } from '../../ui/PolicyEditor.tsx'
import { Time } from '../../ui/Time.tsx'
import { useAction } from '../../ui/useAction.ts'
import { useLoad } from '../../ui/useLoad.ts'
import { RoleView } from './RoleView.tsx'
import { TRUSTED, trustOf, trustedBy } from './trust.ts'

/** The roles of the account, or one of them. */
export default function RolesPage() {
  const { query } = useRoute()
  const role = query.get('role')
  return role ? <RoleView key={role} name={role} /> : <RoleList />
}

function RoleList() {
  const roles = useLoad(listRoles)
  const [filter, setFilter] = useState('')
  const [creating, setCreating] = useState(false)
  const [deleting, setDeleting] = useState<Role>()
  const notify = useNotify()
  const remove = useAction(async ({ name }: Role) => {
    await deleteRole(name)
    notify('success', `The role ${name} was deleted.`)
    setDeleting(undefined)
    roles.reload()
  })
  const all = roles.value ?? []
  const shown = all.filter(({ name }) => name.toLowerCase().includes(filter.trim().toLowerCase()))
  return (
    <SpaceBetween size="m">
      <ErrorAlert error={roles.error} title="Could not list the roles" onRetry={roles.reload} />
      <Table
        items={shown}
        trackBy="name"
        variant="full-page"
        loading={roles.loading}
        loadingText="Loading roles"
        ariaLabels={{ tableLabel: 'Roles' }}
        header={
          <Header
            variant="h1"
            counter={roles.value ? `(${all.length})` : ''}
            description="Rights that users, services and other accounts take on for a while."
            actions={
              <SpaceBetween direction="horizontal" size="xs">
                <Button iconName="refresh" ariaLabel="Refresh" onClick={roles.reload} />
                <Button variant="primary" onClick={() => setCreating(true)}>
                  Create role
                </Button>
              </SpaceBetween>
            }
          >
            Roles
          </Header>
        }
        filter={
          <TextFilter
            filteringText={filter}
            filteringPlaceholder="Find roles by name"
            filteringAriaLabel="Find roles"
            onChange={({ detail }) => setFilter(detail.filteringText)}
          />
        }
        empty={<Empty title={all.length === 0 ? 'No roles yet' : 'No role matches'} />}
        columnDefinitions={[
          {
            id: 'name',
            header: 'Name',
            isRowHeader: true,
            cell: ({ name }) => <PageLink to={`/roles?role=${encodeURIComponent(name)}`}>{name}</PageLink>,
          },
          { id: 'trusted', header: 'Trusts', cell: ({ trust }) => <span className="craton-stack">{trustedBy(trust)}</span> },
          { id: 'created', header: 'Created', cell: ({ createdAt }) => <Time iso={createdAt} /> },
          {
            id: 'actions',
            header: 'Actions',
            cell: (role) => (
              <Button variant="inline-link" ariaLabel={`Delete ${role.name}`} onClick={() => setDeleting(role)}>
                Delete
              </Button>
            ),
          },
        ]}
      />
      {creating && (
        <CreateRole
          onCreated={() => {
            setCreating(false)
            roles.reload()
          }}
          onDismiss={() => setCreating(false)}
        />
      )}
      {deleting && (
        <ConfirmModal
          title={`Delete the role ${deleting.name}?`}
          confirmLabel="Delete"
          busy={remove.busy}
          error={remove.error}
          onConfirm={() => void remove.run(deleting)}
          onDismiss={() => {
            remove.clearError()
            setDeleting(undefined)
          }}
        >
          Its policies are detached. Sessions that use it end at once.
        </ConfirmModal>
      )}
    </SpaceBetween>
  )
}

function CreateRole({ onCreated, onDismiss }: { onCreated: () => void; onDismiss: () => void }) {
  const { account } = useSession()
  const [name, setName] = useState('')
  const [description, setDescription] = useState('')
  const [trusted, setTrusted] = useState<string>(TRUSTED[0].value)
  const [text, setText] = useState(trustOf(trusted, account))
  const notify = useNotify()
  const create = useAction(async () => {
    await createRole(name.trim(), description.trim(), text)
    notify('success', `The role ${name.trim()} was created.`)
    onCreated()
  })
  return (
    <ConfirmModal
      title="Create role"
      size="large"
      confirmLabel="Create"
      busy={create.busy}
      error={create.error}
      disabled={!/^[\w+=,.@-]{1,64}$/.test(name.trim())}
      onConfirm={() => void create.run()}
      onDismiss={onDismiss}
    >
      <SpaceBetween size="m">
        <FormField label="Role name" description="At most 64 letters, digits and + = , . @ _ -">
          <Input value={name} spellcheck={false} placeholder="ModelImport" onChange={({ detail }) => setName(detail.value)} />
        </FormField>
        <FormField label="Description">
          <Input value={description} onChange={({ detail }) => setDescription(detail.value)} />
        </FormField>
        <FormField label="Who takes it on">
          <Select
            options={[...TRUSTED]}
            selectedOption={TRUSTED.find(({ value }) => value === trusted) ?? null}
            expandToViewport
            onChange={({ detail }) => {
              const value = detail.selectedOption.value ?? ''
              setTrusted(value)
              setText(trustOf(value, account))
            }}
          />
        </FormField>
        <PolicyEditor label="Trust policy" type="trust" value={text} onChange={setText} rows={12} />
      </SpaceBetween>
    </ConfirmModal>
  )
}
