import Button from '@cloudscape-design/components/button'
import FormField from '@cloudscape-design/components/form-field'
import Header from '@cloudscape-design/components/header'
import Input from '@cloudscape-design/components/input'
import Select from '@cloudscape-design/components/select'
import SpaceBetween from '@cloudscape-design/components/space-between'
import Table from '@cloudscape-design/components/table'
import { useCallback, useState } from 'react'
import {
  attach,
  attachedPolicies,
  deleteInlinePolicy,
  detach,
  inlinePolicies,
  inlinePolicy,
  listPolicies,
  saveInlinePolicy,
  type Kind,
} from '../../api/permissions.ts'
import { PageLink } from '../../shell/router.tsx'
import { ConfirmModal } from '../../ui/ConfirmModal.tsx'
import { Empty } from '../../ui/Empty.tsx'
import { ErrorAlert } from '../../ui/ErrorAlert.tsx'
import { PolicyEditor } from '../../ui/PolicyEditor.tsx'
import { format } from '../../ui/policyText.ts'
import { useAction } from '../../ui/useAction.ts'
import { useLoad } from '../../ui/useLoad.ts'

interface Row {
  name: string
  /** Absent for an inline policy. */
  arn?: string
}

const NEW_INLINE = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}]}'

/** The policies of a user, group or role: attached and inline. */
export function HolderPolicies({ kind, name }: { kind: Kind; name: string }) {
  const load = useCallback(
    async (signal: AbortSignal): Promise<Row[]> => {
      const [attached, inline] = await Promise.all([attachedPolicies(kind, name, signal), inlinePolicies(kind, name, signal)])
      return [...attached, ...inline.map((one) => ({ name: one }))]
    },
    [kind, name],
  )
  const policies = useLoad(load)
  const [modal, setModal] = useState<'attach' | 'inline'>()
  const [editing, setEditing] = useState<{ name: string; text: string }>()
  const take = useAction(async (row: Row) => {
    if (row.arn) await detach(kind, name, row.arn)
    else await deleteInlinePolicy(kind, name, row.name)
    policies.reload()
  })
  const edit = useAction(async (policy: string) => {
    setEditing({ name: policy, text: format(await inlinePolicy(kind, name, policy)) })
  })
  const close = () => {
    setModal(undefined)
    setEditing(undefined)
    policies.reload()
  }
  return (
    <>
      <SpaceBetween size="s">
        <ErrorAlert error={policies.error} title="Could not list the policies" onRetry={policies.reload} />
        <ErrorAlert error={take.error} title="Could not take the policy away" onDismiss={take.clearError} />
        <ErrorAlert error={edit.error} title="Could not read the policy" onDismiss={edit.clearError} />
        <Table
          items={policies.value ?? []}
          trackBy="name"
          loading={policies.loading}
          loadingText="Loading policies"
          ariaLabels={{ tableLabel: 'Permissions' }}
          header={
            <Header
              variant="h2"
              counter={policies.value ? `(${policies.value.length})` : ''}
              actions={
                <SpaceBetween direction="horizontal" size="xs">
                  <Button onClick={() => setModal('inline')}>Add inline policy</Button>
                  <Button onClick={() => setModal('attach')}>Attach policy</Button>
                </SpaceBetween>
              }
            >
              Permissions
            </Header>
          }
          empty={<Empty title="No policies of its own">
              {kind === 'user' ? 'It may do what its groups and the policies of resources allow.' : 'Without one nothing is allowed.'}
            </Empty>}
          columnDefinitions={[
            {
              id: 'name',
              header: 'Policy',
              isRowHeader: true,
              cell: (row) =>
                row.arn ? (
                  <PageLink to={`/policies?policy=${encodeURIComponent(row.arn)}`}>{row.name}</PageLink>
                ) : (
                  <Button variant="inline-link" onClick={() => void edit.run(row.name)}>
                    {row.name}
                  </Button>
                ),
            },
            { id: 'kind', header: 'Kind', cell: (row) => (row.arn ? 'Managed' : 'Inline') },
            {
              id: 'actions',
              header: 'Actions',
              cell: (row) => (
                <Button
                  variant="inline-link"
                  ariaLabel={`${row.arn ? 'Detach' : 'Delete'} ${row.name}`}
                  disabled={take.busy}
                  onClick={() => void take.run(row)}
                >
                  {row.arn ? 'Detach' : 'Delete'}
                </Button>
              ),
            },
          ]}
        />
      </SpaceBetween>
      {modal === 'attach' && <AttachPolicy kind={kind} name={name} onDone={close} onDismiss={() => setModal(undefined)} />}
      {(modal === 'inline' || editing) && (
        <InlinePolicy
          kind={kind}
          name={name}
          policy={editing?.name ?? ''}
          text={editing?.text ?? format(NEW_INLINE)}
          onDone={close}
          onDismiss={() => {
            setModal(undefined)
            setEditing(undefined)
          }}
        />
      )}
    </>
  )
}

interface ModalProps {
  kind: Kind
  name: string
  onDone: () => void
  onDismiss: () => void
}

const loadAll = (signal: AbortSignal) => listPolicies('All', signal)

function AttachPolicy({ kind, name, onDone, onDismiss }: ModalProps) {
  const policies = useLoad(loadAll)
  const [arn, setArn] = useState<string>()
  const add = useAction(async () => {
    if (!arn) return
    await attach(kind, name, arn)
    onDone()
  })
  const options = (policies.value ?? []).map((policy) => ({
    value: policy.arn,
    label: policy.name,
    description: policy.managedByAws ? 'AWS managed' : 'This account’s',
  }))
  return (
    <ConfirmModal
      title={`Attach a policy to ${name}`}
      confirmLabel="Attach"
      busy={add.busy}
      error={add.error ?? policies.error}
      disabled={arn === undefined}
      onConfirm={() => void add.run()}
      onDismiss={onDismiss}
    >
      <FormField label="Policy">
        <Select
          options={options}
          filteringType="auto"
          statusType={policies.loading ? 'loading' : 'finished'}
          selectedOption={options.find((option) => option.value === arn) ?? null}
          placeholder="Choose a policy"
          expandToViewport
          onChange={({ detail }) => setArn(detail.selectedOption.value)}
        />
      </FormField>
    </ConfirmModal>
  )
}

function InlinePolicy({ kind, name, policy, text: before, onDone, onDismiss }: ModalProps & { policy: string; text: string }) {
  const [called, setCalled] = useState(policy)
  const [text, setText] = useState(before)
  const save = useAction(async () => {
    await saveInlinePolicy(kind, name, called.trim(), text)
    onDone()
  })
  return (
    <ConfirmModal
      title={policy ? `Inline policy ${policy}` : `Add an inline policy to ${name}`}
      size="large"
      confirmLabel="Save"
      busy={save.busy}
      error={save.error}
      disabled={called.trim() === ''}
      onConfirm={() => void save.run()}
      onDismiss={onDismiss}
    >
      <SpaceBetween size="m">
        <FormField label="Policy name">
          <Input value={called} spellcheck={false} disabled={policy !== ''} onChange={({ detail }) => setCalled(detail.value)} />
        </FormField>
        <PolicyEditor label="Policy document" type={`inline-${kind}`} value={text} onChange={setText} />
      </SpaceBetween>
    </ConfirmModal>
  )
}
