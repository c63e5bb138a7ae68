import Button from '@cloudscape-design/components/button'
import Header from '@cloudscape-design/components/header'
import Select from '@cloudscape-design/components/select'
import SpaceBetween from '@cloudscape-design/components/space-between'
import StatusIndicator from '@cloudscape-design/components/status-indicator'
import Table from '@cloudscape-design/components/table'
import { useCallback, useState } from 'react'
import {
  createAccessKey,
  deleteAccessKey,
  listAccessKeys,
  listUsers,
  setAccessKeyActive,
  type AccessKey,
  type NewAccessKey,
} from '../../api/iam.ts'
import { useSession } from '../../shell/SessionContext.tsx'
import { ConfirmModal } from '../../ui/ConfirmModal.tsx'
import { Empty } from '../../ui/Empty.tsx'
import { ErrorAlert } from '../../ui/ErrorAlert.tsx'
import { SecretModal } from '../../ui/SecretModal.tsx'
import { Time } from '../../ui/Time.tsx'
import { useAction } from '../../ui/useAction.ts'
import { useLoad } from '../../ui/useLoad.ts'
import { CreateUser, DeleteUser } from './UserModals.tsx'

/** IAM users' access keys: for the AWS SDKs and the AWS command line. */
export function IamKeys() {
  const { arn } = useSession()
  const users = useLoad(listUsers)
  const [chosen, setChosen] = useState<string>()
  const [made, setMade] = useState<NewAccessKey>()
  const [deleting, setDeleting] = useState<AccessKey>()
  const [userModal, setUserModal] = useState<'create' | 'delete'>()

  const all = users.value ?? []
  const user = chosen ?? (all.find((one) => one.arn === arn) ?? all[0])?.name
  const load = useCallback(
    async (signal: AbortSignal) => (user === undefined ? [] : listAccessKeys(user, signal)),
    [user],
  )
  const keys = useLoad(load)

  const create = useAction(async () => {
    if (user === undefined) return
    setMade(await createAccessKey(user))
    keys.reload()
  })
  const toggle = useAction(async (key: AccessKey) => {
    await setAccessKeyActive(key, !key.active)
    keys.reload()
  })
  const remove = useAction(async (key: AccessKey) => {
    await deleteAccessKey(key)
    setDeleting(undefined)
    keys.reload()
  })

  const options = all.map(({ name }) => ({ value: name, label: name }))
  return (
    <>
      <SpaceBetween size="s">
        <ErrorAlert error={users.error} title="Could not list the users" onRetry={users.reload} />
        <ErrorAlert error={keys.error} title="Could not list the access keys" onRetry={keys.reload} />
        <ErrorAlert error={create.error} title="Could not create an access key" onDismiss={create.clearError} />
        <ErrorAlert error={toggle.error} title="Could not change the access key" onDismiss={toggle.clearError} />
        <Table
          items={keys.value ?? []}
          trackBy="id"
          loading={users.loading || keys.loading}
          loadingText="Loading access keys"
          ariaLabels={{ tableLabel: 'IAM access keys' }}
          header={
            <Header
              variant="h2"
              counter={keys.value ? `(${keys.value.length})` : ''}
              description="For the AWS SDKs and command line. Two keys per user at most, so that one can replace the other."
              actions={
                <Button
                  variant="primary"
                  loading={create.busy}
                  disabled={user === undefined}
                  onClick={() => void create.run()}
                >
                  Create access key
                </Button>
              }
            >
              IAM access keys
            </Header>
          }
          filter={
            <div className="craton-filters">
              <div className="craton-narrow">
                <Select
                  ariaLabel="User"
                  inlineLabelText="User"
                  options={options}
                  selectedOption={options.find((option) => option.value === user) ?? null}
                  placeholder="Choose a user"
                  onChange={({ detail }) => setChosen(detail.selectedOption.value)}
                />
              </div>
              <Button onClick={() => setUserModal('create')}>Create user</Button>
              <Button
                ariaLabel={`Delete the user ${user ?? ''}`}
                disabled={user === undefined || all.find((one) => one.name === user)?.arn === arn}
                onClick={() => setUserModal('delete')}
              >
                Delete user
              </Button>
            </div>
          }
          empty={<Empty title="This user has no access keys">A key lets programs act as {user ?? 'the user'}.</Empty>}
          columnDefinitions={[
            { id: 'id', header: 'Access key ID', isRowHeader: true, cell: (key) => key.id },
            {
              id: 'status',
              header: 'Status',
              cell: (key) =>
                key.active ? (
                  <StatusIndicator>Active</StatusIndicator>
                ) : (
                  <StatusIndicator type="stopped">Inactive</StatusIndicator>
                ),
            },
            { id: 'created', header: 'Created', cell: (key) => <Time iso={key.createdAt} /> },
            {
              id: 'actions',
              header: 'Actions',
              minWidth: 190,
              cell: (key) => (
                <SpaceBetween direction="horizontal" size="s">
                  <Button
                    variant="inline-link"
                    ariaLabel={`${key.active ? 'Deactivate' : 'Activate'} ${key.id}`}
                    disabled={toggle.busy}
                    onClick={() => void toggle.run(key)}
                  >
                    {key.active ? 'Deactivate' : 'Activate'}
                  </Button>
                  <Button variant="inline-link" ariaLabel={`Delete ${key.id}`} onClick={() => setDeleting(key)}>
                    Delete
                  </Button>
                </SpaceBetween>
              ),
            },
          ]}
        />
      </SpaceBetween>
      {userModal === 'create' && (
        <CreateUser
          onCreated={(name) => {
            setUserModal(undefined)
            setChosen(name)
            users.reload()
          }}
          onDismiss={() => setUserModal(undefined)}
        />
      )}
      {userModal === 'delete' && user !== undefined && (
        <DeleteUser
          name={user}
          onDeleted={() => {
            setUserModal(undefined)
            setChosen(undefined)
            users.reload()
          }}
          onDismiss={() => setUserModal(undefined)}
        />
      )}
      {made && (
        <SecretModal
          title={`New access key of ${made.userName}`}
          parts={[
            { label: 'Access key ID', text: made.id },
            { label: 'Secret access key', text: made.secret },
          ]}
          onDismiss={() => setMade(undefined)}
        />
      )}
      {deleting && (
        <ConfirmModal
          title="Delete the access key?"
          confirmLabel="Delete"
          busy={remove.busy}
          error={remove.error}
          onConfirm={() => void remove.run(deleting)}
          onDismiss={() => {
            remove.clearError()
            setDeleting(undefined)
          }}
        >
          Requests signed with {deleting.id} are refused from then on. A deleted key cannot be brought back.
        </ConfirmModal>
      )}
    </>
  )
}
