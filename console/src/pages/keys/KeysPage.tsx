import ContentLayout from '@cloudscape-design/components/content-layout'
import Header from '@cloudscape-design/components/header'
import SpaceBetween from '@cloudscape-design/components/space-between'
import { ApiKeys } from './ApiKeys.tsx'
import { IamKeys } from './IamKeys.tsx'

/** The credentials of the account: access keys that sign requests, bearer keys that are sent with them. */
export default function KeysPage() {
  return (
    <ContentLayout
      header={
        <Header variant="h1" description="Give each program its own key, so that one can be withdrawn alone.">
          Access keys
        </Header>
      }
    >
      <SpaceBetween size="l">
        <IamKeys />
        <ApiKeys />
      </SpaceBetween>
    </ContentLayout>
  )
}
