import Alert from '@cloudscape-design/components/alert'
import Badge from '@cloudscape-design/components/badge'
import BreadcrumbGroup from '@cloudscape-design/components/breadcrumb-group'
import Button from '@cloudscape-design/components/button'
import Container from '@cloudscape-design/components/container'
import CopyToClipboard from '@cloudscape-design/components/copy-to-clipboard'
import Header from '@cloudscape-design/components/header'
import KeyValuePairs from '@cloudscape-design/components/key-value-pairs'
import SpaceBetween from '@cloudscape-design/components/space-between'
import { useCallback, useState } from 'react'
import { getImportedModel, idOf, type ImportedModel } from '../../api/imports.ts'
import { getStatus } from '../../api/status.ts'
import { follow, href, navigate, PageLink } from '../../shell/router.tsx'
import { CodeTabs } from '../../ui/CodeTabs.tsx'
import { ErrorAlert } from '../../ui/ErrorAlert.tsx'
import { bytes, integer, parameters } from '../../ui/format.ts'
import { Loading } from '../../ui/Loading.tsx'
import { Time } from '../../ui/Time.tsx'
import { useLoad } from '../../ui/useLoad.ts'
import { samplesFor } from './code.ts'
import { ContinueIt } from './ContinueIt.tsx'
import { DeleteModel } from './DeleteModel.tsx'
import { sentence } from './Findings.tsx'
import { FORMATS, jobPath, PATH } from './parts.tsx'
import { QualityReport } from './QualityReport.tsx'
import { TryIt } from './TryIt.tsx'

/** One imported model: what it is, how good it is, and what it answers. */
export function ModelView({ id }: { id: string }) {
  const details = useLoad(useCallback((signal: AbortSignal) => getImportedModel(id, signal), [id]))
  const status = useLoad(getStatus)
  const [deleting, setDeleting] = useState(false)
  const model = details.value
  if (details.loading) return <Loading what="the model" />
  return (
    <SpaceBetween size="m">
      <BreadcrumbGroup
        ariaLabel="Imported models"
        items={[
          { text: 'Imported models', href: href(PATH) },
          { text: model?.modelName ?? id, href: '#' },
        ]}
        onFollow={follow}
      />
      <ErrorAlert error={details.error} title="Could not read the model" onRetry={details.reload} />
      {model && (
        <SpaceBetween size="m">
          <Header variant="h1" actions={<Button onClick={() => setDeleting(true)}>Delete</Button>}>
            {model.modelName} {model.loaded && <Badge color="green">In memory</Badge>}
          </Header>
          {model.card.warnings.length > 0 && (
            <Alert type="warning" header="It may answer otherwise than where it was made">
              <ul className="craton-list">
                {model.card.warnings.map((warning) => (
                  <li key={warning} className="craton-stack">
                    {sentence(warning)}
                  </li>
                ))}
              </ul>
            </Alert>
          )}
          <ModelCard model={model} />
          <QualityReport model={model} />
          {model.instruct ? <TryIt model={model} /> : <ContinueIt model={model} />}
          <Container header={<Header variant="h2" description="Wherever a model id is asked for, the ARN, the name and the id do.">Use it from code</Header>}>
            <CodeTabs
              samples={samplesFor({
                endpoint: window.location.origin,
                region: status.value?.region ?? 'us-east-1',
                modelArn: model.modelArn,
                architecture: model.architecture,
                instruct: model.instruct,
              })}
            />
          </Container>
          {deleting && <DeleteModel model={model} onDeleted={() => navigate(PATH)} onDismiss={() => setDeleting(false)} />}
        </SpaceBetween>
      )}
    </SpaceBetween>
  )
}

function ModelCard({ model }: { model: ImportedModel }) {
  const { card } = model
  const code = (text: string) => <code className="craton-secret">{text}</code>
  return (
    <Container header={<Header variant="h2">Model card</Header>}>
      <SpaceBetween size="l">
        <KeyValuePairs
          columns={3}
          items={[
            { label: 'Architecture', value: model.architecture },
            { label: 'Parameters', value: parameters(card.parameters) },
            { label: 'Layers and width', value: `${integer(card.layers)} × ${integer(card.hidden)}` },
            { label: 'Context', value: `${integer(card.contextLength)} tokens` },
            { label: 'Vocabulary', value: `${integer(card.vocabulary)} tokens` },
            { label: 'Weights as they came', value: `${bytes(card.sourceBytes)}${card.dtype ? ` in ${card.dtype}` : ''}` },
            { label: 'Kept as', value: FORMATS[card.quantization].label },
            { label: 'Size here', value: bytes(model.bytes) },
            { label: 'Made for conversations', value: model.instruct ? 'yes' : 'no, it continues texts' },
            { label: 'Imported', value: <Time iso={model.createdAt} /> },
            { label: 'Imported by', value: <PageLink to={jobPath(idOf(model.jobArn))}>{model.jobName}</PageLink> },
            { label: 'Tags', value: Object.entries(model.tags).map(([key, value]) => `${key} = ${value}`).join(', ') || 'none' },
          ]}
        />
        <KeyValuePairs
          columns={1}
          items={[
            {
              label: 'ARN',
              value: (
                <CopyToClipboard
                  variant="inline"
                  textToCopy={model.modelArn}
                  textToDisplay={code(model.modelArn)}
                  copyButtonAriaLabel="Copy the ARN"
                  copySuccessText="Copied"
                  copyErrorText="The browser did not allow copying: select the text instead"
                />
              ),
            },
            { label: 'Encrypted under', value: model.kmsKeyArn ? <Key arn={model.kmsKeyArn} /> : 'Craton’s own key' },
            { label: 'Role', value: code(model.roleArn) },
            { label: 'Source', value: code(model.s3Uri) },
          ]}
        />
      </SpaceBetween>
    </Container>
  )
}

function Key({ arn }: { arn: string }) {
  return (
    <span className="craton-stack">
      <PageLink to={`/kms?key=${encodeURIComponent(idOf(arn))}`}>{arn}</PageLink>
    </span>
  )
}
