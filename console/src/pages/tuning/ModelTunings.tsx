import BreadcrumbGroup from '@cloudscape-design/components/breadcrumb-group'
import Button from '@cloudscape-design/components/button'
import Container from '@cloudscape-design/components/container'
import Header from '@cloudscape-design/components/header'
import SpaceBetween from '@cloudscape-design/components/space-between'
import Table from '@cloudscape-design/components/table'
import { useCallback, useState } from 'react'
import { listTunings, resetTuning, type Tunings, type TuningReport } from '../../api/tunings.ts'
import { useNotify } from '../../shell/Notifications.tsx'
import { follow, href, navigate, PageLink } from '../../shell/router.tsx'
import { useSession } from '../../shell/SessionContext.tsx'
import { ConfirmModal } from '../../ui/ConfirmModal.tsx'
import { Empty } from '../../ui/Empty.tsx'
import { ErrorAlert } from '../../ui/ErrorAlert.tsx'
import { Loading } from '../../ui/Loading.tsx'
import { Time } from '../../ui/Time.tsx'
import { useAction } from '../../ui/useAction.ts'
import { useLoad } from '../../ui/useLoad.ts'
import { Running } from './Running.tsx'
import { figure, jobPath, PATH, profileText, sloText, startPath } from './text.ts'

/** How a model is loaded, the tuning that goes on, and the reports of those before. */
export function ModelTunings({ model }: { model: string }) {
  const load = useCallback((signal: AbortSignal) => listTunings(model, signal), [model])
  const tunings = useLoad(load)
  const { managesDeployment } = useSession()
  if (tunings.loading) return <Loading what="the tunings" />
  const value = tunings.value
  return (
    <SpaceBetween size="m">
      <BreadcrumbGroup
        ariaLabel="Tuning"
        items={[
          { text: 'Tuning', href: href(PATH) },
          { text: model, href: '#' },
        ]}
        onFollow={follow}
      />
      <Header
        variant="h1"
        description="How the model is loaded, chosen by playing a workload to it on this machine."
        actions={
          managesDeployment && (
            <Button variant="primary" disabled={value?.running != null} onClick={() => navigate(startPath(model))}>
              Tune
            </Button>
          )
        }
      >
        {model}
      </Header>
      <ErrorAlert error={tunings.error} title="Could not list the tunings" onRetry={tunings.reload} />
      {value?.running && <Running model={model} jobId={value.running.id} onSucceeded={tunings.reload} />}
      {value && <Profile model={model} profile={value.profile} manages={managesDeployment} onReset={tunings.reload} />}
      {value && <Reports model={model} reports={value.items} />}
    </SpaceBetween>
  )
}

interface ProfileProps {
  model: string
  profile: Tunings['profile']
  manages: boolean
  onReset: () => void
}

function Profile({ model, profile, manages, onReset }: ProfileProps) {
  const notify = useNotify()
  const [asking, setAsking] = useState(false)
  const reset = useAction(async () => {
    await resetTuning(model)
    notify('success', `${model} is loaded as the server’s settings say.`)
    setAsking(false)
    onReset()
  })
  return (
    <Container
      header={
        <Header
          variant="h2"
          actions={
            profile &&
            manages && (
              <Button ariaLabel={`Reset ${model}`} onClick={() => setAsking(true)}>
                Reset
              </Button>
            )
          }
        >
          Profile
        </Header>
      }
    >
      <div className="craton-stack" data-testid="profile">
        {profile ? (
          <>
            {profileText(profile.settings)} – found by <PageLink to={jobPath(model, profile.jobId)}>this tuning</PageLink>
          </>
        ) : (
          'The model is loaded as the server’s settings say.'
        )}
      </div>
      {asking && (
        <ConfirmModal
          title={`Reset ${model}?`}
          confirmLabel="Reset"
          busy={reset.busy}
          error={reset.error}
          onConfirm={() => void reset.run()}
          onDismiss={() => {
            reset.clearError()
            setAsking(false)
          }}
        >
          The model is loaded as the server’s settings say from then on. The reports stay.
        </ConfirmModal>
      )}
    </Container>
  )
}

function Reports({ model, reports }: { model: string; reports: TuningReport[] }) {
  return (
    <Table
      items={reports}
      trackBy="jobId"
      wrapLines
      ariaLabels={{ tableLabel: 'Tunings' }}
      header={
        <Header variant="h2" counter={`(${reports.length})`}>
          Tunings
        </Header>
      }
      empty={
        <Empty title="Not tuned yet">
          Start one here, or run <code>craton models tune {model} --slo p95=2s --workload chat</code>.
        </Empty>
      }
      columnDefinitions={[
        {
          id: 'ended',
          header: 'Ended',
          isRowHeader: true,
          minWidth: 175,
          cell: (report) => (
            <PageLink to={jobPath(model, report.jobId)}>
              <Time iso={report.endedAt} />
            </PageLink>
          ),
        },
        { id: 'workload', header: 'Workload', minWidth: 110, cell: (report) => report.workload },
        { id: 'slo', header: 'Objective', minWidth: 140, cell: (report) => sloText(report.slo) },
        { id: 'met', header: 'Met', minWidth: 80, cell: (report) => (report.met ? 'yes' : 'no') },
        { id: 'gain', header: 'Gain', minWidth: 90, cell: (report) => (report.gain ? `× ${report.gain.median.toFixed(2)}` : 'none') },
        {
          id: 'cost',
          header: 'Seconds for 1,000',
          minWidth: 120,
          cell: (report) => figure(report.points[report.chosen]?.secondsPer1000),
        },
        {
          id: 'chosen',
          header: 'Chosen',
          minWidth: 260,
          cell: (report) => {
            const chosen = report.points[report.chosen]
            return report.chosenIsDefault || !chosen ? 'the default' : profileText(chosen.settings)
          },
        },
      ]}
    />
  )
}
