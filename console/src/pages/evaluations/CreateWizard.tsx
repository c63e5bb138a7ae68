import Alert from '@cloudscape-design/components/alert'
import SpaceBetween from '@cloudscape-design/components/space-between'
import Wizard from '@cloudscape-design/components/wizard'
import { useRef, useState } from 'react'
import { createEvaluation } from '../../api/evaluations.ts'
import { getStatus } from '../../api/status.ts'
import { useNotify } from '../../shell/Notifications.tsx'
import { navigate } from '../../shell/router.tsx'
import { useSession } from '../../shell/SessionContext.tsx'
import { ErrorAlert } from '../../ui/ErrorAlert.tsx'
import { useAction } from '../../ui/useAction.ts'
import { useLoad } from '../../ui/useLoad.ts'
import { Crumbs } from './Crumbs.tsx'
import { DataStep } from './DataStep.tsx'
import { DetailsStep } from './DetailsStep.tsx'
import { faults, isBad, newDraft, newSuffix, STEPS, type Draft } from './draft.ts'
import { MetricsStep } from './MetricsStep.tsx'
import { requestOf, settingsOf } from './request.ts'
import { ReviewStep } from './ReviewStep.tsx'
import { makeRole } from './role.ts'
import { SystemStep } from './SystemStep.tsx'
import { comparePath, createPath, jobPath, PATH } from './text.ts'

/** Puts an evaluation together, in the steps of AWS's console; several of them, where settings are tried. */
export function CreateWizard({ step, base }: { step: string; base: string | undefined }) {
  const { account } = useSession()
  const status = useLoad(getStatus)
  const region = status.value?.region
  const notify = useNotify()
  const [draft, setDraft] = useState(() => ({ ...newDraft(newSuffix()), ...(base ? { base } : {}) }))
  const [tried, setTried] = useState<string[]>([])
  /** What an attempt that failed later has made already: the next one goes on from there. */
  const made = useRef<{ role?: string; jobs: Map<string, { id: string; asked: string }> }>({ jobs: new Map() })

  const found = faults(draft, account)
  const asked = Math.max(0, STEPS.findIndex((name) => name === step))
  const firstBad = STEPS.findIndex((name) => isBad(name, found))
  const active = firstBad < 0 ? asked : Math.min(asked, firstBad)
  const all = tried.includes(STEPS[active] ?? '')
  const change = (changed: Partial<Draft>) => setDraft((before) => ({ ...before, ...changed }))
  const props = { draft, faults: found, all, onChange: change }

  const create = useAction(async () => {
    if (region === undefined) return
    const { jobs } = made.current
    // The policy may have changed since the last attempt; the role is made once.
    const role = draft.ownRole ? draft.roleArn.trim() : (made.current.role = await makeRole(draft, region, account))
    const requests = settingsOf(draft).map((setting) => requestOf(draft, role, setting))
    for (const { jobName, ...request } of requests) {
      const asked = JSON.stringify(request)
      if ((jobs.get(jobName)?.asked ?? asked) !== asked) {
        throw new Error(`The evaluation ${jobName} was started with other settings. Give this one another name.`)
      }
    }
    const ids: string[] = []
    for (const request of requests) {
      const { jobName, ...asked } = request
      const begun = jobs.get(jobName)
      if (begun) {
        ids.push(begun.id)
        continue
      }
      const { jobId, warnings } = await createEvaluation(request)
      jobs.set(jobName, { id: jobId, asked: JSON.stringify(asked) })
      ids.push(jobId)
      for (const warning of warnings) notify('info', warning)
    }
    const [first] = ids
    notify('success', ids.length > 1 ? `${ids.length} evaluations were started.` : `The evaluation ${draft.name} was started.`)
    if (first !== undefined) navigate(ids.length > 1 ? comparePath(ids) : jobPath(first))
  })
  return (
    <SpaceBetween size="m">
      <Crumbs items={[{ text: 'Create evaluation' }]} />
      <ErrorAlert error={status.error} title="Could not read the server’s region" onRetry={status.reload} />
      <Wizard
        activeStepIndex={active}
        submitButtonText={settingsOf(draft).length > 1 ? `Create ${settingsOf(draft).length} evaluations` : 'Create evaluation'}
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
          setTried([...STEPS])
          if (!STEPS.some((name) => isBad(name, found))) void create.run()
        }}
        steps={[
          { title: 'Choose the evaluation type', content: <DetailsStep {...props} /> },
          { title: draft.own ? 'Name the source of the responses' : 'Choose what is evaluated', content: active === 1 && <SystemStep {...props} /> },
          { title: 'Choose metrics and judge', content: active === 2 && <MetricsStep {...props} /> },
          { title: 'Datasets and role', content: active === 3 && <DataStep {...props} /> },
          {
            title: 'Review and create',
            content: active === 4 && (
              <SpaceBetween size="m">
                <ErrorAlert error={create.error} title="The evaluation was not created" onDismiss={create.clearError} />
                {create.error && made.current.jobs.size > 0 && (
                  <Alert type="info">{made.current.jobs.size} of the evaluations were started already; the next attempt goes on with the others.</Alert>
                )}
                <ReviewStep draft={draft} region={region ?? 'us-east-1'} onStep={(name) => navigate(createPath(name))} />
              </SpaceBetween>
            ),
          },
        ]}
      />
    </SpaceBetween>
  )
}
