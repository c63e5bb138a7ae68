import Badge from '@cloudscape-design/components/badge'
import Button from '@cloudscape-design/components/button'
import FormField from '@cloudscape-design/components/form-field'
import Header from '@cloudscape-design/components/header'
import Input from '@cloudscape-design/components/input'
import SpaceBetween from '@cloudscape-design/components/space-between'
import Table from '@cloudscape-design/components/table'
import { useCallback, useState } from 'react'
import {
  createServicePolicy,
  deleteServicePolicy,
  listServicePolicies,
  saveServicePolicy,
  servicePolicyText,
  type ServicePolicy,
} from '../../api/organizations.ts'
import { ConfirmModal } from '../../ui/ConfirmModal.tsx'
import { ErrorAlert } from '../../ui/ErrorAlert.tsx'
import { PolicyEditor } from '../../ui/PolicyEditor.tsx'
import { PolicyPanel } from '../../ui/PolicyPanel.tsx'
import { format } from '../../ui/policyText.ts'
import { useAction } from '../../ui/useAction.ts'
import { useLoad } from '../../ui/useLoad.ts'

const NEW_POLICY = '{"Version":"2012-10-17","Statement":[{"Sid":"NoDeletion","Effect":"Deny","Action":"s3:DeleteBucket","Resource":"*"}]}'

/** The organization's service control policies. */
export function ServicePolicies() {
  const policies = useLoad(listServicePolicies)
  const [creating, setCreating] = useState(false)
  const [open, setOpen] = useState<ServicePolicy>()
  const remove = useAction(async (id: string) => {
    await deleteServicePolicy(id)
    setOpen(undefined)
    policies.reload()
  })
  return (
    <SpaceBetween size="m">
      <ErrorAlert error={policies.error} title="Could not list the policies" onRetry={policies.reload} />
      <ErrorAlert error={remove.error} title="Could not delete the policy" onDismiss={remove.clearError} />
      <Table
        items={policies.value ?? []}
        trackBy="Id"
        loading={policies.loading}
        ariaLabels={{ tableLabel: 'Service control policies' }}
        header={
          <Header
            variant="h2"
            description="The most that accounts may do. They give nothing by themselves."
            actions={
              <Button variant="primary" onClick={() => setCreating(true)}>
                Create policy
              </Button>
            }
          >
            Service control policies
          </Header>
        }
        columnDefinitions={[
          {
            id: 'name',
            header: 'Name',
            isRowHeader: true,
            cell: (policy) => (
              <SpaceBetween direction="horizontal" size="xs">
                <Button variant="inline-link" onClick={() => setOpen(policy)}>
                  {policy.Name}
                </Button>
                {policy.AwsManaged && <Badge>AWS</Badge>}
              </SpaceBetween>
            ),
          },
          { id: 'id', header: 'Id', cell: ({ Id }) => <code className="craton-secret">{Id}</code> },
          { id: 'description', header: 'Description', cell: ({ Description }) => Description || '–' },
          {
            id: 'actions',
            header: 'Actions',
            cell: ({ Id, Name, AwsManaged }) =>
              AwsManaged ? (
                '–'
              ) : (
                <Button variant="inline-link" ariaLabel={`Delete ${Name}`} disabled={remove.busy} onClick={() => void remove.run(Id)}>
                  Delete
                </Button>
              ),
          },
        ]}
      />
      {open && <OnePolicy key={open.Id} policy={open} />}
      {creating && (
        <CreatePolicy
          onCreated={() => {
            setCreating(false)
            policies.reload()
          }}
          onDismiss={() => setCreating(false)}
        />
      )}
    </SpaceBetween>
  )
}

function OnePolicy({ policy }: { policy: ServicePolicy }) {
  const load = useCallback((signal: AbortSignal) => servicePolicyText(policy.Id, signal), [policy.Id])
  return (
    <PolicyPanel
      title={policy.Name}
      type="scp"
      load={load}
      {...(policy.AwsManaged ? {} : { save: (text: string) => saveServicePolicy(policy.Id, text) })}
    />
  )
}

function CreatePolicy({ onCreated, onDismiss }: { onCreated: () => void; onDismiss: () => void }) {
  const [name, setName] = useState('')
  const [description, setDescription] = useState('')
  const [text, setText] = useState(format(NEW_POLICY))
  const create = useAction(async () => {
    await createServicePolicy(name.trim(), description.trim(), text)
    onCreated()
  })
  return (
    <ConfirmModal
      title="Create a service control policy"
      size="large"
      confirmLabel="Create"
      busy={create.busy}
      error={create.error}
      disabled={name.trim() === ''}
      onConfirm={() => void create.run()}
      onDismiss={onDismiss}
    >
      <SpaceBetween size="m">
        <FormField label="Policy name">
          <Input value={name} onChange={({ detail }) => setName(detail.value)} />
        </FormField>
        <FormField label="Description">
          <Input value={description} onChange={({ detail }) => setDescription(detail.value)} />
        </FormField>
        <PolicyEditor label="Policy document" type="scp" value={text} onChange={setText} />
      </SpaceBetween>
    </ConfirmModal>
  )
}
