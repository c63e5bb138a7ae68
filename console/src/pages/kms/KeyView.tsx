import Alert from '@cloudscape-design/components/alert'
import BreadcrumbGroup from '@cloudscape-design/components/breadcrumb-group'
import Button from '@cloudscape-design/components/button'
import Container from '@cloudscape-design/components/container'
import FormField from '@cloudscape-design/components/form-field'
import Header from '@cloudscape-design/components/header'
import Input from '@cloudscape-design/components/input'
import KeyValuePairs from '@cloudscape-design/components/key-value-pairs'
import SpaceBetween from '@cloudscape-design/components/space-between'
import Table from '@cloudscape-design/components/table'
import Toggle from '@cloudscape-design/components/toggle'
import { useCallback, useState } from 'react'
import { isoOf } from '../../api/awsJson.ts'
import {
  cancelDeletion,
  describeKey,
  keyPolicy,
  listGrants,
  revokeGrant,
  rotateNow,
  rotation,
  saveKeyPolicy,
  scheduleDeletion,
  setEnabled,
  setRotation,
} from '../../api/kms.ts'
import { follow, href } from '../../shell/router.tsx'
import { ConfirmModal } from '../../ui/ConfirmModal.tsx'
import { Empty } from '../../ui/Empty.tsx'
import { ErrorAlert } from '../../ui/ErrorAlert.tsx'
import { PolicyPanel } from '../../ui/PolicyPanel.tsx'
import { Time } from '../../ui/Time.tsx'
import { useAction } from '../../ui/useAction.ts'
import { useLoad } from '../../ui/useLoad.ts'
import { KeyState } from './KmsPage.tsx'

/** One KMS key: its state, its policy, its grants. */
export function KeyView({ id }: { id: string }) {
  const key = useLoad(useCallback((signal: AbortSignal) => describeKey(id, signal), [id]))
  const loadPolicy = useCallback((signal: AbortSignal) => keyPolicy(id, signal), [id])
  const [days, setDays] = useState<string>()
  const change = useAction(async (act: () => Promise<void>) => {
    await act()
    key.reload()
  })
  const remove = useAction(async () => {
    await scheduleDeletion(id, Number(days))
    setDays(undefined)
    key.reload()
  })
  const known = key.value
  const mine = known?.KeyManager === 'CUSTOMER'
  return (
    <SpaceBetween size="m">
      <BreadcrumbGroup
        ariaLabel="Keys"
        items={[
          { text: 'Encryption keys', href: href('/kms') },
          { text: id, href: '#' },
        ]}
        onFollow={follow}
      />
      <ErrorAlert error={key.error} title="Could not read the key" onRetry={key.reload} />
      <ErrorAlert error={change.error} title="Could not change the key" onDismiss={change.clearError} />
      {known?.DeletionDate && (
        <Alert type="warning" header="This key will be deleted" action={<Button onClick={() => void change.run(() => cancelDeletion(id))}>Keep it</Button>}>
          On <Time iso={isoOf(known.DeletionDate)} /> its material is destroyed, and with it everything that was encrypted under it.
        </Alert>
      )}
      <Container
        header={
          <Header
            variant="h1"
            actions={
              mine &&
              known?.KeyState !== 'PendingDeletion' && (
                <SpaceBetween direction="horizontal" size="xs">
                  <Button loading={change.busy} onClick={() => void change.run(() => setEnabled(id, known?.KeyState !== 'Enabled'))}>
                    {known?.KeyState === 'Enabled' ? 'Disable' : 'Enable'}
                  </Button>
                  <Button onClick={() => setDays('30')}>Schedule deletion</Button>
                </SpaceBetween>
              )
            }
          >
            Key
          </Header>
        }
      >
        <KeyValuePairs
          columns={3}
          items={[
            { label: 'ARN', value: <code className="craton-secret">{known?.Arn ?? '–'}</code> },
            { label: 'State', value: known ? <KeyState item={known} /> : '–' },
            { label: 'Description', value: known?.Description || '–' },
            { label: 'Kind', value: known?.KeySpec ?? '–' },
            { label: 'Created', value: <Time iso={isoOf(known?.CreationDate)} /> },
          ]}
        />
      </Container>
      {mine && known?.KeyState === 'Enabled' && <Rotation id={id} />}
      <PolicyPanel
        title="Key policy"
        type="key"
        description="Decides first: what it does not consent to, no identity policy gives."
        load={loadPolicy}
        {...(mine ? { save: (text: string) => saveKeyPolicy(id, text) } : {})}
      />
      <Grants id={id} />
      {days !== undefined && (
        <ConfirmModal
          title="Schedule the deletion of this key?"
          confirmLabel="Schedule deletion"
          busy={remove.busy}
          error={remove.error}
          disabled={!/^\d+$/.test(days) || Number(days) < 7 || Number(days) > 30}
          onConfirm={() => void remove.run()}
          onDismiss={() => setDays(undefined)}
        >
          <FormField label="Waiting period in days" description="7 to 30. Until it is over the deletion can be taken back.">
            <Input value={days} inputMode="numeric" onChange={({ detail }) => setDays(detail.value)} />
          </FormField>
        </ConfirmModal>
      )}
    </SpaceBetween>
  )
}

