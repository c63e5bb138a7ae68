import Button from '@cloudscape-design/components/button'
import Header from '@cloudscape-design/components/header'
import SpaceBetween from '@cloudscape-design/components/space-between'
import Tabs from '@cloudscape-design/components/tabs'
import { navigate, useRoute } from '../../shell/router.tsx'
import { ImportView } from './ImportView.tsx'
import { ImportWizard } from './ImportWizard.tsx'
import { JobList } from './JobList.tsx'
import { ModelList } from './ModelList.tsx'
import { ModelView } from './ModelView.tsx'
import { PATH, wizardPath } from './parts.tsx'

/** Imported models and the jobs that import them: the lists, one of either, or the wizard. */
export default function ImportsPage() {
  const { query } = useRoute()
  const [model, job, step] = [query.get('model'), query.get('job'), query.get('import')]
  if (step) return <ImportWizard step={step} />
  if (model) return <ModelView key={model} id={model} />
  if (job) return <ImportView key={job} id={job} />
  return <Lists tab={query.get('tab') ?? 'models'} />
}

function Lists({ tab }: { tab: string }) {
  return (
    <SpaceBetween size="m">
      <Header
        variant="h1"
        description="Models whose weights you bring: checked, converted and encrypted by an import job, then answering through every API."
        actions={
          <Button variant="primary" onClick={() => navigate(wizardPath('source'))}>
            Import model
          </Button>
        }
      >
        Imported models
      </Header>
      <Tabs
        ariaLabel="Imported models"
        activeTabId={tab}
        onChange={({ detail }) => navigate(detail.activeTabId === 'models' ? PATH : `${PATH}?tab=${detail.activeTabId}`)}
        tabs={[
          { id: 'models', label: 'Models', content: <ModelList /> },
          { id: 'jobs', label: 'Import jobs', content: <JobList /> },
        ]}
      />
    </SpaceBetween>
  )
}
