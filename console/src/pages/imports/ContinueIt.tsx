import Button from '@cloudscape-design/components/button'
import Container from '@cloudscape-design/components/container'
import FormField from '@cloudscape-design/components/form-field'
import Header from '@cloudscape-design/components/header'
import SpaceBetween from '@cloudscape-design/components/space-between'
import Textarea from '@cloudscape-design/components/textarea'
import { useState } from 'react'
import type { ImportedModel } from '../../api/imports.ts'
import { continueText } from '../../api/invoke.ts'
import { ErrorAlert } from '../../ui/ErrorAlert.tsx'
import { useAction } from '../../ui/useAction.ts'

const TOKENS = 100

/** Lets a model without a chat template carry a text on. */
export function ContinueIt({ model }: { model: ImportedModel }) {
  const [text, setText] = useState('')
  const [answer, setAnswer] = useState<{ prompt: string; text: string }>()
  const ask = useAction(async () => setAnswer({ prompt: text, text: await continueText(model.modelArn, text, TOKENS) }))
  return (
    <Container
      header={
        <Header
          variant="h2"
          description={`It has no chat template: Converse and chat completions refuse it, InvokeModel carries a text on. At most ${TOKENS} tokens.`}
        >
          Try it
        </Header>
      }
    >
      <SpaceBetween size="s">
        <FormField label="Text to carry on" stretch>
          <Textarea value={text} rows={3} placeholder="Granite is a rock that" onChange={({ detail }) => setText(detail.value)} />
        </FormField>
        <Button disabled={text === ''} loading={ask.busy} onClick={() => void ask.run()}>
          Carry on
        </Button>
        <ErrorAlert error={ask.error} title="The model did not answer" onDismiss={ask.clearError} />
        {answer && (
          <pre className="craton-code" data-testid="continued">
            {answer.prompt}
            <b>{answer.text || '(nothing)'}</b>
          </pre>
        )}
      </SpaceBetween>
    </Container>
  )
}
