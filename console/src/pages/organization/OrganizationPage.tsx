import Alert from '@cloudscape-design/components/alert'
import Button from '@cloudscape-design/components/button'
import Container from '@cloudscape-design/components/container'
import ContentLayout from '@cloudscape-design/components/content-layout'
import Header from '@cloudscape-design/components/header'
import SpaceBetween from '@cloudscape-design/components/space-between'
import Tabs from '@cloudscape-design/components/tabs'
import { createOrganization, describeOrganization } from '../../api/organizations.ts'
import { useSession } from '../../shell/SessionContext.tsx'
import { ErrorAlert } from '../../ui/ErrorAlert.tsx'
import { Loading } from '../../ui/Loading.tsx'
import { useAction } from '../../ui/useAction.ts'
import { useLoad } from '../../ui/useLoad.ts'
import { AccountTree } from './AccountTree.tsx'
import { ServicePolicies } from './ServicePolicies.tsx'

/** The accounts of an organization and the policies that limit them. */
export default function OrganizationPage() {
  const organization = useLoad(describeOrganization)
  const { account } = useSession()
  const create = useAction(async () => {
    await createOrganization()
    organization.reload()
  })
  if (organization.loading) return <Loading what="the organization" />
  const known = organization.value
  return (
    <ContentLayout
      header={
        <Header variant="h1" description={known ? <code className="craton-secret">{known.Id}</code> : ''}>
          Organization
        </Header>
      }
    >
      <SpaceBetween size="m">
        <ErrorAlert error={organization.error} title="Could not read the organization" onRetry={organization.reload} />
        <ErrorAlert error={create.error} title="Could not create the organization" onDismiss={create.clearError} />
        {!known && !organization.error && (
          <Container header={<Header variant="h2">This account is in no organization</Header>}>
            <SpaceBetween size="m">
              An organization groups accounts, and its service control policies say what the accounts may do at most.
              <Button variant="primary" loading={create.busy} onClick={() => void create.run()}>
                Create an organization
              </Button>
            </SpaceBetween>
          </Container>
        )}
        {known && known.MasterAccountId !== account && (
          <Alert type="info" header={`Account ${known.MasterAccountId} manages this organization`}>
            Sign in to it to see the accounts and to change the policies.
          </Alert>
        )}
        {known && known.MasterAccountId === account && (
          <Tabs
            ariaLabel="Organization"
            tabs={[
              { id: 'accounts', label: 'Accounts', content: <AccountTree management={known.MasterAccountId} /> },
              { id: 'policies', label: 'Service control policies', content: <ServicePolicies /> },
            ]}
          />
        )}
      </SpaceBetween>
    </ContentLayout>
  )
}
