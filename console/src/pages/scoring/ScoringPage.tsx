import Button from '@cloudscape-design/components/button'
import Checkbox from '@cloudscape-design/components/checkbox'
import Container from '@cloudscape-design/components/container'
import FormField from '@cloudscape-design/components/form-field'
import Header from '@cloudscape-design/components/header'
import LiveRegion from '@cloudscape-design/components/live-region'
import SegmentedControl from '@cloudscape-design/components/segmented-control'
import Select from '@cloudscape-design/components/select'
import SpaceBetween from '@cloudscape-design/components/space-between'
import Table from '@cloudscape-design/components/table'
import Textarea from '@cloudscape-design/components/textarea'
import { useState } from 'react'
import { everyImportedModel } from '../../api/imports.ts'
import { listModels } from '../../api/models.ts'
import { NORMALIZATIONS, score, type Scores } from '../../api/scores.ts'
import { ErrorAlert } from '../../ui/ErrorAlert.tsx'
import { integer } from '../../ui/format.ts'
import { useAction } from '../../ui/useAction.ts'
import { useLoad } from '../../ui/useLoad.ts'
import { modelOptions, usable } from '../playground/choices.ts'
import { PRIORITIES } from '../playground/settings.ts'
import { faults, INITIAL, logText, NORMALIZED, requestOf, rowsOf, shareText, tokensText, type Draft } from './scoring.ts'

