import Container from '@cloudscape-design/components/container'
import Header from '@cloudscape-design/components/header'
import KeyValuePairs from '@cloudscape-design/components/key-value-pairs'
import SpaceBetween from '@cloudscape-design/components/space-between'
import type { ReactNode } from 'react'
import { useSession } from '../../shell/SessionContext.tsx'
import { CodeTabs } from '../../ui/CodeTabs.tsx'
import { ReviewSection } from '../../ui/ReviewSection.tsx'
import { samplesFor } from './code.ts'
import { askingsOf, asksBase, baseEnding, basesOf, customJudgeOf, embedderOf, generates, needsJudge, promptEnding, promptsOf, type Draft, type Step } from './draft.ts'
import { metricLabel } from './metrics.ts'
import { settingsOf } from './request.ts'
import { KINDS } from './text.ts'

interface Props {
  draft: Draft
  region: string
  onStep: (step: Step) => void
}

/** All that was chosen, once more. */
export function ReviewStep({ draft, region, onStep }: Props) {
  const { account } = useSession()
  const settings = settingsOf(draft)
  const samples = samplesFor({ draft, endpoint: window.location.origin, region, account })
  return (
    <SpaceBetween size="l">
      <ReviewSection title="Evaluation" onEdit={() => onStep('details')}>
        <KeyValuePairs
          columns={2}
          items={[
            { label: settings.length > 1 ? 'Names' : 'Name', value: settings.map(({ ending }) => <div key={ending}>{code(draft.name + ending)}</div>) },
            { label: 'Description', value: draft.description || '–' },
            { label: 'Tags', value: draft.tags.map(({ key, value }) => `${key} = ${value}`).join(', ') || 'none' },
            { label: 'Type', value: KINDS[draft.kind] },
            { label: 'Responses', value: draft.own ? 'In the dataset' : 'Asked for by the job' },
          ]}
        />
      </ReviewSection>
      <ReviewSection title="What is evaluated" onEdit={() => onStep('system')}>
        <KeyValuePairs columns={2} items={systemFacts(draft)} />
      </ReviewSection>
      <ReviewSection title="Metrics and judge" onEdit={() => onStep('metrics')}>
        <KeyValuePairs
          columns={2}
          items={[
            { label: 'Judge', value: needsJudge(draft) ? code(draft.judge) : 'None: everything is computed' },
            ...(askingsOf(draft) > 1 ? [{ label: 'Askings', value: `${askingsOf(draft)} times, in other words each time` }] : []),
            ...(draft.pricePerHour.trim() === '' ? [] : [{ label: 'Price of the machine', value: `${draft.pricePerHour.trim()} an hour` }]),
            { label: 'Metrics', value: draft.metrics.map(metricLabel).join(', ') || '–' },
            ...(embedderOf(draft) === undefined ? [] : [{ label: 'Embedding model', value: code(embedderOf(draft) ?? '') }]),
            ...(draft.custom.length > 0
              ? [
                  { label: 'Custom metrics', value: draft.custom.map(({ name }) => name).join(', ') },
                  { label: 'Their judge', value: code(customJudgeOf(draft)) },
                ]
              : []),
          ]}
        />
      </ReviewSection>
      <ReviewSection title="Datasets and role" onEdit={() => onStep('data')}>
        <KeyValuePairs
          columns={2}
          items={[
            { label: 'Dataset', value: code(draft.dataset) },
            { label: 'Results', value: code(draft.output) },
            { label: 'Encryption key', value: draft.kmsKey.trim() === '' ? 'As the bucket says' : code(draft.kmsKey) },
            { label: 'Service role', value: code(draft.ownRole ? draft.roleArn : draft.newRole) },
            { label: 'Role is', value: draft.ownRole ? 'There already' : 'Made with the evaluation' },
          ]}
        />
      </ReviewSection>
      <Container header={<Header variant="h2">The same on the command line</Header>}>
        <CodeTabs samples={samples} />
      </Container>
    </SpaceBetween>
  )
}

function systemFacts(draft: Draft): { label: string; value: ReactNode }[] {
  if (draft.own) return [{ label: 'Responses of', value: code(draft.source) }]
  if (!asksBase(draft)) {
    return [
      { label: 'Generator', value: code(draft.model) },
      ...(draft.otherModel === '' ? [] : [{ label: 'Second generator', value: code(draft.otherModel) }]),
      ...parameterFacts(draft, '512'),
    ]
  }
  const settings = settingsOf(draft)
  const [bases, prompts] = [basesOf(draft), promptsOf(draft)]
  return [
    bases.length === 1
      ? { label: 'Knowledge base', value: code(draft.base) }
      : { label: 'Knowledge bases', value: bases.map((base, at) => <div key={base}>{code(`${baseEnding(bases, at + 1).slice(1)} ${base}`)}</div>) },
    ...(generates(draft) ? [{ label: 'Generator', value: code(draft.generator) }, ...parameterFacts(draft, 'by the server')] : []),
    { label: 'Search', value: [...new Set(settings.map(({ search }) => (search === 'HYBRID' ? 'Hybrid' : 'Semantic')))].join(', ') },
    { label: 'Number of results', value: [...new Set(settings.map(({ results }) => results))].join(', ') },
    ...(prompts.length === 0
      ? []
      : [{ label: 'Prompt templates', value: prompts.map(({ name }, at) => <div key={name}>{code(`${promptEnding(prompts, at + 1).slice(1)} ${name}`.trim())}</div>) }]),
  ]
}

function parameterFacts({ temperature, maxTokens }: Draft, most: string): { label: string; value: string }[] {
  return [
    { label: 'Temperature', value: temperature.trim() || '0' },
    { label: 'Max tokens', value: maxTokens.trim() || most },
  ]
}

function code(text: string) {
  return <code className="craton-secret">{text}</code>
}
