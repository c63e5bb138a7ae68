import Box from '@cloudscape-design/components/box'
import Button from '@cloudscape-design/components/button'
import Container from '@cloudscape-design/components/container'
import FormField from '@cloudscape-design/components/form-field'
import Header from '@cloudscape-design/components/header'
import Input from '@cloudscape-design/components/input'
import SpaceBetween from '@cloudscape-design/components/space-between'
import Textarea from '@cloudscape-design/components/textarea'
import type { StepProps } from './DetailsStep.tsx'
import { MOST_PROMPTS, newPrompt, promptFaults, type PromptDraft } from './draft.ts'

/** The prompts that a sweep tries. They are all looked at before a job starts. */
export function Prompts({ draft: { prompts }, onChange }: Pick<StepProps, 'draft' | 'onChange'>) {
  const set = (at: number, changed: Partial<PromptDraft>) => onChange({ prompts: prompts.map((one, place) => (place === at ? { ...one, ...changed } : one)) })
  return (
    <Container
      header={
        <Header
          variant="h2"
          counter={prompts.length > 0 ? `(${prompts.length})` : ''}
          description="What the generator is told. A job for each of them, too."
          actions={
            <Button iconName="add-plus" disabled={prompts.length >= MOST_PROMPTS} onClick={() => onChange({ prompts: [...prompts, newPrompt(prompts)] })}>
              Add prompt template
            </Button>
          }
        >
          Prompt templates
        </Header>
      }
    >
      <SpaceBetween size="l">
        {prompts.length === 0 && <Box color="text-body-secondary">None: the generator is told what the server tells it by itself.</Box>}
        {prompts.map((prompt, at) => {
          const found = promptFaults(prompt, prompts.slice(0, at))
          return (
            <fieldset key={at} className="craton-condition craton-fieldset">
              <legend className="craton-hidden">Prompt template {at + 1}</legend>
              <SpaceBetween size="m">
                <FormField
                  label="Template name"
                  errorText={found.name}
                  secondaryControl={
                    <Button ariaLabel={`Remove ${prompt.name}`} onClick={() => onChange({ prompts: prompts.filter((_, place) => place !== at) })}>
                      Remove
                    </Button>
                  }
                >
                  <Input value={prompt.name} spellcheck={false} onChange={({ detail }) => set(at, { name: detail.value })} />
                </FormField>
                <FormField
                  label="Template"
                  description="$search_results$ stands where the passages belong, $query$ for the question, $output_format_instructions$ for how to cite."
                  errorText={found.text}
                  stretch
                >
                  <div className="craton-editor">
                    <Textarea value={prompt.text} rows={6} spellcheck={false} onChange={({ detail }) => set(at, { text: detail.value })} />
                  </div>
                </FormField>
              </SpaceBetween>
            </fieldset>
          )
        })}
      </SpaceBetween>
    </Container>
  )
}
