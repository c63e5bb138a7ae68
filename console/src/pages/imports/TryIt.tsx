import Button from '@cloudscape-design/components/button'
import Container from '@cloudscape-design/components/container'
import Header from '@cloudscape-design/components/header'
import SpaceBetween from '@cloudscape-design/components/space-between'
import { useState } from 'react'
import type { ImportedModel } from '../../api/imports.ts'
import { navigate } from '../../shell/router.tsx'
import { PromptBox } from '../playground/PromptBox.tsx'
import { INITIAL } from '../playground/settings.ts'
import { Transcript } from '../playground/Transcript.tsx'
import { useChat } from '../playground/useChat.ts'

/** Short answers: what is tried here is whether it answers. */
const SETTINGS = { ...INITIAL, maxTokens: '200' }

/** A conversation with the model, through Converse. */
export function TryIt({ model }: { model: ImportedModel }) {
  const chat = useChat()
  const [prompt, setPrompt] = useState('')
  const canSend = !chat.busy && prompt.trim() !== ''
  return (
    <Container
      header={
        <Header
          variant="h2"
          description="Through Converse, streamed; at most 200 tokens an answer."
          actions={
            <SpaceBetween direction="horizontal" size="xs">
              <Button disabled={chat.turns.length === 0} onClick={chat.clear}>
                Clear
              </Button>
              <Button onClick={() => navigate(`/playground?model=${encodeURIComponent(model.modelArn)}`)}>Open in the playground</Button>
            </SpaceBetween>
          }
        >
          Try it
        </Header>
      }
    >
      <div className="craton-try">
        <SpaceBetween size="s">
          <Transcript turns={chat.turns} name={model.modelName} />
          <PromptBox
            value={prompt}
            canSend={canSend}
            busy={chat.busy}
            onChange={setPrompt}
            onSend={() => {
              if (!canSend) return
              chat.send(model.modelArn, prompt, SETTINGS)
              setPrompt('')
            }}
            onStop={chat.stop}
          />
        </SpaceBetween>
      </div>
    </Container>
  )
}
