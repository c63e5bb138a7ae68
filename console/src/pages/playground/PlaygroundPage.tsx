import Alert from '@cloudscape-design/components/alert'
import Button from '@cloudscape-design/components/button'
import Container from '@cloudscape-design/components/container'
import ContentLayout from '@cloudscape-design/components/content-layout'
import ExpandableSection from '@cloudscape-design/components/expandable-section'
import Header from '@cloudscape-design/components/header'
import SpaceBetween from '@cloudscape-design/components/space-between'
import Toggle from '@cloudscape-design/components/toggle'
import { useState } from 'react'
import { listAliases } from '../../api/aliases.ts'
import { endpointsIfAny } from '../../api/endpoints.ts'
import { countTokens } from '../../api/converse.ts'
import { everyImportedModel } from '../../api/imports.ts'
import { listModels } from '../../api/models.ts'
import { getStatus } from '../../api/status.ts'
import { useNotify } from '../../shell/Notifications.tsx'
import { PageLink, useRoute } from '../../shell/router.tsx'
import { ErrorAlert } from '../../ui/ErrorAlert.tsx'
import { integer } from '../../ui/format.ts'
import { Loading } from '../../ui/Loading.tsx'
import { useAction } from '../../ui/useAction.ts'
import { useLoad } from '../../ui/useLoad.ts'
import { modelOptions, shownId, usable } from './choices.ts'
import type { CodeInput } from './code.ts'
import { CodeModal } from './CodeModal.tsx'
import { Comparison } from './Comparison.tsx'
import { messagesToShow } from './conversation.ts'
import { Pane } from './Pane.tsx'
import { PromptBox } from './PromptBox.tsx'
import { check, INITIAL, requestOf } from './settings.ts'
import { SettingsForm } from './SettingsForm.tsx'
import { useChat } from './useChat.ts'

/** The width in px from which console.css puts the parameters beside the conversation. */
const BESIDE = 1100

/** Talk to one model, or put the same question to two. */
export default function PlaygroundPage() {
  const models = useLoad(listModels)
  const aliases = useLoad(listAliases)
  const imported = useLoad(everyImportedModel)
  const endpoints = useLoad(endpointsIfAny)
  const status = useLoad(getStatus)
  const { query } = useRoute()
  const [chosen, setChosen] = useState<(string | undefined)[]>([query.get('model') ?? undefined, query.get('with') ?? undefined])
  const [comparing, setComparing] = useState(query.has('with'))
  const [settings, setSettings] = useState(INITIAL)
  const [prompt, setPrompt] = useState('')
  const [showCode, setShowCode] = useState(false)
  const chats = [useChat(), useChat()] as const

  const groups = modelOptions(models.value ?? [], aliases.value ?? [], imported.value ?? [], endpoints.value)
  const options = usable(groups)
  const modelOf = (pane: number) => chosen[pane] ?? chosen[0] ?? options[0]?.value
  const panes = comparing ? [0, 1] : [0]
  const errors = check(settings)
  const settingsAreGood = Object.keys(errors).length === 0
  const busy = panes.some((pane) => chats[pane]?.busy)
  const canSend = settingsAreGood && !busy && prompt.trim() !== '' && panes.every((pane) => modelOf(pane) !== undefined)

  const send = () => {
    if (!canSend) return
    for (const pane of panes) {
      const modelId = modelOf(pane)
      if (modelId !== undefined) chats[pane]?.send(modelId, prompt, settings)
    }
    setPrompt('')
  }
  const everyChat = (act: 'stop' | 'clear') => {
    for (const chat of chats) chat[act]()
  }
  const code = panes.map(
    (pane): CodeInput => ({
      endpoint: window.location.origin,
      region: status.value?.region ?? 'us-east-1',
      modelId: modelOf(pane) ?? 'MODEL_ID',
      request: requestOf(settings, messagesToShow(chats[pane]?.turns ?? [], prompt)),
    }),
  )

  const notify = useNotify()
  const count = useAction(async () => {
    const counts = await Promise.all(
      code.map(async ({ modelId, request }) => `${integer(await countTokens(modelId, request))} tokens for ${shownId(modelId)}`),
    )
    notify('info', `The conversation with this prompt: ${counts.join(', ')}.`)
  })

  const loading = models.loading || aliases.loading || imported.loading || endpoints.loading
  return (
    <ContentLayout
      header={
        <Header
          variant="h1"
          description="Talk to a model or an endpoint, or put the same question to two with the same parameters."
          actions={
            <SpaceBetween direction="horizontal" size="xs" alignItems="center">
              <Toggle
                checked={comparing}
                onChange={({ detail }) => {
                  if (!detail.checked) chats[1].stop()
                  setComparing(detail.checked)
                }}
              >
                Compare two models
              </Toggle>
              <Button onClick={() => everyChat('clear')} disabled={chats.every((chat) => chat.turns.length === 0)}>
                Clear
              </Button>
              <Button
                loading={count.busy}
                disabled={!settingsAreGood || prompt.trim() === '' || options.length === 0}
                onClick={() => void count.run()}
              >
                Count tokens
              </Button>
              <Button iconName="script" onClick={() => setShowCode(true)} disabled={!settingsAreGood}>
                View as code
              </Button>
            </SpaceBetween>
          }
        >
          Playground
        </Header>
      }
    >
      <SpaceBetween size="m">
        <ErrorAlert error={count.error} title="Could not count the tokens" onDismiss={count.clearError} />
        <ErrorAlert error={models.error} title="Could not list the models" onRetry={models.reload} />
        <ErrorAlert error={aliases.error} title="Could not list the aliases" onRetry={aliases.reload} />
        <ErrorAlert error={imported.error} title="Could not list the imported models" onRetry={imported.reload} />
        <ErrorAlert error={endpoints.error} title="Could not list the endpoints" onRetry={endpoints.reload} />
        {loading && <Loading what="the models" />}
        {!loading && !models.error && options.length === 0 && (
          <Alert type="info" header="There is no text model yet">
            Download one in the <PageLink to="/models">model catalogue</PageLink>; the smallest takes about a minute. Or{' '}
            <PageLink to="/imported-models?import=source">import one of your own</PageLink>.
          </Alert>
        )}
        <div className="craton-playground">
          <Container>
            <ExpandableSection headerText="Parameters" defaultExpanded={window.innerWidth >= BESIDE}>
              <SettingsForm settings={settings} errors={errors} onChange={setSettings} />
            </ExpandableSection>
          </Container>
          <div>
            {comparing && <Comparison turns={panes.map((pane) => chats[pane]?.turns.at(-1))} />}
            <div className="craton-panes">
              {panes.map((pane) => (
                <Pane
                  key={pane}
                  label={comparing ? `Model ${pane + 1}` : 'Model'}
                  groups={groups}
                  modelId={modelOf(pane)}
                  turns={chats[pane]?.turns ?? []}
                  onChoose={(modelId) => setChosen((all) => all.map((old, index) => (index === pane ? modelId : old)))}
                />
              ))}
            </div>
            <div className="craton-prompt">
              <PromptBox
                value={prompt}
                canSend={canSend}
                busy={busy}
                onChange={setPrompt}
                onSend={send}
                onStop={() => everyChat('stop')}
              />
            </div>
          </div>
        </div>
      </SpaceBetween>
      {showCode && <CodeModal inputs={code} onDismiss={() => setShowCode(false)} />}
    </ContentLayout>
  )
}