/** How likely given texts are, as a model's answers or as continuations of a prompt. */
export default function ScoringPage() {
  const models = useLoad(listModels)
  const imported = useLoad(everyImportedModel)
  const [draft, setDraft] = useState<Draft>(INITIAL)
  const [all, setAll] = useState(false)
  const [scores, setScores] = useState<Scores>()
  // Upstreams and pools do not score: models of this server alone are offered.
  const groups = modelOptions(models.value ?? [], [], imported.value ?? []).filter(({ options }) => options.length > 0)
  const chosen = { ...draft, model: draft.model || (usable(groups)[0]?.value ?? '') }
  const found = faults(chosen)
  const loading = models.loading || imported.loading
  const failed = models.error ?? imported.error
  const run = useAction(async () => {
    // What was found before is no answer to what is asked now.
    setScores(undefined)
    setScores(await score(requestOf(chosen)))
  })
  const set = (change: Partial<Draft>) => setDraft({ ...draft, ...change })
  const submit = () => {
    setAll(true)
    if (Object.keys(found).length === 0) void run.run()
  }
  const options = groups.flatMap((group) => group.options)
  return (
    <SpaceBetween size="m">
      <Header variant="h1" description="How likely a model finds each of several texts, read in one pass and not written: labels, grades, answers to choose from.">
        Scoring
      </Header>
      <ErrorAlert error={models.error} title="Could not list the models" onRetry={models.reload} />
      <ErrorAlert error={imported.error} title="Could not list the imported models" onRetry={imported.reload} />
      <form
        onSubmit={(event) => {
          event.preventDefault()
          submit()
        }}
      >
        <Container
          footer={
            <Button variant="primary" loading={run.busy}>
              Score
            </Button>
          }
        >
          <SpaceBetween size="m">
            <FormField label="Model" errorText={all ? found.model : ''} stretch>
              <Select
                options={groups}
                filteringType="auto"
                empty="No text model is downloaded"
                statusType={loading ? 'loading' : failed ? 'error' : 'finished'}
                loadingText="Loading models"
                errorText={failed ? `Not all models could be listed: ${failed.message}` : ''}
                selectedOption={options.find(({ value }) => value === chosen.model) ?? null}
                onChange={({ detail }) => set({ model: detail.selectedOption.value ?? '' })}
              />
            </FormField>
            <FormField label="The texts are">
              <SegmentedControl
                label="What the texts are"
                selectedId={draft.kind}
                options={[
                  { id: 'message', text: 'Answers to a message' },
                  { id: 'prompt', text: 'Continuations of a prompt' },
                ]}
                onChange={({ detail }) => set({ kind: detail.selectedId === 'prompt' ? 'prompt' : 'message' })}
              />
            </FormField>
            {draft.kind === 'message' ? (
              <>
                <FormField label="System prompt" stretch>
                  <Textarea value={draft.system} rows={2} placeholder="Is the review good or bad?" onChange={({ detail }) => set({ system: detail.value })} />
                </FormField>
                <FormField label="Message" errorText={all ? found.message : ''} stretch>
                  <Textarea value={draft.message} rows={3} placeholder="Never again." onChange={({ detail }) => set({ message: detail.value })} />
                </FormField>
              </>
            ) : (
              <FormField label="Prompt" description="As it stands, in no template." errorText={all ? found.prompt : ''} stretch>
                <Textarea value={draft.prompt} rows={3} placeholder="The capital of France is" onChange={({ detail }) => set({ prompt: detail.value })} />
              </FormField>
            )}
            <FormField
              label="Texts"
              description={draft.kind === 'prompt' ? 'One a line. After a prompt as it stands, a word mostly begins with its blank.' : 'One a line.'}
              errorText={all ? found.lines : ''}
              stretch
            >
              <Textarea value={draft.lines} rows={5} spellcheck={false} placeholder={draft.kind === 'prompt' ? ' Paris\n Rome' : 'good\nbad'} onChange={({ detail }) => set({ lines: detail.value })} />
            </FormField>
            <FormField label="Compared" stretch>
              <Select
                options={NORMALIZATIONS.map((value) => ({ value, ...NORMALIZED[value] }))}
                selectedOption={{ value: draft.normalize, ...NORMALIZED[draft.normalize] }}
                onChange={({ detail }) => set({ normalize: NORMALIZATIONS.find((value) => value === detail.selectedOption.value) ?? 'none' })}
              />
            </FormField>
            <FormField label="Priority">
              <Select
                options={PRIORITIES}
                selectedOption={PRIORITIES.find(({ value }) => value === draft.priority) ?? null}
                onChange={({ detail }) => set({ priority: PRIORITIES.find(({ value }) => value === detail.selectedOption.value)?.value ?? 'normal' })}
              />
            </FormField>
            <Checkbox
              checked={draft.bestOnly}
              description="The others are read no further than is needed to know it."
              onChange={({ detail }) => set({ bestOnly: detail.checked })}
            >
              Only the likeliest is wanted
            </Checkbox>
            <Checkbox
              checked={draft.deterministic}
              description="The scores depend on nothing that runs beside them."
              onChange={({ detail }) => set({ deterministic: detail.checked })}
            >
              Deterministic
            </Checkbox>
          </SpaceBetween>
        </Container>
      </form>
      <ErrorAlert error={run.error} title="The texts could not be scored" onDismiss={run.clearError} />
      <LiveRegion hidden>{scores ? `The likeliest text: ${scores.scores[scores.best]?.text ?? 'none'}` : ''}</LiveRegion>
      {scores && <Answer scores={scores} />}
    </SpaceBetween>
  )
}

function Answer({ scores }: { scores: Scores }) {
  const { usage } = scores
  const cached = usage.cacheReadInputTokens > 0 ? `, ${integer(usage.cacheReadInputTokens)} of them from the cache` : ''
  return (
    <Table
      items={rowsOf(scores)}
      trackBy={({ place }) => String(place)}
      wrapLines
      ariaLabels={{ tableLabel: 'Scores' }}
      header={
        <Header variant="h2" counter={`(${scores.scores.length})`} description={`${integer(usage.inputTokens)} tokens read before the texts${cached}.`}>
          Scores
        </Header>
      }
      columnDefinitions={[
        { id: 'text', header: 'Text', isRowHeader: true, minWidth: 180, cell: ({ text }) => <span className="craton-stack">{text}</span> },
        { id: 'share', header: 'Share', minWidth: 90, cell: ({ probability }) => shareText(probability) },
        { id: 'log', header: 'Log probability', minWidth: 120, cell: (row) => logText(row) },
        { id: 'normalized', header: 'Compared', minWidth: 110, cell: ({ normalizedLogProbability }) => normalizedLogProbability?.toFixed(3) ?? '–' },
        { id: 'tokens', header: 'Tokens', minWidth: 220, cell: (row) => <span className="craton-stack">{tokensText(row)}</span> },
      ]}
    />
  )
}
