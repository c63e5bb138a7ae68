import Container from '@cloudscape-design/components/container'
import FormField from '@cloudscape-design/components/form-field'
import Select, { type SelectProps } from '@cloudscape-design/components/select'
import type { Turn } from './conversation.ts'
import { Transcript } from './Transcript.tsx'

interface Props {
  label: string
  groups: SelectProps.OptionGroup[]
  modelId: string | undefined
  turns: Turn[]
  onChoose: (modelId: string) => void
}

/** A model and the conversation with it. */
export function Pane({ label, groups, modelId, turns, onChoose }: Props) {
  const option = groups.flatMap((group) => group.options).find(({ value }) => value === modelId)
  const selected = option ?? (modelId === undefined ? null : { value: modelId, label: modelId })
  return (
    <Container
      header={
        <FormField label={label} stretch>
          <Select
            options={groups}
            selectedOption={selected}
            placeholder="Choose a model"
            filteringType="auto"
            filteringPlaceholder="Find a model or an AWS id"
            empty="No models"
            onChange={({ detail }) => {
              if (detail.selectedOption.value !== undefined) onChoose(detail.selectedOption.value)
            }}
          />
        </FormField>
      }
    >
      <Transcript turns={turns} name={selected?.label ?? 'the model'} />
    </Container>
  )
}
