import Alert from '@cloudscape-design/components/alert'
import Checkbox from '@cloudscape-design/components/checkbox'
import Container from '@cloudscape-design/components/container'
import FormField from '@cloudscape-design/components/form-field'
import Header from '@cloudscape-design/components/header'
import Input from '@cloudscape-design/components/input'
import Multiselect from '@cloudscape-design/components/multiselect'
import RadioGroup from '@cloudscape-design/components/radio-group'
import Select from '@cloudscape-design/components/select'
import SpaceBetween from '@cloudscape-design/components/space-between'
import { listKnowledgeBases } from '../../api/knowledgeBases.ts'
import { PageLink } from '../../shell/router.tsx'
import { ErrorAlert } from '../../ui/ErrorAlert.tsx'
import { useLoad } from '../../ui/useLoad.ts'
import { baseStatus, PATH as BASES } from '../knowledge/text.ts'
import { optional, type StepProps } from './DetailsStep.tsx'
import type { Search } from './draft.ts'
import { ModelSelect } from './ModelSelect.tsx'
import { Prompts } from './Prompts.tsx'
import { settingsOf } from './request.ts'

/** The system that is evaluated: the name of a source, models, or a knowledge base with its search. */
export function SystemStep(props: StepProps) {
  const { draft, faults, all, onChange } = props
  if (!draft.own) return draft.kind === 'model' ? <Models {...props} /> : <Base {...props} />
  return (
    <Container header={<Header variant="h2">Your responses</Header>}>
      <SpaceBetween size="m">
        <FormField
          label="Name of the source"
          description={`What the dataset calls the system: ${draft.kind === 'model' ? 'modelIdentifier of modelResponses' : 'knowledgeBaseIdentifier of output'}.`}
          errorText={all || draft.source !== '' ? faults.source : undefined}
        >
          <Input value={draft.source} spellcheck={false} placeholder="my-system" onChange={({ detail }) => onChange({ source: detail.value })} />
        </FormField>
      </SpaceBetween>
    </Container>
  )
}

function Models({ draft, faults, all, onChange }: StepProps) {
  return (
    <SpaceBetween size="l">
      <Container header={<Header variant="h2" description="They are asked with the text of each prompt.">Models</Header>}>
        <SpaceBetween size="m">
          <FormField label="Generator" errorText={all ? faults.model : undefined} stretch>
            <ModelSelect label="Generator" value={draft.model} onChange={(model) => onChange({ model })} />
          </FormField>
          <FormField label={optional('Second generator')} description="Both are asked the same, and stand beside each other in the report." errorText={faults.otherModel} stretch>
            <ModelSelect label="Second generator" value={draft.otherModel} onChange={(otherModel) => onChange({ otherModel })} />
          </FormField>
        </SpaceBetween>
      </Container>
      <Parameters draft={draft} faults={faults} onChange={onChange} />
    </SpaceBetween>
  )
}

/** How a model is asked for its answers. */
function Parameters({ draft, faults, onChange }: Omit<StepProps, 'all'>) {
  return (
    <Container header={<Header variant="h2">Inference parameters</Header>}>
      <div className="craton-fields">
        <FormField label={optional('Temperature')} description="0 where nothing is said: the job repeats." errorText={faults.temperature}>
          <Input value={draft.temperature} inputMode="decimal" placeholder="0" onChange={({ detail }) => onChange({ temperature: detail.value })} />
        </FormField>
        <FormField label={optional('Max tokens')} description="Of an answer." errorText={faults.maxTokens}>
          <Input value={draft.maxTokens} inputMode="numeric" placeholder={draft.kind === 'model' ? '512' : 'by the server'} onChange={({ detail }) => onChange({ maxTokens: detail.value })} />
        </FormField>
      </div>
    </Container>
  )
}

const SEARCHES: { value: Search; label: string; description: string }[] = [
  { value: 'HYBRID', label: 'Hybrid', description: 'By words and by meaning.' },
  { value: 'SEMANTIC', label: 'Semantic', description: 'By meaning alone.' },
]

