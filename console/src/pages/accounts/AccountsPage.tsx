import Alert from '@cloudscape-design/components/alert'
import Badge from '@cloudscape-design/components/badge'
import Button from '@cloudscape-design/components/button'
import ContentLayout from '@cloudscape-design/components/content-layout'
import FormField from '@cloudscape-design/components/form-field'
import Header from '@cloudscape-design/components/header'
import Input from '@cloudscape-design/components/input'
import SpaceBetween from '@cloudscape-design/components/space-between'
import Table from '@cloudscape-design/components/table'
import { useState } from 'react'
import { createAccount, listAccounts, type NewAccount } from '../../api/accounts.ts'
import { useSession } from '../../shell/SessionContext.tsx'
import { ConfirmModal } from '../../ui/ConfirmModal.tsx'
import { Empty } from '../../ui/Empty.tsx'
import { ErrorAlert } from '../../ui/ErrorAlert.tsx'
import { SecretModal } from '../../ui/SecretModal.tsx'
import { Time } from '../../ui/Time.tsx'
import { useAction } from '../../ui/useAction.ts'
import { useLoad } from '../../ui/useLoad.ts'

/** The accounts of this deployment; only its first account may see them. */
export default function AccountsPage() {
  const accounts = useLoad(listAccounts)
  const session = useSession()
  const [creating, setCreating] = useState(false)
  const [accountId, setAccountId] = useState('')
  const [made, setMade] = useState<NewAccount>()
  const create = useAction(async () => {
    setMade(await createAccount(accountId.trim() || undefined))
    close()
    accounts.reload()
  })
  const close = () => {
    setCreating(false)
    setAccountId('')
    create.clearError()
  }

  if (accounts.error?.status === 403) {
    return (
      <ContentLayout header={<Header variant="h1">Accounts</Header>}>
        <Alert type="info" header="Accounts belong to the management account">
          You are signed in to account {session.account}. Sign in with the administrator key of this deployment's first
          account to list and create accounts.
        </Alert>
      </ContentLayout>
    )
  }
  const wellFormed = accountId.trim() === '' || /^\d{12}$/.test(accountId.trim())
  return (
    <SpaceBetween size="m">
      <ErrorAlert error={accounts.error} title="Could not list the accounts" onRetry={accounts.reload} />
      <Table
        items={accounts.value ?? []}
        trackBy="accountId"
        variant="full-page"
        loading={accounts.loading}
        loadingText="Loading accounts"
        ariaLabels={{ tableLabel: 'Accounts' }}
        header={
          <Header
            variant="h1"
            counter={accounts.value ? `(${accounts.value.length})` : ''}
            description="Each account has its own users, keys and data. The engines and downloaded models are shared."
            actions={
              <Button variant="primary" onClick={() => setCreating(true)}>
                Create account
              </Button>
            }
          >
            Accounts
          </Header>
        }
        empty={<Empty title="No accounts" />}
        columnDefinitions={[
          {
            id: 'id',
            header: 'Account id',
            isRowHeader: true,
            cell: (account) => account.accountId,
          },
          {
            id: 'role',
            header: 'Role',
            cell: (account) => (
              <SpaceBetween direction="horizontal" size="xs">
                {account.management ? 'Management' : 'Member'}
                {account.accountId === session.account && <Badge color="blue">Yours</Badge>}
              </SpaceBetween>
            ),
          },
          { id: 'created', header: 'Created', cell: (account) => <Time iso={account.createdAt} /> },
        ]}
      />
      {creating && (
        <ConfirmModal
          title="Create account"
          confirmLabel="Create"
          busy={create.busy}
          error={create.error}
          disabled={!wellFormed}
          onConfirm={() => void create.run()}
          onDismiss={close}
        >
          <FormField
            label="Account id"
            description="Twelve digits. Leave it empty and Craton chooses one."
            errorText={wellFormed ? '' : 'An account id has twelve digits.'}
          >
            <Input
              value={accountId}
              inputMode="numeric"
              placeholder="111122223333"
              onChange={({ detail }) => setAccountId(detail.value)}
            />
          </FormField>
        </ConfirmModal>
      )}
      {made && (
        <SecretModal
          title={`Administrator of account ${made.accountId}`}
          parts={[
            { label: 'Access key ID', text: made.accessKeyId },
            { label: 'Secret access key', text: made.secretAccessKey },
          ]}
          onDismiss={() => setMade(undefined)}
        />
      )}
    </SpaceBetween>
  )
}
