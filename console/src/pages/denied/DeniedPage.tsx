import Header from '@cloudscape-design/components/header'
import SpaceBetween from '@cloudscape-design/components/space-between'
import Tabs from '@cloudscape-design/components/tabs'
import { ExplainPanel } from './ExplainPanel.tsx'
import { WhoCanPanel } from './WhoCanPanel.tsx'

/** Why a request was denied and what would allow it; who may do something. */
export default function DeniedPage() {
  return (
    <SpaceBetween size="m">
      <Header variant="h1" description="Every decision is kept with the policies that made it.">
        Why denied
      </Header>
      <Tabs
        ariaLabel="Why denied"
        tabs={[
          { id: 'explain', label: 'Explain a request', content: <ExplainPanel /> },
          { id: 'who', label: 'Who can', content: <WhoCanPanel /> },
        ]}
      />
    </SpaceBetween>
  )
}
