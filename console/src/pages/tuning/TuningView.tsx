import BreadcrumbGroup from '@cloudscape-design/components/breadcrumb-group'
import Header from '@cloudscape-design/components/header'
import SpaceBetween from '@cloudscape-design/components/space-between'
import { useCallback } from 'react'
import { getTuning } from '../../api/tunings.ts'
import { follow, href } from '../../shell/router.tsx'
import { ErrorAlert } from '../../ui/ErrorAlert.tsx'
import { Loading } from '../../ui/Loading.tsx'
import { useLoad } from '../../ui/useLoad.ts'
import { ReportView } from './ReportView.tsx'
import { Running } from './Running.tsx'
import { modelPath, PATH } from './text.ts'

/** One tuning: how far it is, or what it found. */
export function TuningView({ model, jobId }: { model: string; jobId: string }) {
  const load = useCallback((signal: AbortSignal) => getTuning(model, jobId, signal), [model, jobId])
  const report = useLoad(load)
  // A tuning has its report when it has succeeded.
  const unfinished = report.error?.status === 404
  if (report.loading) return <Loading what="the tuning" />
  return (
    <SpaceBetween size="m">
      <BreadcrumbGroup
        ariaLabel="Tuning"
        items={[
          { text: 'Tuning', href: href(PATH) },
          { text: model, href: href(modelPath(model)) },
          { text: report.value ? 'Report' : 'Under way', href: '#' },
        ]}
        onFollow={follow}
      />
      <Header variant="h1">Tuning of {model}</Header>
      {!unfinished && <ErrorAlert error={report.error} title="Could not read the report" onRetry={report.reload} />}
      {unfinished && <Running model={model} jobId={jobId} onSucceeded={report.reload} />}
      {report.value && <ReportView report={report.value} />}
    </SpaceBetween>
  )
}
