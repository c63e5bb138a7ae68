import Box from '@cloudscape-design/components/box'
import Button from '@cloudscape-design/components/button'
import Container from '@cloudscape-design/components/container'
import Header from '@cloudscape-design/components/header'
import KeyValuePairs from '@cloudscape-design/components/key-value-pairs'
import Link from '@cloudscape-design/components/link'
import SpaceBetween from '@cloudscape-design/components/space-between'
import StatusIndicator, { type StatusIndicatorProps } from '@cloudscape-design/components/status-indicator'
import { useEffect, useEffectEvent, useState } from 'react'
import { checkImport, type Check, type CheckpointFacts, type CheckResult, type ImportRequest } from '../../api/imports.ts'
import { ApiError, isAbort } from '../../api/http.ts'
import { href } from '../../shell/router.tsx'
import { ErrorAlert } from '../../ui/ErrorAlert.tsx'
import { bytes, integer, parameters } from '../../ui/format.ts'
import { Loading } from '../../ui/Loading.tsx'
import { Findings } from './Findings.tsx'

interface Props {
  request: ImportRequest
  onResult: (result: CheckResult) => void
}

/** Everything that an import does before it copies, done now. */
export function ChecksStep({ request, onResult }: Props) {
  const [result, setResult] = useState<CheckResult>()
  const [error, setError] = useState<ApiError>()
  const [busy, setBusy] = useState(true)
  const [round, setRound] = useState(0)
  const answered = useEffectEvent((latest: CheckResult) => {
    setResult(latest)
    onResult(latest)
  })
  useEffect(() => {
    const stop = new AbortController()
    setBusy(true)
    setError(undefined)
    checkImport(request, stop.signal)
      .then((latest) => answered(latest))
      .catch((reason: unknown) => {
        if (!isAbort(reason)) setError(ApiError.from(reason))
      })
      .finally(() => {
        if (!stop.signal.aborted) setBusy(false)
      })
    return () => stop.abort()
  }, [request, round])

  return (
    <SpaceBetween size="l">
      <ErrorAlert error={error} title="Could not check the import" />
      <Container
        header={
          <Header
            variant="h2"
            description={advice(result, busy)}
            actions={
              <Button iconName="refresh" loading={busy} onClick={() => setRound((number) => number + 1)}>
                Check again
              </Button>
            }
          >
            {verdict(result, busy)}
          </Header>
        }
      >
        {result ? (
          <SpaceBetween size="m">
            {result.checks.map((check) => (
              <OneCheck key={check.name} check={check} />
            ))}
          </SpaceBetween>
        ) : (
          busy && <Loading what="the checks: each is really tried" />
        )}
      </Container>
      {result?.report && (
        <Container header={<Header variant="h2" description="What the import doctor says of the files.">Checkpoint</Header>}>
          <SpaceBetween size="l">
            <Findings report={result.report} />
            {result.model && <Facts model={result.model} />}
          </SpaceBetween>
        </Container>
      )}
    </SpaceBetween>
  )
}

function OneCheck({ check: { name, title, outcome, message, hint, requestId } }: { check: Check }) {
  return (
    <div data-testid={`check-${name}`} data-outcome={outcome} className="craton-stack">
      <StatusIndicator type={OUTCOMES[outcome].type} iconAriaLabel={OUTCOMES[outcome].word} wrapText>
        {title}
      </StatusIndicator>
      {(message ?? hint ?? requestId) !== null && (
        <div className="craton-check">
          {message && <div>{message}</div>}
          {hint && <Box color="text-body-secondary">{hint}</Box>}
          {requestId && (
            <Link href={href(`/why-denied?request=${encodeURIComponent(requestId)}`)} external externalIconAriaLabel="opens in a new tab">
              Why was it denied?
            </Link>
          )}
        </div>
      )}
    </div>
  )
}

function Facts({ model }: { model: CheckpointFacts }) {
  return (
    <KeyValuePairs
      columns={3}
      items={[
        { label: 'Architecture', value: model.class },
        { label: 'Parameters', value: parameters(model.parameters) },
        { label: 'Weights', value: `${bytes(model.sourceBytes)}${model.dtype ? ` in ${model.dtype}` : ''}` },
        { label: 'Layers and width', value: `${integer(model.layers)} × ${integer(model.hidden)}` },
        { label: 'Context', value: `${integer(model.contextLength)} tokens` },
        { label: 'Becomes', value: model.modelBytes > 0 ? bytes(model.modelBytes) : '–' },
        { label: 'Memory when loaded', value: bytes(model.memoryBytes) },
      ]}
    />
  )
}

function verdict(result: CheckResult | undefined, busy: boolean): string {
  if (busy) return 'Checking'
  if (!result) return 'Not checked'
  if (result.passes) return 'All checks passed'
  const failed = result.checks.filter(({ outcome }) => outcome === 'failed').length
  return failed === 1 ? 'One check failed' : `${failed} checks failed`
}

function advice(result: CheckResult | undefined, busy: boolean): string {
  if (busy || !result) return ''
  if (result.passes) return 'Everything that the import needs is there.'
  return 'Change what is named, then check again: policies take effect at once.'
}

const OUTCOMES: Record<Check['outcome'], { type: StatusIndicatorProps.Type; word: string }> = {
  passed: { type: 'success', word: 'Passed' },
  failed: { type: 'error', word: 'Failed' },
  skipped: { type: 'stopped', word: 'Skipped' },
}
