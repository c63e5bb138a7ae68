import Alert from '@cloudscape-design/components/alert'
import BreadcrumbGroup from '@cloudscape-design/components/breadcrumb-group'
import Button from '@cloudscape-design/components/button'
import Checkbox from '@cloudscape-design/components/checkbox'
import Container from '@cloudscape-design/components/container'
import Form from '@cloudscape-design/components/form'
import FormField from '@cloudscape-design/components/form-field'
import Header from '@cloudscape-design/components/header'
import Input from '@cloudscape-design/components/input'
import RadioGroup from '@cloudscape-design/components/radio-group'
import SpaceBetween from '@cloudscape-design/components/space-between'
import Textarea from '@cloudscape-design/components/textarea'
import { useState } from 'react'
import { listModels } from '../../api/models.ts'
import { startTuning } from '../../api/tunings.ts'
import { follow, href, navigate } from '../../shell/router.tsx'
import { ErrorAlert } from '../../ui/ErrorAlert.tsx'
import { Loading } from '../../ui/Loading.tsx'
import { useAction } from '../../ui/useAction.ts'
import { useLoad } from '../../ui/useLoad.ts'
import { faults, newDraft, requestOf, workloadsOf, type Draft } from './draft.ts'
import { jobPath, modelPath, PATH } from './text.ts'

/** The form that starts a tuning. */
export function TuningForm({ model }: { model: string }) {
  const models = useLoad(listModels)
  const card = models.value?.find((one) => one.name === model)
  if (models.loading) return <Loading what="the model" />
  return (
    <SpaceBetween size="m">
      <BreadcrumbGroup
        ariaLabel="Tuning"
        items={[
          { text: 'Tuning', href: href(PATH) },
          { text: model, href: href(modelPath(model)) },
          { text: 'Tune', href: '#' },
        ]}
        onFollow={follow}
      />
      <ErrorAlert error={models.error} title="Could not read the model" onRetry={models.reload} />
      {card ? <Fields model={model} kind={card.kind} /> : models.value && <Alert type="error">There is no model {model}.</Alert>}
    </SpaceBetween>
  )
}

const SHAPES: Record<Draft['workload'], { label: string; description: string }> = {
  chat: { label: 'Chat', description: 'Conversations of up to six turns, each with all that was said before.' },
  moderation: { label: 'Moderation', description: 'Short texts, and verdicts of four tokens.' },
  judge: { label: 'Judge', description: 'A long rubric that all requests share, and five grades that are scored.' },
  embed: { label: 'Embeddings', description: 'Sentences of about 24 tokens.' },
  own: { label: 'Requests of your own', description: 'Lines of JSON, asked in order over and over.' },
}

function Fields({ model, kind }: { model: string; kind: 'text' | 'embedding' }) {
  const [draft, setDraft] = useState(() => newDraft(kind))
  const [all, setAll] = useState(false)
  const found = faults(draft)
  const start = useAction(async () => navigate(jobPath(model, (await startTuning(model, requestOf(draft))).id)))
  const set = (field: keyof Draft) => (event: { detail: { value: string } }) => setDraft({ ...draft, [field]: event.detail.value })
  const fault = (field: keyof Draft) => (all || draft[field] !== '' ? found[field] : undefined)
  const text = (field: 'slo' | 'minutes' | 'clients' | 'leastContext' | 'boundedAnswers' | 'price', placeholder = '') => (
    <Input value={draft[field]} spellcheck={false} placeholder={placeholder} onChange={set(field)} />
  )
  const submit = () => {
    setAll(true)
    if (Object.keys(found).length === 0) void start.run()
  }
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        submit()
      }}
    >
      <Form
        header={<Header variant="h1">Tune {model}</Header>}
        actions={
          <SpaceBetween direction="horizontal" size="xs">
            <Button formAction="none" variant="link" onClick={() => navigate(modelPath(model))}>
              Cancel
            </Button>
            <Button variant="primary" loading={start.busy}>
              Start tuning
            </Button>
          </SpaceBetween>
        }
      >
        <SpaceBetween size="l">
          <ErrorAlert error={start.error} title="Could not start the tuning" />
          <Container header={<Header variant="h2">Workload</Header>}>
            <SpaceBetween size="m">
              <FormField label="Requests">
                <RadioGroup
                  value={draft.workload}
                  items={[...workloadsOf(kind), 'own' as const].map((value) => ({ value, ...SHAPES[value] }))}
                  onChange={({ detail }) => setDraft({ ...draft, workload: detail.value as Draft['workload'] })}
                />
              </FormField>
              {draft.workload === 'own' && (
                <FormField
                  label="Lines"
                  description={'A line is {"prompt": "…", "max_tokens": 16} or {"messages": [{"role": "user", "content": "…"}], "max_tokens": 64}.'}
                  errorText={fault('lines')}
                  stretch
                >
                  <div className="craton-editor">
                    <Textarea rows={8} spellcheck={false} value={draft.lines} onChange={set('lines')} />
                  </div>
                </FormField>
              )}
              <FormField label="Clients" description="So many ask at once, and each asks again as soon as it has its answer." errorText={fault('clients')}>
                {text('clients')}
              </FormField>
            </SpaceBetween>
          </Container>
          <Container header={<Header variant="h2">Objective</Header>}>
            <SpaceBetween size="m">
              <FormField label="Objective" description="What the answers must keep to; of what keeps to it the fastest is chosen." errorText={fault('slo')} stretch>
                {text('slo', 'p95=300ms,first-token=80ms')}
              </FormField>
              <FormField label="Minutes" description="How long is measured, with warming up; loading the model comes on top." errorText={fault('minutes')}>
                {text('minutes')}
              </FormField>
              <FormField label={<Optional>Price of the machine by the hour</Optional>} description="To tell what 1,000 requests cost." errorText={fault('price')}>
                {text('price')}
              </FormField>
            </SpaceBetween>
          </Container>
          {kind === 'text' && (
            <Container header={<Header variant="h2" description="These change what the model does for its callers.">What may be tried</Header>}>
              <SpaceBetween size="m">
                <FormField
                  label={<Optional>Least context</Optional>}
                  description="Tokens that a request must keep; less than the settings’ own is tried then."
                  errorText={fault('leastContext')}
                >
                  {text('leastContext')}
                </FormField>
                <FormField
                  label={<Optional>Longest answer</Optional>}
                  description="Most tokens of any answer, if answers may be bounded: static batches are tried then."
                  errorText={fault('boundedAnswers')}
                >
                  {text('boundedAnswers')}
                </FormField>
                <Checkbox
                  checked={draft.quantized}
                  description="Only those that keep to the bounds of their quantization."
                  onChange={({ detail }) => setDraft({ ...draft, quantized: detail.checked })}
                >
                  The model’s quantizations
                </Checkbox>
                <Checkbox
                  checked={draft.roundedCaches}
                  description="Half the memory, and a rounding that shows in the answers."
                  onChange={({ detail }) => setDraft({ ...draft, roundedCaches: detail.checked })}
                >
                  Caches of eight bits
                </Checkbox>
              </SpaceBetween>
            </Container>
          )}
        </SpaceBetween>
      </Form>
    </form>
  )
}

function Optional({ children }: { children: string }) {
  return (
    <>
      {children} <i>– optional</i>
    </>
  )
}
