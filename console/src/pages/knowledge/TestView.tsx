import Alert from '@cloudscape-design/components/alert'
import Box from '@cloudscape-design/components/box'
import Button from '@cloudscape-design/components/button'
import Container from '@cloudscape-design/components/container'
import ExpandableSection from '@cloudscape-design/components/expandable-section'
import Header from '@cloudscape-design/components/header'
import Modal from '@cloudscape-design/components/modal'
import SpaceBetween from '@cloudscape-design/components/space-between'
import { useCallback, useState } from 'react'
import { listAliases } from '../../api/aliases.ts'
import { endpointsIfAny } from '../../api/endpoints.ts'
import { everyImportedModel } from '../../api/imports.ts'
import { getKnowledgeBase } from '../../api/knowledgeBases.ts'
import { listModels } from '../../api/models.ts'
import { getStatus } from '../../api/status.ts'
import { PageLink } from '../../shell/router.tsx'
import { CodeTabs } from '../../ui/CodeTabs.tsx'
import { ErrorAlert } from '../../ui/ErrorAlert.tsx'
import { useLoad } from '../../ui/useLoad.ts'
import { modelOptions, usable } from '../playground/choices.ts'
import { PromptBox } from '../playground/PromptBox.tsx'
import { AnswerView } from './AnswerView.tsx'
import { samplesFor } from './code.ts'
import { Crumbs } from './Crumbs.tsx'
import { keysOf } from './filters.ts'
import { rerankingOptions } from './reranking.ts'
import { askedOf, check, INITIAL, isStreamed, type Settings } from './settings.ts'
import { SettingsForm } from './SettingsForm.tsx'
import { basePath } from './text.ts'
import { useQuestions } from './useQuestions.ts'

/** The width in px below which the settings would push the questions off the screen. */
const WIDE = 912

/** Asks a knowledge base: what it finds, why in this order, and what is answered out of it. */
export function TestView({ id }: { id: string }) {
  const kb = useLoad(useCallback((signal: AbortSignal) => getKnowledgeBase(id, signal), [id]))
  const models = useLoad(listModels)
  const aliases = useLoad(listAliases)
  const imported = useLoad(everyImportedModel)
  const endpoints = useLoad(endpointsIfAny)
  const status = useLoad(getStatus)
  const [settings, setSettings] = useState(INITIAL)
  const [question, setQuestion] = useState('')
  const [showCode, setShowCode] = useState(false)
  const questions = useQuestions(id)

  const groups = modelOptions(models.value ?? [], aliases.value ?? [], imported.value ?? [], endpoints.value)
  const modelId = settings.modelId || usable(groups)[0]?.value || ''
  const region = status.value?.region ?? 'us-east-1'
  const errors = check(settings)
  const good = Object.keys(errors).length === 0 && (settings.mode !== 'generate' || modelId !== '')
  const canSend = good && !questions.busy && question.trim() !== ''
  const send = () => {
    if (!canSend) return
    questions.ask({ mode: settings.mode, modelId, streamed: isStreamed(settings) }, askedOf(settings, question.trim(), region))
    setQuestion('')
  }
  const last = questions.turns.at(-1)
  const change = (changed: Partial<Settings>) => setSettings((before) => ({ ...before, ...changed }))
  return (
    <SpaceBetween size="m">
      <Crumbs items={[{ text: kb.value?.name ?? id, path: basePath(id) }, { text: 'Test' }]} />
      <Header
        variant="h1"
        description="What is found, why in this order, and what is answered out of it."
        actions={
          <SpaceBetween direction="horizontal" size="xs">
            <Button disabled={questions.turns.length === 0} onClick={questions.clear}>
              Start over
            </Button>
            <Button iconName="script" disabled={!good} onClick={() => setShowCode(true)}>
              View as code
            </Button>
          </SpaceBetween>
        }
      >
        Test {kb.value?.name ?? 'knowledge base'}
      </Header>
      <ErrorAlert error={kb.error} title="Could not read the knowledge base" onRetry={kb.reload} />
      <ErrorAlert error={models.error ?? aliases.error} title="Could not list the models" onRetry={models.error ? models.reload : aliases.reload} />
      {kb.value && kb.value.status !== 'ACTIVE' && (
        <Alert type="warning" header="It cannot be asked now">
          Look at its state in <PageLink to={basePath(id)}>its page</PageLink>.
        </Alert>
      )}
      <Container>
        <ExpandableSection headerText="Settings" defaultExpanded={window.innerWidth >= WIDE}>
          <SettingsForm
            settings={settings}
            errors={errors}
            groups={groups}
            rerankers={rerankingOptions(models.value ?? [], aliases.value ?? [])}
            modelId={modelId}
            keys={keysOf(last?.retrieval?.results.map(({ metadata }) => metadata) ?? [])}
            onChange={change}
          />
        </ExpandableSection>
      </Container>
      {questions.turns.length === 0 && (
        <Box textAlign="center" color="text-body-secondary" padding="xl">
          Ask something below. What the knowledge base finds appears here, with the reasons for its order.
        </Box>
      )}
      {questions.turns.map((turn) => (
        <AnswerView key={turn.id} id={id} turn={turn} folded={turn !== last} />
      ))}
      <div className="craton-prompt">
        <PromptBox value={question} canSend={canSend} busy={questions.busy} onChange={setQuestion} onSend={send} onStop={questions.stop} />
      </div>
      {showCode && (
        <Modal visible size="large" header="View as code" onDismiss={() => setShowCode(false)}>
          <CodeTabs
            samples={samplesFor({
              endpoint: window.location.origin,
              region,
              knowledgeBaseId: id,
              mode: settings.mode,
              modelArn: modelId,
              asked: askedOf(settings, question.trim() || last?.question || 'How long may a car be kept?', region),
            })}
          />
        </Modal>
      )}
    </SpaceBetween>
  )
}