function Base({ draft, faults, all, onChange }: StepProps) {
  const bases = useLoad(listAll)
  const options = (bases.value ?? []).map(({ knowledgeBaseId, name, status }) => ({
    value: knowledgeBaseId,
    label: name,
    description: status === 'ACTIVE' ? knowledgeBaseId : `${knowledgeBaseId}, ${baseStatus(status).text.toLowerCase()}`,
    ...(status === 'ACTIVE' ? {} : { disabled: true }),
  }))
  const others = options.filter(({ value }) => value !== draft.base)
  const settings = settingsOf(draft).length
  return (
    <SpaceBetween size="l">
      <ErrorAlert error={bases.error} title="Could not list the knowledge bases" onRetry={bases.reload} />
      {bases.value?.length === 0 && (
        <Alert type="info" header="There is no knowledge base yet">
          Make one under <PageLink to={BASES}>Knowledge bases</PageLink>, or bring your own responses.
        </Alert>
      )}
      <Container header={<Header variant="h2">Knowledge base</Header>}>
        <SpaceBetween size="m">
          <FormField label="Knowledge base" errorText={all ? faults.base : undefined} stretch>
            <Select
              options={options}
              selectedOption={options.find(({ value }) => value === draft.base) ?? null}
              statusType={bases.loading ? 'loading' : 'finished'}
              loadingText="Looking for knowledge bases"
              placeholder="Choose a knowledge base"
              empty="No knowledge bases"
              onChange={({ detail }) => onChange({ base: detail.selectedOption.value ?? '' })}
            />
          </FormField>
          {draft.kind === 'retrieve-and-generate' && (
            <FormField label="Generator" description="The model that writes the answers." errorText={all ? faults.generator : undefined} stretch>
              <ModelSelect label="Generator" value={draft.generator} onChange={(generator) => onChange({ generator })} />
            </FormField>
          )}
        </SpaceBetween>
      </Container>
      <Container header={<Header variant="h2">Search</Header>}>
        <SpaceBetween size="m">
          <FormField errorText={faults.sweep}>
            <Checkbox
              checked={draft.sweep}
              description={`A job for each search type, number of results and knowledge base${draft.kind === 'retrieve-only' ? '' : ', and for each prompt'}; then each is compared with the best, and one is recommended.`}
              onChange={({ detail }) => onChange({ sweep: detail.checked })}
            >
              Try several settings
            </Checkbox>
          </FormField>
          {draft.sweep ? (
            <SpaceBetween size="m">
              <FormField
                label={optional('Other knowledge bases')}
                description="Of the same documents, chunked otherwise: chunking belongs to a data source. Each setting is tried on each of them, too."
                errorText={faults.otherBases}
                stretch
              >
                <Multiselect
                  options={others}
                  selectedOptions={others.filter(({ value }) => draft.otherBases.includes(value))}
                  statusType={bases.loading ? 'loading' : 'finished'}
                  placeholder="Choose knowledge bases"
                  empty="There is no other knowledge base"
                  deselectAriaLabel={(option) => `Leave out ${option.label}`}
                  onChange={({ detail }) => onChange({ otherBases: detail.selectedOptions.flatMap(({ value }) => (value === undefined ? [] : [value])) })}
                />
              </FormField>
              <FormField label="Search types" errorText={faults.searches}>
                <SpaceBetween size="xxs">
                  {SEARCHES.map(({ value, label, description }) => (
                    <Checkbox
                      key={value}
                      checked={draft.searches.includes(value)}
                      description={description}
                      onChange={({ detail }) => onChange({ searches: SEARCHES.map((one) => one.value).filter((one) => (one === value ? detail.checked : draft.searches.includes(one))) })}
                    >
                      {label}
                    </Checkbox>
                  ))}
                </SpaceBetween>
              </FormField>
              <FormField
                label="Numbers of results"
                description="With commas between them."
                errorText={faults.counts}
                constraintText={faults.counts || faults.searches ? undefined : `${settings} ${settings === 1 ? 'setting' : 'settings'}, a job each`}
              >
                <Input value={draft.counts} spellcheck={false} onChange={({ detail }) => onChange({ counts: detail.value })} />
              </FormField>
            </SpaceBetween>
          ) : (
            <SpaceBetween size="m">
              <FormField label="Search type">
                <RadioGroup value={draft.search} items={SEARCHES} onChange={({ detail }) => onChange({ search: detail.value as Search })} />
              </FormField>
              <FormField label="Number of results" description="Passages that are found for each prompt." errorText={faults.results}>
                <Input value={draft.results} inputMode="numeric" onChange={({ detail }) => onChange({ results: detail.value })} />
              </FormField>
            </SpaceBetween>
          )}
        </SpaceBetween>
      </Container>
      {draft.kind === 'retrieve-and-generate' && <Parameters draft={draft} faults={faults} onChange={onChange} />}
      {draft.sweep && draft.kind === 'retrieve-and-generate' && <Prompts draft={draft} onChange={onChange} />}
    </SpaceBetween>
  )
}

/** Every knowledge base, page by page. */
async function listAll(signal: AbortSignal) {
  const all = []
  let token: string | undefined
  do {
    const page = await listKnowledgeBases(token, signal)
    all.push(...page.items)
    token = page.next
  } while (token !== undefined)
  return all
}
