import Alert from '@cloudscape-design/components/alert'
import BreadcrumbGroup from '@cloudscape-design/components/breadcrumb-group'
import Button from '@cloudscape-design/components/button'
import Header from '@cloudscape-design/components/header'
import SpaceBetween from '@cloudscape-design/components/space-between'
import { useCallback, useState } from 'react'
import { describeEndpoint, endpointFigures, marketplaceOf, registerEndpoint, type EndpointFigures } from '../../api/endpoints.ts'
import { listModels } from '../../api/models.ts'
import { useNotify } from '../../shell/Notifications.tsx'
import { follow, href, navigate } from '../../shell/router.tsx'
import { ErrorAlert } from '../../ui/ErrorAlert.tsx'
import { Loading } from '../../ui/Loading.tsx'
import { useAction } from '../../ui/useAction.ts'
import { useLoad } from '../../ui/useLoad.ts'
import { DeleteEndpoint } from './DeleteEndpoint.tsx'
import { EndpointDetailsPanel } from './EndpointDetailsPanel.tsx'
import { remembered, type Moment } from './history.ts'
import { LiveFigures } from './LiveFigures.tsx'
import { NotHere } from './NotHere.tsx'
import { Predictions } from './Predictions.tsx'
import { ScaleModal } from './ScaleModal.tsx'
import { PATH, playgroundPath } from './text.ts'

const REFRESH_MS = 3000

/** One endpoint: what it is, what it is doing, and what can be done with it. */
export function EndpointView({ name }: { name: string }) {
  const [moments, setMoments] = useState<Moment[]>([])
  const endpoint = useLoad(
    useCallback((signal: AbortSignal) => describeEndpoint(name, signal), [name]),
    REFRESH_MS,
  )
  const figures = useLoad(
    useCallback(
      async (signal: AbortSignal): Promise<EndpointFigures> => {
        const now = await endpointFigures(name, signal)
        setMoments((before) => remembered(before, now))
        return now
      },
      [name],
    ),
    REFRESH_MS,
  )
  const arn = endpoint.value?.arn
  const marketplace = useLoad(
    useCallback(async (signal: AbortSignal) => (arn === undefined ? undefined : marketplaceOf(arn, signal)), [arn]),
  )
  const notPulled = figures.value?.notPulled
  const lacking = useLoad(
    useCallback(async () => (notPulled ? (await listModels()).find((card) => card.name === notPulled) : undefined), [notPulled]),
  )
  const [acting, setActing] = useState<'scale' | 'delete'>()
  const notify = useNotify()
  const served = figures.value?.variants[0]?.servedModel
  const register = useAction(async () => {
    const card = (await listModels()).find((one) => one.name === served)
    await registerEndpoint(arn ?? '', card?.jumpstartId ?? served ?? '')
    notify('success', `Bedrock knows ${name}: its ARN is a model id.`)
    marketplace.reload()
  })
  const value = endpoint.value
  // Bedrock, and so the playground, takes the ARN only then.
  const registered = marketplace.value?.status === 'REGISTERED'
  // One that is being deleted is gone one day: that is no error.
  const gone = endpoint.error?.message.includes('Could not find endpoint') ?? false
  if (endpoint.loading) return <Loading what="the endpoint" />
  return (
    <SpaceBetween size="m">
      <BreadcrumbGroup
        ariaLabel="Endpoints"
        items={[
          { text: 'Endpoints', href: href(PATH) },
          { text: name, href: '#' },
        ]}
        onFollow={follow}
      />
      <Header
        variant="h1"
        actions={
          value &&
          !gone && (
            <SpaceBetween direction="horizontal" size="xs">
              <Button disabled={value.status === 'Deleting'} onClick={() => setActing('delete')}>
                Delete
              </Button>
              <Button disabled={value.status !== 'InService'} onClick={() => setActing('scale')}>
                Change instances
              </Button>
              {registered || marketplace.loading ? (
                <Button variant="primary" disabled={value.status !== 'InService'} onClick={() => navigate(playgroundPath(value.arn))}>
                  Open in playground
                </Button>
              ) : (
                <Button disabled={value.status !== 'InService' || !served} loading={register.busy} onClick={() => void register.run()}>
                  Register with Bedrock
                </Button>
              )}
            </SpaceBetween>
          )
        }
      >
        <span className="craton-stack">{name}</span>
      </Header>
      <ErrorAlert error={register.error} title="Bedrock could not be told of the endpoint" onDismiss={register.clearError} />
      {gone && <Alert type="info" header="There is no such endpoint">It was deleted, or never made.</Alert>}
      {!gone && <ErrorAlert error={endpoint.error} title="Could not read the endpoint" onRetry={endpoint.reload} />}
      {value && !gone && (
        <SpaceBetween size="m">
          {value.failure && (
            <Alert type="error" header="The endpoint could not be brought into service">
              <div className="craton-stack" data-testid="failure">
                {value.failure}
              </div>
            </Alert>
          )}
          {lacking.value && <NotHere card={lacking.value} onChange={lacking.reload} />}
          <EndpointDetailsPanel endpoint={value} marketplace={marketplace.value} figures={figures.value} />
          {value.status === 'InService' && <Predictions name={name} />}
          {figures.value && <LiveFigures figures={figures.value} moments={moments} />}
          <ErrorAlert error={figures.error} title="Could not read the figures" onRetry={figures.reload} />
        </SpaceBetween>
      )}
      {acting === 'scale' && value && (
        <ScaleModal
          endpoint={value}
          onDone={() => {
            setActing(undefined)
            endpoint.reload()
          }}
          onDismiss={() => setActing(undefined)}
        />
      )}
      {acting === 'delete' && value && (
        <DeleteEndpoint
          endpoint={value}
          marketplace={marketplace.value}
          onDeleted={() => navigate(PATH)}
          onDismiss={() => setActing(undefined)}
        />
      )}
    </SpaceBetween>
  )
}
