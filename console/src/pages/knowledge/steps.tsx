import Alert from '@cloudscape-design/components/alert'
import Box from '@cloudscape-design/components/box'
import Checkbox from '@cloudscape-design/components/checkbox'
import Container from '@cloudscape-design/components/container'
import FormField from '@cloudscape-design/components/form-field'
import Header from '@cloudscape-design/components/header'
import Input from '@cloudscape-design/components/input'
import KeyValuePairs from '@cloudscape-design/components/key-value-pairs'
import Select from '@cloudscape-design/components/select'
import SpaceBetween from '@cloudscape-design/components/space-between'
import { listAliases } from '../../api/aliases.ts'
import { listModels } from '../../api/models.ts'
import { PageLink } from '../../shell/router.tsx'
import { useSession } from '../../shell/SessionContext.tsx'
import { CodeTabs } from '../../ui/CodeTabs.tsx'
import { ErrorAlert } from '../../ui/ErrorAlert.tsx'
import { ReviewSection } from '../../ui/ReviewSection.tsx'
import { ServiceRolePicker } from '../../ui/ServiceRolePicker.tsx'
import { useLoad } from '../../ui/useLoad.ts'
import { usable } from '../playground/choices.ts'
import { chunkingOf, commandsOf, cratonCommandOf, STRATEGIES, type Draft, type Faults } from './draft.ts'
import { embeddingOptions } from './embedding.ts'
import { describeChunking } from './text.ts'

interface Props {
  draft: Draft
  faults: Faults
  /** Whether to complain of empty fields too. */
  all: boolean
  onChange: (changed: Partial<Draft>) => void
}

/** Name, description, and the role that everything is done as. */
export function DetailsStep({ draft, faults, all, onChange }: Props) {
  return (
    <SpaceBetween size="l">
      <Container header={<Header variant="h2">Knowledge base details</Header>}>
        <SpaceBetween size="m">
          <FormField label="Knowledge base name" errorText={faults.name}>
            <Input value={draft.name} spellcheck={false} onChange={({ detail }) => onChange({ name: detail.value })} />
          </FormField>
          <FormField label={optional('Description')} errorText={faults.description} stretch>
            <Input value={draft.description} placeholder="Policies and procedures of the three departments" onChange={({ detail }) => onChange({ description: detail.value })} />
          </FormField>
        </SpaceBetween>
      </Container>
      <ServiceRolePicker
        title="IAM permissions"
        description="What the knowledge base does, it does as a role: read the documents, embed them."
        rights="It may read this data source and use this embedding model, and nothing else."
        example="KnowledgeBase"
        role={draft}
        faults={{ roleArn: all || draft.roleArn !== '' ? faults.roleArn : undefined, newRole: faults.newRole }}
        onChange={onChange}
      />
    </SpaceBetween>
  )
}

/** The embedding model, and where vectors are kept. */
export function ModelStep({ draft, faults, all, onChange }: Props) {
  const models = useLoad(listModels)
  const aliases = useLoad(listAliases)
  const groups = embeddingOptions(models.value ?? [], aliases.value ?? [])
  const loading = models.loading || aliases.loading
  const options = groups.flatMap((group) => group.options)
  const failed = models.error ?? aliases.error
  return (
    <SpaceBetween size="l">
      <ErrorAlert error={failed} title="Could not list the embedding models" onRetry={models.error ? models.reload : aliases.reload} />
      {!loading && !failed && usable(groups).length === 0 && (
        <Alert type="info" header="There is no embedding model yet">
          Download one in the <PageLink to="/models">model catalogue</PageLink>.
        </Alert>
      )}
      <Container
        header={
          <Header variant="h2" description="It turns texts into vectors. It cannot be changed later: vectors of different models cannot be compared.">
            Embedding model
          </Header>
        }
      >
        <FormField label="Embedding model" errorText={all ? faults.model : undefined}>
          <Select
            options={groups}
            selectedOption={options.find(({ value }) => value === draft.model) ?? null}
            statusType={loading ? 'loading' : 'finished'}
            loadingText="Looking for models"
            placeholder="Choose a model"
            filteringType="auto"
            filteringPlaceholder="Find a model or an AWS id"
            filteringAriaLabel="Find a model"
            noMatch="No model matches"
            empty="No embedding models"
            onChange={({ detail }) => onChange({ model: detail.selectedOption.value ?? '' })}
          />
        </FormField>
      </Container>
      <Container header={<Header variant="h2">Vector store</Header>}>
        <Box>
          Texts and vectors stay on this server: in its data folder, or in the PostgreSQL database with pgvector that its settings name. Nothing has
          to be set up.
        </Box>
      </Container>
    </SpaceBetween>
  )
}

interface ReviewProps {
  draft: Draft
  region: string
  onChange: (changed: Partial<Draft>) => void
  onStep: (step: string) => void
}

/** All that was chosen, once more. */
export function ReviewStep({ draft, region, onChange, onStep }: ReviewProps) {
  const { account } = useSession()
  const { source } = draft
  const chunking = chunkingOf(source)
  const craton = cratonCommandOf(draft)
  return (
    <SpaceBetween size="l">
      <ReviewSection title="Knowledge base" onEdit={() => onStep('details')}>
        <KeyValuePairs
          columns={2}
          items={[
            { label: 'Name', value: code(draft.name) },
            { label: 'Description', value: draft.description || '–' },
            { label: 'Service role', value: code(draft.ownRole ? draft.roleArn : draft.newRole) },
            { label: 'Role is', value: draft.ownRole ? 'There already' : 'Made with the knowledge base' },
          ]}
        />
      </ReviewSection>
      <ReviewSection title="Data source" onEdit={() => onStep('source')}>
        <KeyValuePairs
          columns={2}
          items={[
            { label: 'Name', value: code(source.name) },
            { label: 'Documents', value: source.type === 'S3' ? code(source.s3Uri) : 'Put in directly' },
            { label: 'Chunking', value: chunking ? describeChunking(chunking) : STRATEGIES.DEFAULT.label },
            { label: 'When the source is deleted', value: source.deletion === 'DELETE' ? 'Its content is deleted' : 'Its content stays' },
          ]}
        />
      </ReviewSection>
      <ReviewSection title="Storage and processing" onEdit={() => onStep('model')}>
        <KeyValuePairs
          columns={2}
          items={[
            { label: 'Embedding model', value: code(draft.model) },
            { label: 'Vector store', value: 'This server’s' },
          ]}
        />
      </ReviewSection>
      {source.type === 'S3' && (
        <Checkbox checked={draft.sync} description="Its documents can be asked about as soon as they are indexed." onChange={({ detail }) => onChange({ sync: detail.checked })}>
          Sync the data source at once
        </Checkbox>
      )}
      <Container header={<Header variant="h2">The same on the command line</Header>}>
        <CodeTabs
          samples={[
            ...(craton === undefined ? [] : [{ id: 'craton', label: 'craton', code: craton }]),
            { id: 'aws', label: 'AWS CLI', code: commandsOf(draft, region, account) },
          ]}
        />
      </Container>
    </SpaceBetween>
  )
}

function code(text: string) {
  return <code className="craton-secret">{text}</code>
}

function optional(label: string) {
  return (
    <>
      {label} <i>– optional</i>
    </>
  )
}
