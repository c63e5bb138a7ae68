import Container from '@cloudscape-design/components/container'
import Header from '@cloudscape-design/components/header'
import KeyValuePairs from '@cloudscape-design/components/key-value-pairs'
import SpaceBetween from '@cloudscape-design/components/space-between'
import type { ReactNode } from 'react'
import type { CustomMetricDefinition, EvaluationDetails, RatingItem, Report } from '../../api/evaluations.ts'
import { PageLink } from '../../shell/router.tsx'
import { Loading } from '../../ui/Loading.tsx'
import { Time } from '../../ui/Time.tsx'
import { placeOf } from '../knowledge/draft.ts'
import { basePath } from '../knowledge/text.ts'
import { holderPath } from '../users/holderPath.ts'
import { metricLabel } from './metrics.ts'
import { Status } from './Status.tsx'
import { judgesOf, KINDS, passportPath, promptOf, shortId, STATUSES, systemsOf } from './text.ts'

/** What was asked for. */
export function Facts({ job, details }: { job: Report; details: EvaluationDetails | undefined }) {
  if (!details) return <Loading what="the details" />
  const automated = details.evaluationConfig.automated
  const prompt = promptOf(details.inferenceConfig)
  const custom = automated?.customMetricConfig?.customMetrics.map(({ customMetricDefinition }) => customMetricDefinition) ?? []
  return (
    <SpaceBetween size="m">
      <Container header={<Header variant="h2">Evaluation</Header>}>
        <SpaceBetween size="l">
          <KeyValuePairs
            columns={3}
            items={[
              { label: 'Type', value: KINDS[job.kind] },
              { label: 'Status', value: <Status shown={STATUSES[job.status]} /> },
              { label: 'Job ID', value: code(shortId(job.jobArn)) },
              { label: 'Created', value: <Time iso={job.created} /> },
              { label: 'Ended', value: <Time iso={job.ended} /> },
              {
                label: 'Judge',
                value: several(judgesOf(details), (judge) => <PageLink to={passportPath(judge)}>{judge}</PageLink>, 'None: everything is computed'),
              },
              ...((job.askings ?? 1) > 1 ? [{ label: 'Askings', value: `${job.askings} times, in other words each time` }] : []),
              ...(job.embeddingModelId ? [{ label: 'Embedding model', value: code(job.embeddingModelId) }] : []),
              ...systemsOf(details.inferenceConfig).map(({ label, value }) => ({
                label,
                value: label === 'Knowledge base' ? <PageLink to={basePath(value)}>{value}</PageLink> : code(value),
              })),
            ]}
          />
          <KeyValuePairs
            columns={1}
            items={[
              ...(automated?.datasetMetricConfigs ?? []).flatMap(({ dataset, metricNames }) => [
                { label: `Dataset ${dataset.name}`, value: code(dataset.datasetLocation?.s3Uri ?? '–') },
                { label: `Metrics on ${dataset.name}`, value: metricNames.map(metricLabel).join(', ') },
              ]),
              {
                label: 'Results',
                value: <PageLink to={folderPath(`${details.outputDataConfig.s3Uri.replace(/\/?$/, '/')}${job.jobName}/`)}>{`${details.outputDataConfig.s3Uri.replace(/\/?$/, '/')}${job.jobName}/`}</PageLink>,
              },
              ...(details.customerEncryptionKeyId ? [{ label: 'Encryption key of the results', value: code(details.customerEncryptionKeyId) }] : []),
              ...(details.jobDescription ? [{ label: 'Description', value: details.jobDescription }] : []),
              { label: 'Tags', value: (job.tags ?? []).map(({ key, value }) => `${key} = ${value}`).join(', ') || 'none' },
              { label: 'Role', value: <PageLink to={holderPath('role', roleName(details.roleArn))}>{roleName(details.roleArn)}</PageLink> },
              { label: 'ARN', value: code(job.jobArn) },
            ]}
          />
        </SpaceBetween>
      </Container>
      {prompt !== undefined && (
        <Container header={<Header variant="h2">Prompt template</Header>}>
          <pre className="craton-code" tabIndex={0} role="group" aria-label="Prompt template">
            {prompt}
          </pre>
        </Container>
      )}
      {custom.map((definition) => (
        <Custom key={definition.name} definition={definition} />
      ))}
    </SpaceBetween>
  )
}

function Custom({ definition: { name, instructions, ratingScale } }: { definition: CustomMetricDefinition }) {
  return (
    <Container header={<Header variant="h2">Custom metric {name}</Header>}>
      <SpaceBetween size="m">
        <pre className="craton-code" tabIndex={0} role="group" aria-label={`Instructions of ${name}`}>
          {instructions}
        </pre>
        <KeyValuePairs
          columns={1}
          items={[{ label: 'Rating scale', value: ratingScale ? ratingScale.map(ratingText).join(', ') : 'None: the judge’s text is kept as it is' }]}
        />
      </SpaceBetween>
    </Container>
  )
}

function ratingText({ definition, value }: RatingItem): string {
  return `${definition} (${'floatValue' in value ? value.floatValue : value.stringValue})`
}

function several(items: string[], show: (item: string) => ReactNode, none: string): ReactNode {
  if (items.length === 0) return none
  return items.map((item) => (
    <div key={item} className="craton-stack">
      {show(item)}
    </div>
  ))
}

function folderPath(uri: string): string {
  const { bucket, key } = placeOf(uri)
  return `/buckets?${new URLSearchParams({ bucket, prefix: key })}`
}

function code(text: string) {
  return <code className="craton-secret">{text}</code>
}

function roleName(arn: string): string {
  return arn.slice(arn.lastIndexOf('/') + 1)
}
