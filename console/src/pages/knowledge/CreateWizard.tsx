import SpaceBetween from '@cloudscape-design/components/space-between'
import Wizard from '@cloudscape-design/components/wizard'
import { useRef, useState } from 'react'
import { createDataSource, createKnowledgeBase, startIngestionJob } from '../../api/knowledgeBases.ts'
import { getStatus } from '../../api/status.ts'
import { useNotify } from '../../shell/Notifications.tsx'
import { navigate } from '../../shell/router.tsx'
import { useSession } from '../../shell/SessionContext.tsx'
import { ErrorAlert } from '../../ui/ErrorAlert.tsx'
import { useAction } from '../../ui/useAction.ts'
import { useLoad } from '../../ui/useLoad.ts'
import { Crumbs } from './Crumbs.tsx'
import { baseOf, faults, hasFaults, newDraft, newSuffix, sourceOf, type Draft, type Faults } from './draft.ts'
import { makeRole } from './role.ts'
import { SourceFields } from './SourceFields.tsx'
import { DetailsStep, ModelStep, ReviewStep } from './steps.tsx'
import { basePath, createPath, jobPath, PATH } from './text.ts'

const STEPS = ['details', 'source', 'model', 'review']

/** Puts a knowledge base together with its first data source, in the steps of AWS's console. */
export function CreateWizard({ step, uri }: { step: string; uri: string | undefined }) {
  const { account } = useSession()
  const status = useLoad(getStatus)
  const region = status.value?.region
  const notify = useNotify()
  const [draft, setDraft] = useState(() => startOf(uri))
  const [tried, setTried] = useState<string[]>([])
  /** What an attempt that failed later has made already: the next one goes on from there. */
  const made = useRef<{ role?: string; base?: string }>({})

  const found = faults(draft, account)
  const asked = Math.max(0, STEPS.indexOf(step))
  const firstBad = STEPS.findIndex((name) => isBad(name, found))
  const active = firstBad < 0 ? asked : Math.min(asked, firstBad)
  const all = tried.includes(STEPS[active] ?? '')
  const change = (changed: Partial<Draft>) => setDraft((before) => ({ ...before, ...changed }))

  const create = useAction(async () => {
    if (region === undefined) return
    const role = draft.ownRole ? draft.roleArn.trim() : (made.current.role ??= await makeRole(draft, region, account))
    const base = (made.current.base ??= (await createKnowledgeBase(baseOf(draft, region, role))).knowledgeBaseId)
    const { dataSourceId } = await createDataSource(base, sourceOf(draft.source))
    notify('success', `The knowledge base ${draft.name} was created.`)
    if (!draft.sync || draft.source.type !== 'S3') return navigate(basePath(base))
    try {
      const { ingestionJobId } = await startIngestionJob(base, dataSourceId)
      navigate(jobPath(base, dataSourceId, ingestionJobId))
    } catch (reason) {
      notify('error', `The first sync could not be started: ${reason instanceof Error ? reason.message : String(reason)}`)
      navigate(basePath(base))
    }
  })
  return (
    <SpaceBetween size="m">
      <Crumbs items={[{ text: 'Create knowledge base' }]} />
      <ErrorAlert error={status.error} title="Could not read the server’s region" onRetry={status.reload} />
      <Wizard
        activeStepIndex={active}
        submitButtonText="Create knowledge base"
        isLoadingNextStep={create.busy}
        onNavigate={({ detail: { requestedStepIndex } }) => {
          const passed = STEPS.slice(0, requestedStepIndex)
          setTried((before) => [...new Set([...before, ...passed])])
          create.clearError()
          if (passed.some((name) => isBad(name, found))) return
          navigate(createPath(STEPS[requestedStepIndex] ?? 'details'))
        }}
        onCancel={() => navigate(PATH)}
        onSubmit={() => {
          setTried(STEPS)
          if (!hasFaults(found)) void create.run()
        }}
        steps={[
          {
            title: 'Provide knowledge base details',
            content: <DetailsStep draft={draft} faults={found} all={all} onChange={change} />,
          },
          {
            title: 'Configure data source',
            content: (
              <SourceFields
                draft={draft.source}
                faults={found.source}
                all={all}
                onChange={(changed) => setDraft((before) => ({ ...before, source: { ...before.source, ...changed } }))}
              />
            ),
          },
          {
            title: 'Configure data storage and processing',
            content: active === 2 && <ModelStep draft={draft} faults={found} all={all} onChange={change} />,
          },
          {
            title: 'Review and create',
            content: active === 3 && (
              <SpaceBetween size="m">
                <ErrorAlert
                  error={create.error}
                  title={made.current.base ? 'The knowledge base was created, its data source was not' : 'The knowledge base was not created'}
                  onDismiss={create.clearError}
                />
                <ReviewStep draft={draft} region={region ?? 'us-east-1'} onChange={change} onStep={(name) => navigate(createPath(name))} />
              </SpaceBetween>
            ),
          },
        ]}
      />
    </SpaceBetween>
  )
}

/** A new draft, of the documents that a page of the bucket has led here from. */
function startOf(uri: string | undefined): Draft {
  const draft = newDraft(newSuffix())
  return uri === undefined ? draft : { ...draft, source: { ...draft.source, s3Uri: uri } }
}

/** Whether a step has something that keeps one from going on. */
function isBad(step: string, { source, model, ...details }: Faults): boolean {
  switch (step) {
    case 'details':
      return Object.keys(details).length > 0
    case 'source':
      return Object.keys(source).length > 0
    case 'model':
      return model !== undefined
    default:
      return false
  }
}
