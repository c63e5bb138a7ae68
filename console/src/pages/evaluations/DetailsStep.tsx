import AttributeEditor from '@cloudscape-design/components/attribute-editor'
import Container from '@cloudscape-design/components/container'
import FormField from '@cloudscape-design/components/form-field'
import Header from '@cloudscape-design/components/header'
import Input from '@cloudscape-design/components/input'
import RadioGroup from '@cloudscape-design/components/radio-group'
import SpaceBetween from '@cloudscape-design/components/space-between'
import Tiles from '@cloudscape-design/components/tiles'
import type { Kind, Tag } from '../../api/evaluations.ts'
import { MOST_TAGS, nameLimitText, withKind, type Draft, type Faults } from './draft.ts'

export interface StepProps {
  draft: Draft
  faults: Faults
  /** Whether to complain of empty fields too. */
  all: boolean
  onChange: (changed: Partial<Draft>) => void
}

/** Name, what kind of system is evaluated, and whether it is asked or its responses are there already. */
export function DetailsStep({ draft, faults, onChange }: StepProps) {
  return (
    <SpaceBetween size="l">
      <Container header={<Header variant="h2">Evaluation details</Header>}>
        <SpaceBetween size="m">
          <FormField label="Evaluation name" constraintText={nameLimitText(draft)} errorText={faults.name ?? faults.sweep}>
            <Input value={draft.name} spellcheck={false} onChange={({ detail }) => onChange({ name: detail.value })} />
          </FormField>
          <FormField label={optional('Description')} errorText={faults.description} stretch>
            <Input value={draft.description} placeholder="Radiology impressions, development split 1" onChange={({ detail }) => onChange({ description: detail.value })} />
          </FormField>
          <FormField label={optional('Tags')} errorText={faults.tags} stretch>
            <Tags tags={draft.tags} onChange={(tags) => onChange({ tags })} />
          </FormField>
        </SpaceBetween>
      </Container>
      <Container header={<Header variant="h2">Evaluation type</Header>}>
        <SpaceBetween size="m">
          <FormField label="What is evaluated" stretch>
            <Tiles
              value={draft.kind}
              columns={3}
              items={[
                { value: 'retrieve-and-generate', label: 'Retrieve and generate', description: 'Answers that are written from the passages of a knowledge base.' },
                { value: 'retrieve-only', label: 'Retrieve only', description: 'The passages that a knowledge base finds.' },
                { value: 'model', label: 'Model', description: 'Answers of one model, or of two to compare.' },
              ]}
              onChange={({ detail }) => onChange(withKind(draft, detail.value as Kind))}
            />
          </FormField>
          <FormField label="Source of the responses" stretch>
            <RadioGroup
              value={draft.own ? 'own' : 'ask'}
              items={[
                { value: 'ask', label: draft.kind === 'model' ? 'Ask a model of this deployment' : 'Ask a knowledge base of this deployment', description: 'The job asks each prompt of the dataset, then judges what came.' },
                { value: 'own', label: 'Bring your own responses', description: 'The dataset has them, of any system anywhere: nothing is asked but the judge.' },
              ]}
              onChange={({ detail }) => onChange({ own: detail.value === 'own' })}
            />
          </FormField>
        </SpaceBetween>
      </Container>
    </SpaceBetween>
  )
}

/** The tags of the job: policies may speak of them. */
function Tags({ tags, onChange }: { tags: Tag[]; onChange: (tags: Tag[]) => void }) {
  return (
    <AttributeEditor
      items={tags}
      addButtonText="Add tag"
      removeButtonText="Remove"
      empty="No tags"
      disableAddButton={tags.length >= MOST_TAGS}
      onAddButtonClick={() => onChange([...tags, { key: '', value: '' }])}
      onRemoveButtonClick={({ detail }) => onChange(tags.filter((_, index) => index !== detail.itemIndex))}
      definition={(['key', 'value'] as const).map((part) => ({
        label: part === 'key' ? 'Key' : 'Value',
        control: (tag: Tag, at: number) => (
          <Input
            value={tag[part]}
            ariaLabel={`${part === 'key' ? 'Key' : 'Value'} of tag ${at + 1}`}
            onChange={({ detail }) => onChange(tags.map((one, index) => (index === at ? { ...one, [part]: detail.value } : one)))}
          />
        ),
      }))}
    />
  )
}

export function optional(label: string) {
  return (
    <>
      {label} <i>– optional</i>
    </>
  )
}
