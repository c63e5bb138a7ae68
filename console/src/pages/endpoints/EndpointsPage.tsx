import Button from '@cloudscape-design/components/button'
import Header from '@cloudscape-design/components/header'
import SpaceBetween from '@cloudscape-design/components/space-between'
import Tabs from '@cloudscape-design/components/tabs'
import { listEndpoints } from '../../api/endpoints.ts'
import { navigate, useRoute } from '../../shell/router.tsx'
import { ErrorAlert } from '../../ui/ErrorAlert.tsx'
import { useLoad } from '../../ui/useLoad.ts'
import { DeployForm } from './DeployForm.tsx'
import { EndpointList } from './EndpointList.tsx'
import { EndpointView } from './EndpointView.tsx'
import { PATH } from './text.ts'

/** How often the list is asked for: states change by themselves. */
const REFRESH_MS = 3000

/** Endpoints: the lists, one of them, or the form that deploys a model. */
export default function EndpointsPage() {
  const { query } = useRoute()
  const [endpoint, model] = [query.get('endpoint'), query.get('deploy')]
  if (model) return <DeployForm key={model} model={model} />
  if (endpoint) return <EndpointView key={endpoint} name={endpoint} />
  return <Lists tab={query.get('tab') ?? 'marketplace'} />
}

function Lists({ tab }: { tab: string }) {
  const endpoints = useLoad(listEndpoints, REFRESH_MS)
  const rows = endpoints.value ?? []
  const managed = rows.filter((row) => row.marketplace)
  const others = rows.filter((row) => !row.marketplace)
  const list = (shown: typeof rows, title: string) => <EndpointList rows={shown} loading={endpoints.loading} title={title} />
  return (
    <SpaceBetween size="m">
      <Header
        variant="h1"
        description="Models deployed under a name of their own, each with as many instances as it was given. The states refresh by themselves."
        actions={
          <Button variant="primary" onClick={() => navigate('/models?show=ready')}>
            Deploy a model
          </Button>
        }
      >
        Endpoints
      </Header>
      <ErrorAlert error={endpoints.error} title="Could not list the endpoints" onRetry={endpoints.reload} />
      <Tabs
        ariaLabel="Endpoints"
        activeTabId={tab}
        onChange={({ detail }) => navigate(detail.activeTabId === 'marketplace' ? PATH : `${PATH}?tab=${detail.activeTabId}`)}
        tabs={[
          {
            id: 'marketplace',
            label: 'Marketplace deployments',
            content: list(managed, 'Managed deployments'),
          },
          { id: 'sagemaker', label: 'SageMaker endpoints', content: list(others, 'SageMaker endpoints') },
        ]}
      />
    </SpaceBetween>
  )
}
