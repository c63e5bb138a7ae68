import Alert from '@cloudscape-design/components/alert'
import Button from '@cloudscape-design/components/button'
import ContentLayout from '@cloudscape-design/components/content-layout'
import Header from '@cloudscape-design/components/header'
import SpaceBetween from '@cloudscape-design/components/space-between'
import Table from '@cloudscape-design/components/table'
import { useState } from 'react'
import { listQuotas, resetQuota, type Quota } from '../../api/quotas.ts'
import { useNotify } from '../../shell/Notifications.tsx'
import { useSession } from '../../shell/SessionContext.tsx'
import { ConfirmModal } from '../../ui/ConfirmModal.tsx'
import { Empty } from '../../ui/Empty.tsx'
import { ErrorAlert } from '../../ui/ErrorAlert.tsx'
import { integer } from '../../ui/format.ts'
import { Time } from '../../ui/Time.tsx'
import { useAction } from '../../ui/useAction.ts'
import { useLoad } from '../../ui/useLoad.ts'
import { limitsText } from './draft.ts'
import { QuotaModal } from './QuotaModal.tsx'
import { UseTable } from './UseTable.tsx'

/** How often the present use is asked for. */
const REFRESH_MS = 3000

/** What accounts may ask of models, and what they used of it; for administrators of the first account. */
export default function QuotasPage() {
  const quotas = useLoad(listQuotas, REFRESH_MS)
  const session = useSession()
  const notify = useNotify()
  const [editing, setEditing] = useState<Quota | 'new'>()
  const [resetting, setResetting] = useState<Quota>()
  const reset = useAction(async (quota: Quota) => {
    await resetQuota(quota.accountId, quota.modelId)
    notify('success', `The quota of ${quota.accountId} was reset.`)
    setResetting(undefined)
    quotas.reload()
  })

  if (quotas.error?.status === 403) {
    return (
      <ContentLayout header={<Header variant="h1">Quotas</Header>}>
        <Alert type="info" header="Quotas belong to the management account">
          You are signed in to account {session.account}. Administrators of this deployment's first account set what each
          account may ask.
        </Alert>
      </ContentLayout>
    )
  }
  const standard = quotas.value ? limitsText(quotas.value.default) : ''
  return (
    <SpaceBetween size="m">
      <ErrorAlert error={quotas.error} title="Could not list the quotas" onRetry={quotas.reload} />
      <Table
        items={quotas.value?.items ?? []}
        trackBy={(quota) => `${quota.accountId} ${quota.modelId ?? ''}`}
        variant="container"
        wrapLines
        loading={quotas.loading}
        loadingText="Loading quotas"
        ariaLabels={{ tableLabel: 'Quotas' }}
        header={
          <Header
            variant="h1"
            counter={quotas.value ? `(${quotas.value.items.length})` : ''}
            description={`What accounts may ask of each model. An account for which nothing is set here has the server's default: ${standard}.`}
            actions={
              <Button variant="primary" onClick={() => setEditing('new')}>
                Set quota
              </Button>
            }
          >
            Quotas
          </Header>
        }
        empty={<Empty title="No account has a quota of its own" />}
        columnDefinitions={[
          { id: 'account', header: 'Account', isRowHeader: true, cell: (quota) => quota.accountId },
          {
            id: 'model',
            header: 'Model',
            minWidth: 160,
            cell: (quota) => quota.modelId ?? 'each without a quota of its own',
          },
          { id: 'requests', header: 'Requests a minute', cell: (quota) => integer(quota.requestsPerMinute) },
          { id: 'tokens', header: 'Tokens a minute', cell: (quota) => integer(quota.tokensPerMinute) },
          { id: 'running', header: 'At the same time', cell: (quota) => integer(quota.running) },
          { id: 'set', header: 'Set', cell: (quota) => <Time iso={quota.updatedAt} short /> },
          {
            id: 'actions',
            header: 'Actions',
            minWidth: 150,
            cell: (quota) => (
              <SpaceBetween direction="horizontal" size="xs">
                <Button variant="inline-link" ariaLabel={`Change ${nameOf(quota)}`} onClick={() => setEditing(quota)}>
                  Change
                </Button>
                <Button variant="inline-link" ariaLabel={`Reset ${nameOf(quota)}`} onClick={() => setResetting(quota)}>
                  Reset
                </Button>
              </SpaceBetween>
            ),
          },
        ]}
      />
      <UseTable used={quotas.value?.used ?? []} loading={quotas.loading} />
      {editing && (
        <QuotaModal
          quota={editing === 'new' ? undefined : editing}
          onSaved={(accountId) => {
            setEditing(undefined)
            notify('success', `The quota of ${accountId} is set. It counts at once.`)
            quotas.reload()
          }}
          onDismiss={() => setEditing(undefined)}
        />
      )}
      {resetting && (
        <ConfirmModal
          title="Reset the quota?"
          confirmLabel="Reset"
          busy={reset.busy}
          error={reset.error}
          onConfirm={() => void reset.run(resetting)}
          onDismiss={() => {
            reset.clearError()
            setResetting(undefined)
          }}
        >
          {resetting.modelId === null
            ? `Account ${resetting.accountId} then has the server's default: ${standard}.`
            : `Account ${resetting.accountId} then may ask of ${resetting.modelId} what it may ask of its other models.`}
        </ConfirmModal>
      )}
    </SpaceBetween>
  )
}

function nameOf({ accountId, modelId }: Quota): string {
  return modelId === null ? accountId : `${accountId}, ${modelId}`
}
