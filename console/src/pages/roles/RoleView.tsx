import BreadcrumbGroup from '@cloudscape-design/components/breadcrumb-group'
import Button from '@cloudscape-design/components/button'
import Container from '@cloudscape-design/components/container'
import FormField from '@cloudscape-design/components/form-field'
import Header from '@cloudscape-design/components/header'
import Input from '@cloudscape-design/components/input'
import KeyValuePairs from '@cloudscape-design/components/key-value-pairs'
import SpaceBetween from '@cloudscape-design/components/space-between'
import { useCallback, useState } from 'react'
import { getRole, saveTrust, setRoleBoundary } from '../../api/permissions.ts'
import { follow, href } from '../../shell/router.tsx'
import { ConfirmModal } from '../../ui/ConfirmModal.tsx'
import { ErrorAlert } from '../../ui/ErrorAlert.tsx'
import { duration } from '../../ui/format.ts'
import { PolicyPanel } from '../../ui/PolicyPanel.tsx'
import { Time } from '../../ui/Time.tsx'
import { useAction } from '../../ui/useAction.ts'
import { useLoad } from '../../ui/useLoad.ts'
import { HolderPolicies } from '../users/HolderPolicies.tsx'

/** One role: who may take it on, and what it may do. */
export function RoleView({ name }: { name: string }) {
  const role = useLoad(useCallback((signal: AbortSignal) => getRole(name, signal), [name]))
  const loadTrust = useCallback(async (signal: AbortSignal) => (await getRole(name, signal)).trust, [name])
  const [boundary, setBoundary] = useState<string>()
  const limit = useAction(async () => {
    await setRoleBoundary(name, (boundary ?? '').trim())
    setBoundary(undefined)
    role.reload()
  })
  const known = role.value
  return (
    <SpaceBetween size="m">
      <BreadcrumbGroup
        ariaLabel="Roles"
        items={[
          { text: 'Roles', href: href('/roles') },
          { text: name, href: '#' },
        ]}
        onFollow={follow}
      />
      <ErrorAlert error={role.error} title="Could not read the role" onRetry={role.reload} />
      <Container
        header={
          <Header variant="h1" actions={<Button onClick={() => setBoundary(known?.boundary ?? '')}>Set boundary</Button>}>
            {name}
          </Header>
        }
      >
        <KeyValuePairs
          columns={3}
          items={[
            { label: 'ARN', value: <code className="craton-secret">{known?.arn ?? '–'}</code> },
            { label: 'Description', value: known?.description || '–' },
            { label: 'Created', value: <Time iso={known?.createdAt} /> },
            { label: 'Longest session', value: known ? duration(known.maxSession) : '–' },
            { label: 'Permissions boundary', value: <span className="craton-stack">{known?.boundary || 'None'}</span> },
            { label: 'Unique id', value: known?.id ?? '–' },
          ]}
        />
      </Container>
      <HolderPolicies kind="role" name={name} />
      <PolicyPanel
        title="Trust policy"
        type="trust"
        description="Who may take the role on. Principals are named by their `iam` ARN."
        load={loadTrust}
        save={(text) => saveTrust(name, text)}
      />
      {boundary !== undefined && (
        <ConfirmModal
          title="Permissions boundary"
          confirmLabel="Save"
          busy={limit.busy}
          error={limit.error}
          onConfirm={() => void limit.run()}
          onDismiss={() => setBoundary(undefined)}
        >
          <FormField label="ARN of a managed policy" description="The role may do nothing that this policy does not allow. Leave it empty for no boundary.">
            <Input value={boundary} spellcheck={false} onChange={({ detail }) => setBoundary(detail.value)} />
          </FormField>
        </ConfirmModal>
      )}
    </SpaceBetween>
  )
}
