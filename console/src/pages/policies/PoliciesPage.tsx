import Badge from '@cloudscape-design/components/badge'
import Button from '@cloudscape-design/components/button'
import FormField from '@cloudscape-design/components/form-field'
import Header from '@cloudscape-design/components/header'
import Input from '@cloudscape-design/components/input'
import SegmentedControl from '@cloudscape-design/components/segmented-control'
import SpaceBetween from '@cloudscape-design/components/space-between'
import Table from '@cloudscape-design/components/table'
import TextFilter from '@cloudscape-design/components/text-filter'
import { useCallback, useState } from 'react'
import { createPolicy, deletePolicy, listPolicies, type Policy } from '../../api/permissions.ts'
import { useNotify } from '../../shell/Notifications.tsx'
import { PageLink, useRoute } from '../../shell/router.tsx'
import { ConfirmModal } from '../../ui/ConfirmModal.tsx'
import { Empty } from '../../ui/Empty.tsx'
import { ErrorAlert } from '../../ui/ErrorAlert.tsx'
import { PolicyEditor } from '../../ui/PolicyEditor.tsx'
import { jsonFault } from '../../ui/policyText.ts'
import { Time } from '../../ui/Time.tsx'
import { useAction } from '../../ui/useAction.ts'
import { useLoad } from '../../ui/useLoad.ts'
import { PolicyView } from './PolicyView.tsx'

const NEW_POLICY = JSON.stringify(
  {
    Version: '2012-10-17',
    Statement: [{ Sid: 'Read', Effect: 'Allow', Action: ['s3:ListBucket', 's3:GetObject'], Resource: '*' }],
  },
  null,
  2,
)

/** The managed policies, or one of them. */
export default function PoliciesPage() {
  const { query } = useRoute()
  const arn = query.get('policy')
  return arn ? <PolicyView key={arn} arn={arn} /> : <PolicyList />
}

function PolicyList() {
  const [scope, setScope] = useState<'Local' | 'AWS'>('Local')
  const policies = useLoad(useCallback((signal: AbortSignal) => listPolicies(scope, signal), [scope]))
  const [filter, setFilter] = useState('')
  const [creating, setCreating] = useState(false)
  const [deleting, setDeleting] = useState<Policy>()
  const notify = useNotify()
  const remove = useAction(async (policy: Policy) => {
    await deletePolicy(policy.arn)
    notify('success', `The policy ${policy.name} was deleted.`)
    setDeleting(undefined)
    policies.reload()
  })
  const all = policies.value ?? []
  const shown = all.filter(({ name }) => name.toLowerCase().includes(filter.trim().toLowerCase()))
  return (
    <SpaceBetween size="m">
      <ErrorAlert error={policies.error} title="Could not list the policies" onRetry={policies.reload} />
      <Table
        items={shown}
        trackBy="arn"
        variant="full-page"
        loading={policies.loading}
        loadingText="Loading policies"
        ariaLabels={{ tableLabel: 'Policies' }}
        header={
          <Header
            variant="h1"
            counter={policies.value ? `(${shown.length})` : ''}
            description="Say who may do what. They work when they are attached to users, groups or roles."
            actions={
              <SpaceBetween direction="horizontal" size="xs">
                <Button iconName="refresh" ariaLabel="Refresh" onClick={policies.reload} />
                <Button variant="primary" onClick={() => setCreating(true)}>
                  Create policy
                </Button>
              </SpaceBetween>
            }
          >
            Policies
          </Header>
        }
        filter={
          <div className="craton-filters">
            <TextFilter
              filteringText={filter}
              filteringPlaceholder="Find policies by name"
              filteringAriaLabel="Find policies"
              onChange={({ detail }) => setFilter(detail.filteringText)}
            />
            <SegmentedControl
              label="Whose policies"
              selectedId={scope}
              options={[
                { id: 'Local', text: 'This account’s' },
                { id: 'AWS', text: 'AWS managed' },
              ]}
              onChange={({ detail }) => setScope(detail.selectedId as 'Local' | 'AWS')}
            />
          </div>
        }
        empty={<Empty title={all.length === 0 ? 'No policies yet' : 'No policy matches'} />}
        columnDefinitions={[
          {
            id: 'name',
            header: 'Name',
            isRowHeader: true,
            cell: (policy) => (
              <SpaceBetween direction="horizontal" size="xs">
                <PageLink to={`/policies?policy=${encodeURIComponent(policy.arn)}`}>{policy.name}</PageLink>
                {policy.managedByAws && <Badge>AWS</Badge>}
              </SpaceBetween>
            ),
          },
          { id: 'attached', header: 'Attached', cell: (policy) => policy.attachments },
          { id: 'version', header: 'Version', cell: (policy) => policy.defaultVersion },
          { id: 'changed', header: 'Changed', cell: (policy) => <Time iso={policy.updatedAt} /> },
          {
            id: 'actions',
            header: 'Actions',
            cell: (policy) =>
              policy.managedByAws ? (
                '–'
              ) : (
                <Button variant="inline-link" ariaLabel={`Delete ${policy.name}`} onClick={() => setDeleting(policy)}>
                  Delete
                </Button>
              ),
          },
        ]}
      />
      {creating && (
        <CreatePolicy
          onCreated={() => {
            setCreating(false)
            policies.reload()
          }}
          onDismiss={() => setCreating(false)}
        />
      )}
      {deleting && (
        <ConfirmModal
          title={`Delete the policy ${deleting.name}?`}
          confirmLabel="Delete"
          busy={remove.busy}
          error={remove.error}
          onConfirm={() => void remove.run(deleting)}
          onDismiss={() => {
            remove.clearError()
            setDeleting(undefined)
          }}
        >
          All its versions are deleted. It must not be attached to anyone.
        </ConfirmModal>
      )}
    </SpaceBetween>
  )
}

function CreatePolicy({ onCreated, onDismiss }: { onCreated: () => void; onDismiss: () => void }) {
  const [name, setName] = useState('')
  const [description, setDescription] = useState('')
  const [text, setText] = useState(NEW_POLICY)
  const notify = useNotify()
  const create = useAction(async () => {
    await createPolicy(name.trim(), description.trim(), text)
    notify('success', `The policy ${name.trim()} was created.`)
    onCreated()
  })
  const broken = jsonFault(text) !== undefined
  return (
    <ConfirmModal
      title="Create policy"
      size="large"
      confirmLabel="Create"
      busy={create.busy}
      error={create.error}
      disabled={!/^[\w+=,.@-]{1,128}$/.test(name.trim()) || broken}
      onConfirm={() => void create.run()}
      onDismiss={onDismiss}
    >
      <SpaceBetween size="m">
        <FormField label="Policy name" description="At most 128 letters, digits and + = , . @ _ -">
          <Input value={name} spellcheck={false} placeholder="ReadModels" onChange={({ detail }) => setName(detail.value)} />
        </FormField>
        <FormField label="Description">
          <Input value={description} onChange={({ detail }) => setDescription(detail.value)} />
        </FormField>
        <PolicyEditor label="Policy document" type="identity" value={text} onChange={setText} />
      </SpaceBetween>
    </ConfirmModal>
  )
}
