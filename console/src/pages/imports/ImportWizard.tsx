import BreadcrumbGroup from '@cloudscape-design/components/breadcrumb-group'
import SpaceBetween from '@cloudscape-design/components/space-between'
import Wizard from '@cloudscape-design/components/wizard'
import { useEffect, useMemo, useState } from 'react'
import { createImportJob, idOf, type CheckResult } from '../../api/imports.ts'
import { follow, href, navigate } from '../../shell/router.tsx'
import { useSession } from '../../shell/SessionContext.tsx'
import { ErrorAlert } from '../../ui/ErrorAlert.tsx'
import { useAction } from '../../ui/useAction.ts'
import { ChecksStep } from './ChecksStep.tsx'
import { faults, forget, keep, kept, requestOf, type Draft } from './draft.ts'
import { jobPath, PATH, wizardPath } from './parts.tsx'
import { PoliciesStep } from './PoliciesStep.tsx'
import { ReviewStep } from './ReviewStep.tsx'
import { SourceStep } from './SourceStep.tsx'

const STEPS = ['source', 'policies', 'checks', 'review']

/** What the checks said, and of which request. */
export interface Checked {
  of: string
  result: CheckResult
}

/** Puts an import together: what, who must allow what, whether it would work, and go. */
export function ImportWizard({ step }: { step: string }) {
  const { account } = useSession()
  const [draft, setDraft] = useState(() => kept(new Date()))
  const [tried, setTried] = useState(false)
  const [checked, setChecked] = useState<Checked>()
  const [anyway, setAnyway] = useState(false)
  const [refused, setRefused] = useState(false)

  const found = faults(draft, account)
  const good = Object.keys(found).length === 0
  const request = useMemo(() => requestOf(draft), [draft])
  const result = checked?.of === JSON.stringify(request) ? checked.result : undefined
  const active = good ? Math.max(0, STEPS.indexOf(step)) : 0
  useEffect(() => keep(draft), [draft])

  const change = (changed: Partial<Draft>) => {
    setDraft((before) => ({ ...before, ...changed }))
    setAnyway(false)
  }
  const start = useAction(async () => {
    const arn = await createImportJob(request)
    forget()
    navigate(jobPath(idOf(arn)))
  })
  const mayStart = result?.passes || anyway
  return (
    <SpaceBetween size="m">
      <BreadcrumbGroup
        ariaLabel="Imported models"
        items={[
          { text: 'Imported models', href: href(PATH) },
          { text: 'Import model', href: '#' },
        ]}
        onFollow={follow}
      />
      <Wizard
        activeStepIndex={active}
        submitButtonText="Start import"
        isLoadingNextStep={start.busy}
        onNavigate={({ detail: { requestedStepIndex } }) => {
          setTried(true)
          start.clearError()
          if (requestedStepIndex > active && !good) return
          navigate(wizardPath(STEPS[requestedStepIndex] ?? 'source'))
        }}
        onCancel={() => {
          forget()
          navigate(PATH)
        }}
        onSubmit={() => {
          setRefused(!mayStart)
          if (mayStart) void start.run()
        }}
        steps={[
          {
            title: 'Source and model',
            description: 'Where the checkpoint lies, the role that reads it, and what it becomes.',
            content: <SourceStep draft={draft} faults={found} all={tried} onChange={change} />,
          },
          {
            title: 'Policies of each side',
            description: 'What each account must allow, as in “cross-account model deployment”. Nothing is changed here: copy what is missing.',
            content: active === 1 && <PoliciesStep draft={draft} />,
          },
          {
            title: 'Checks',
            description: 'Craton does as the import will, up to the first byte that it would copy. Nothing is started.',
            content: active === 2 && (
              <ChecksStep request={request} onResult={(latest) => setChecked({ of: JSON.stringify(request), result: latest })} />
            ),
          },
          {
            title: 'Review and start',
            content: active === 3 && (
              <SpaceBetween size="m">
                <ErrorAlert error={start.error} title="Could not start the import" onDismiss={start.clearError} />
                <ReviewStep
                  draft={draft}
                  result={result}
                  anyway={anyway}
                  refused={refused && !mayStart}
                  onAnyway={setAnyway}
                  onStep={(name) => navigate(wizardPath(name))}
                />
              </SpaceBetween>
            ),
          },
        ]}
      />
    </SpaceBetween>
  )
}