function Rotation({ id }: { id: string }) {
  const status = useLoad(useCallback((signal: AbortSignal) => rotation(id, signal), [id]))
  const change = useAction(async (act: () => Promise<void>) => {
    await act()
    status.reload()
  })
  return (
    <Container
      header={
        <Header
          variant="h2"
          description="New material for new ciphertexts; old ones can still be decrypted."
          actions={
            <Button loading={change.busy} onClick={() => void change.run(() => rotateNow(id))}>
              Rotate now
            </Button>
          }
        >
          Rotation
        </Header>
      }
    >
      <SpaceBetween size="s">
        <ErrorAlert error={status.error ?? change.error} title="Could not read or change the rotation" onRetry={status.reload} />
        <Toggle
          checked={status.value?.KeyRotationEnabled ?? false}
          disabled={status.loading || change.busy}
          {...(status.value?.NextRotationDate ? { description: <>Next on <Time iso={isoOf(status.value.NextRotationDate)} /></> } : {})}
          onChange={({ detail }) => void change.run(() => setRotation(id, detail.checked))}
        >
          Rotate every year
        </Toggle>
      </SpaceBetween>
    </Container>
  )
}

function Grants({ id }: { id: string }) {
  const grants = useLoad(useCallback((signal: AbortSignal) => listGrants(id, signal), [id]))
  const revoke = useAction(async (grant: string) => {
    await revokeGrant(id, grant)
    grants.reload()
  })
  return (
    <SpaceBetween size="s">
      <ErrorAlert error={grants.error} title="Could not list the grants" onRetry={grants.reload} />
      <ErrorAlert error={revoke.error} title="Could not revoke the grant" onDismiss={revoke.clearError} />
      <Table
        items={grants.value ?? []}
        trackBy="GrantId"
        loading={grants.loading}
        ariaLabels={{ tableLabel: 'Grants' }}
        header={<Header variant="h2">Grants</Header>}
        empty={<Empty title="No grants" />}
        columnDefinitions={[
          { id: 'to', header: 'To', isRowHeader: true, cell: ({ GranteePrincipal }) => <span className="craton-stack">{GranteePrincipal}</span> },
          { id: 'operations', header: 'Operations', cell: ({ Operations }) => Operations.join(', ') },
          { id: 'created', header: 'Created', cell: ({ CreationDate }) => <Time iso={isoOf(CreationDate)} /> },
          {
            id: 'actions',
            header: 'Actions',
            cell: ({ GrantId }) => (
              <Button variant="inline-link" ariaLabel={`Revoke ${GrantId}`} disabled={revoke.busy} onClick={() => void revoke.run(GrantId)}>
                Revoke
              </Button>
            ),
          },
        ]}
      />
    </SpaceBetween>
  )
}
