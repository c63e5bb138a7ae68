import Autosuggest from '@cloudscape-design/components/autosuggest'
import Container from '@cloudscape-design/components/container'
import ExpandableSection from '@cloudscape-design/components/expandable-section'
import FormField from '@cloudscape-design/components/form-field'
import Header from '@cloudscape-design/components/header'
import Input from '@cloudscape-design/components/input'
import RadioGroup from '@cloudscape-design/components/radio-group'
import SpaceBetween from '@cloudscape-design/components/space-between'
import Tiles from '@cloudscape-design/components/tiles'
import { listBuckets } from '../../api/s3.ts'
import { useLoad } from '../../ui/useLoad.ts'
import { STRATEGIES, type SourceDraft, type SourceFaults, type Strategy } from './draft.ts'

interface Props {
  draft: SourceDraft
  faults: SourceFaults
  /** Whether to complain of empty fields too. */
  all: boolean
  onChange: (changed: Partial<SourceDraft>) => void
}

/** Where documents come from and how they are cut. */
export function SourceFields({ draft, faults, all, onChange }: Props) {
  const buckets = useLoad(listBuckets)
  const fault = (field: keyof SourceDraft) => (all || draft[field] !== '' ? faults[field] : undefined)
  return (
    <SpaceBetween size="l">
      <Container header={<Header variant="h2">Data source</Header>}>
        <SpaceBetween size="m">
          <FormField label="Where the documents are" stretch>
            <Tiles
              value={draft.type}
              columns={2}
              items={[
                { value: 'S3', label: 'Amazon S3', description: 'A bucket of this server, or a folder in one. Text, Markdown, HTML, PDF, DOCX, XLSX, CSV and JSON.' },
                { value: 'CUSTOM', label: 'Custom', description: 'Documents that you put in one by one, from here or through the API.' },
              ]}
              onChange={({ detail }) => onChange({ type: detail.value === 'CUSTOM' ? 'CUSTOM' : 'S3' })}
            />
          </FormField>
          <FormField label="Data source name" errorText={fault('name')}>
            <Input value={draft.name} spellcheck={false} onChange={({ detail }) => onChange({ name: detail.value })} />
          </FormField>
          {draft.type === 'S3' && (
            <FormField
              label="S3 URI"
              description="With a folder, only what lies below it. NAME.metadata.json beside a document NAME says what is known of it and who may read it."
              errorText={fault('s3Uri')}
              stretch
            >
              <Autosuggest
                value={draft.s3Uri}
                enteredTextLabel={(value) => `Use ${value}`}
                placeholder="s3://policies/customer-service/"
                options={(buckets.value ?? []).map(({ name }) => ({ value: `s3://${name}/` }))}
                empty={buckets.loading ? 'Looking for buckets' : 'No bucket matches'}
                onChange={({ detail }) => onChange({ s3Uri: detail.value })}
              />
            </FormField>
          )}
        </SpaceBetween>
      </Container>
      <Container header={<Header variant="h2" description="It cannot be changed later: another way needs another data source.">Chunking</Header>}>
        <SpaceBetween size="m">
          <FormField label="Chunking strategy" stretch>
            <RadioGroup
              value={draft.strategy}
              items={Object.entries(STRATEGIES).map(([value, text]) => ({ value, ...text }))}
              onChange={({ detail }) => onChange({ strategy: detail.value as Strategy })}
            />
          </FormField>
          <StrategyFields draft={draft} faults={faults} onChange={onChange} />
        </SpaceBetween>
      </Container>
      <Container>
        <ExpandableSection headerText="Advanced settings" variant="footer">
          <FormField label="Data deletion policy" description="What becomes of the index's content when the data source is deleted." stretch>
            <RadioGroup
              value={draft.deletion}
              items={[
                { value: 'DELETE', label: 'Delete', description: 'Nothing of its documents can be retrieved any more.' },
                { value: 'RETAIN', label: 'Retain', description: 'What was indexed stays until the knowledge base is deleted.' },
              ]}
              onChange={({ detail }) => onChange({ deletion: detail.value === 'RETAIN' ? 'RETAIN' : 'DELETE' })}
            />
          </FormField>
        </ExpandableSection>
      </Container>
    </SpaceBetween>
  )
}

type Field = [keyof SourceDraft, string, string?]

const FIELDS: Record<Strategy, Field[]> = {
  DEFAULT: [],
  NONE: [],
  FIXED_SIZE: [
    ['maxTokens', 'Max tokens', 'Of the embedding model.'],
    ['overlapPercentage', 'Overlap between chunks', 'Percent of a chunk.'],
  ],
  HIERARCHICAL: [
    ['parentTokens', 'Max parent token size'],
    ['childTokens', 'Max child token size'],
    ['overlapTokens', 'Overlap tokens'],
  ],
  SEMANTIC: [
    ['semanticTokens', 'Max token size'],
    ['bufferSize', 'Max buffer size', 'Sentences on either side that are looked at with each: 0 or 1.'],
    ['threshold', 'Breakpoint percentile threshold', 'The higher, the fewer chunks.'],
  ],
}

function StrategyFields({ draft, faults, onChange }: Omit<Props, 'all'>) {
  const fields = FIELDS[draft.strategy]
  if (fields.length === 0) return null
  return (
    <div className="craton-fields">
      {fields.map(([field, label, description]) => (
        <FormField key={field} label={label} description={description} errorText={faults[field]}>
          <Input value={draft[field]} inputMode="numeric" onChange={({ detail }) => onChange({ [field]: detail.value })} />
        </FormField>
      ))}
    </div>
  )
}
