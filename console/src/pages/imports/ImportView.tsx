import Alert from '@cloudscape-design/components/alert'
import BreadcrumbGroup from '@cloudscape-design/components/breadcrumb-group'
import Button from '@cloudscape-design/components/button'
import Container from '@cloudscape-design/components/container'
import Header from '@cloudscape-design/components/header'
import KeyValuePairs from '@cloudscape-design/components/key-value-pairs'
import SpaceBetween from '@cloudscape-design/components/space-between'
import { useCallback, useState } from 'react'
import { getImport, type ImportDetails } from '../../api/imports.ts'
import { follow, href, navigate, PageLink } from '../../shell/router.tsx'
import { ErrorAlert } from '../../ui/ErrorAlert.tsx'
import { Loading } from '../../ui/Loading.tsx'
import { Time } from '../../ui/Time.tsx'
import { useLoad } from '../../ui/useLoad.ts'
import { draftOf, keep } from './draft.ts'
import { Findings } from './Findings.tsx'
import { ImportProgress } from './ImportProgress.tsx'
import { FORMATS, modelPath, PATH, Status, wizardPath } from './parts.tsx'

const REFRESH_MS = 2000

/** One import: how far it is, what was found, what became of it. */
export function ImportView({ id }: { id: string }) {
  const [going, setGoing] = useState(true)
  const load = useCallback(
    async (signal: AbortSignal) => {
      const found = await getImport(id, signal)
      setGoing(found.status === 'InProgress')
      return found
    },
    [id],
  )
  const details = useLoad(load, going ? REFRESH_MS : undefined)
  const job = details.value
  if (details.loading) return <Loading what="the import" />
  return (
    <SpaceBetween size="m">
      <BreadcrumbGroup
        ariaLabel="Imported models"
        items={[
          { text: 'Imported models', href: href(PATH) },
          { text: 'Import jobs', href: href(`${PATH}?tab=jobs`) },
          { text: job?.jobName ?? id, href: '#' },
        ]}
        onFollow={follow}
      />
      <ErrorAlert error={details.error} title="Could not read the import" onRetry={details.reload} />
      {job && (
        <SpaceBetween size="m">
          <Header variant="h1" actions={<Actions job={job} />}>
            {job.jobName}
          </Header>
          {job.status === 'Failed' && (
            <Alert type="error" header="The import failed">
              <div className="craton-stack" data-testid="failure">
                {job.failureMessage ?? 'No reason was given.'}
              </div>
            </Alert>
          )}
          {job.status === 'Completed' && (
            <Alert
              type="success"
              header="The model is imported"
              action={<Button onClick={() => navigate(modelPath(job.modelId))}>Open the model</Button>}
            >
              {job.modelName} can be asked now.
            </Alert>
          )}
          {job.status === 'InProgress' &&
            (job.workId ? (
              <ImportProgress
                workId={job.workId}
                name={job.jobName}
                onOver={details.reload}
              />
            ) : (
              <Loading what="the work of the import" />
            ))}
          {job.report && (
            <Container header={<Header variant="h2" description="What the import doctor said of the files before anything was copied.">Checkpoint</Header>}>
              <Findings report={job.report} />
            </Container>
          )}
          <Facts job={job} />
        </SpaceBetween>
      )}
    </SpaceBetween>
  )
}

function Actions({ job }: { job: ImportDetails }) {
  if (job.status !== 'Failed') return null
  return (
    <Button
      onClick={() => {
        keep(draftOf(job, new Date()))
        navigate(wizardPath('checks'))
      }}
    >
      Check and import again
    </Button>
  )
}

function Facts({ job }: { job: ImportDetails }) {
  const code = (text: string) => <code className="craton-secret">{text}</code>
  return (
    <Container header={<Header variant="h2">Import</Header>}>
      <SpaceBetween size="l">
        <KeyValuePairs
          columns={3}
          items={[
            { label: 'Status', value: <Status status={job.status} /> },
            {
              label: 'Model',
              value: job.status === 'Completed' ? <PageLink to={modelPath(job.modelId)}>{job.modelName}</PageLink> : job.modelName,
            },
            { label: 'How the weights are kept', value: FORMATS[job.quantization].label },
            { label: 'Started', value: <Time iso={job.createdAt} /> },
            { label: 'Ended', value: <Time iso={job.endedAt} /> },
          ]}
        />
        <KeyValuePairs
          columns={1}
          items={[
            { label: 'Source', value: code(job.s3Uri) },
            { label: 'Role', value: code(job.roleArn) },
            { label: 'Encrypted under', value: job.kmsKeyArn ? code(job.kmsKeyArn) : 'Craton’s own key' },
            { label: 'ARN', value: code(job.jobArn) },
          ]}
        />
      </SpaceBetween>
    </Container>
  )
}
