import Button from '@cloudscape-design/components/button'
import Header from '@cloudscape-design/components/header'
import SpaceBetween from '@cloudscape-design/components/space-between'
import { navigate, useRoute } from '../../shell/router.tsx'
import { BatchForm } from './BatchForm.tsx'
import { BatchList } from './BatchList.tsx'
import { BatchView } from './BatchView.tsx'
import { CREATE } from './status.ts'

/** Batch inference: the list of jobs, one of them, or the form for a new one. */
export default function BatchesPage() {
  const { query } = useRoute()
  const job = query.get('job')
  if (query.get('create')) return <BatchForm />
  if (job) return <BatchView key={job} id={job} />
  return (
    <SpaceBetween size="m">
      <Header
        variant="h1"
        description="Files of records in a bucket, answered as InvokeModel or Converse answers each, into a bucket."
        actions={
          <Button variant="primary" onClick={() => navigate(CREATE)}>
            Create batch
          </Button>
        }
      >
        Batch inference
      </Header>
      <BatchList />
    </SpaceBetween>
  )
}
