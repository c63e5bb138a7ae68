import ContentLayout from '@cloudscape-design/components/content-layout'
import Header from '@cloudscape-design/components/header'
import SpaceBetween from '@cloudscape-design/components/space-between'
import { getStatus } from '../../api/status.ts'
import { ErrorAlert } from '../../ui/ErrorAlert.tsx'
import { Loading } from '../../ui/Loading.tsx'
import { useLoad } from '../../ui/useLoad.ts'
import { HealthPanel } from './HealthPanel.tsx'
import { LoadedModels } from './LoadedModels.tsx'
import { RequestsTable } from './RequestsTable.tsx'

const REFRESH_MS = 3000

/** How the server is: health, models in memory, the latest requests. */
export default function OverviewPage() {
  const status = useLoad(getStatus, REFRESH_MS)
  return (
    <ContentLayout
      header={
        <Header variant="h1" description="The figures refresh by themselves.">
          Overview
        </Header>
      }
    >
      <SpaceBetween size="l">
        <ErrorAlert error={status.error} title="Could not read the server's status" onRetry={status.reload} />
        {status.loading && <Loading what="the server's status" />}
        {status.value && <HealthPanel status={status.value} current={status.error === undefined} />}
        {status.value && <LoadedModels loaded={status.value.loaded} onChange={status.reload} />}
        <RequestsTable />
      </SpaceBetween>
    </ContentLayout>
  )
}
