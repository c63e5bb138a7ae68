import Alert from '@cloudscape-design/components/alert'
import BreadcrumbGroup from '@cloudscape-design/components/breadcrumb-group'
import Button from '@cloudscape-design/components/button'
import Container from '@cloudscape-design/components/container'
import Header from '@cloudscape-design/components/header'
import KeyValuePairs from '@cloudscape-design/components/key-value-pairs'
import SpaceBetween from '@cloudscape-design/components/space-between'
import StatusIndicator from '@cloudscape-design/components/status-indicator'
import Table from '@cloudscape-design/components/table'
import { useCallback, useState } from 'react'
import { deleteProfile, getProfile, unrouteProfile, type Profile, type RouteTarget, type TargetState } from '../../api/profiles.ts'
import { useNotify } from '../../shell/Notifications.tsx'
import { follow, href, navigate, PageLink } from '../../shell/router.tsx'
import { ConfirmModal } from '../../ui/ConfirmModal.tsx'
import { Empty } from '../../ui/Empty.tsx'
import { ErrorAlert } from '../../ui/ErrorAlert.tsx'
import { Loading } from '../../ui/Loading.tsx'
import { Time } from '../../ui/Time.tsx'
import { useAction } from '../../ui/useAction.ts'
import { useLoad } from '../../ui/useLoad.ts'
import { RoutingModal } from './RoutingModal.tsx'
import { APPLICATION, inForce, modelOf, PATH, profilePath, targetHealth } from './routing.ts'

/** How often it is asked how the targets are. */
const REFRESH_MS = 2000

/** One inference profile: what it is of, where its requests are sent, and whether anybody answers there. */
export function ProfileView({ id }: { id: string }) {
  const profile = useLoad(
    useCallback((signal: AbortSignal) => getProfile(id, signal), [id]),
    REFRESH_MS,
  )
  const { value } = profile
  if (profile.loading) return <Loading what="the inference profile" />
  return (
    <SpaceBetween size="m">
      <BreadcrumbGroup
        ariaLabel="Cross-region inference"
        items={[
          { text: 'Cross-region inference', href: href(value?.type === 'APPLICATION' ? APPLICATION : PATH) },
          { text: value?.name ?? id, href: '#' },
        ]}
        onFollow={follow}
      />
      <ErrorAlert error={profile.error} title="Could not read the inference profile" onRetry={profile.reload} />
      {value && <Details profile={value} onChange={profile.reload} />}
    </SpaceBetween>
  )
}

function Details({ profile, onChange }: { profile: Profile; onChange: () => void }) {
  const [acting, setActing] = useState<'route' | 'unroute' | 'delete'>()
  const notify = useNotify()
  const unroute = useAction(async () => {
    await unrouteProfile(profile.id)
    notify('success', `${profile.name} is not routed any more.`)
    setActing(undefined)
    onChange()
  })
  const remove = useAction(async () => {
    await deleteProfile(profile.id)
    notify('success', `The inference profile ${profile.name} was deleted.`)
    navigate(APPLICATION)
  })
  const dismiss = () => {
    unroute.clearError()
    remove.clearError()
    setActing(undefined)
  }
  return (
    <SpaceBetween size="m">
      <Header
        variant="h1"
        description={profile.description ?? ''}
        actions={
          <SpaceBetween direction="horizontal" size="xs">
            {profile.type === 'APPLICATION' && <Button onClick={() => setActing('delete')}>Delete</Button>}
            {profile.routing && <Button onClick={() => setActing('unroute')}>Remove routing</Button>}
            <Button onClick={() => navigate(`/playground?model=${encodeURIComponent(profile.id)}`)}>Open in playground</Button>
            <Button variant="primary" onClick={() => setActing('route')}>
              Edit routing
            </Button>
          </SpaceBetween>
        }
      >
        <span className="craton-stack">{profile.name}</span>
      </Header>
      <Facts profile={profile} />
      <Targets profile={profile} />
      {acting === 'route' && (
        <RoutingModal
          profile={profile}
          onSaved={() => {
            notify('success', `${profile.name} is routed.`)
            setActing(undefined)
            onChange()
          }}
          onDismiss={dismiss}
        />
      )}
      {acting === 'unroute' && (
        <ConfirmModal title="Remove the routing?" confirmLabel="Remove" busy={unroute.busy} error={unroute.error} onConfirm={() => void unroute.run()} onDismiss={dismiss}>
          {profile.inheritedRouting
            ? 'Its requests are then sent where those of the profile are sent that it was copied from.'
            : 'What answers for its model then answers for the profile.'}
        </ConfirmModal>
      )}
      {acting === 'delete' && (
        <ConfirmModal title={`Delete ${profile.name}?`} confirmLabel="Delete" busy={remove.busy} error={remove.error} onConfirm={() => void remove.run()} onDismiss={dismiss}>
          Requests that name it fail. Its routing and its tags go with it.
        </ConfirmModal>
      )}
    </SpaceBetween>
  )
}

function Facts({ profile }: { profile: Profile }) {
  const code = (text: string) => <code className="craton-secret">{text}</code>
  const { copiedFrom } = profile
  const source = copiedFrom?.includes(':inference-profile/') ? <PageLink to={profilePath(modelOf(copiedFrom))}>{modelOf(copiedFrom)}</PageLink> : copiedFrom && code(copiedFrom)
  return (
    <Container header={<Header variant="h2">Inference profile</Header>}>
      <SpaceBetween size="l">
        <KeyValuePairs
          columns={3}
          items={[
            { label: 'Type', value: profile.type === 'APPLICATION' ? 'Application' : 'System-defined' },
            { label: 'Created', value: <Time iso={profile.createdAt} none="by AWS" /> },
            { label: 'Changed', value: <Time iso={profile.updatedAt} /> },
            ...(source ? [{ label: 'Made of', value: source }] : []),
            { label: 'Tags', value: profile.tags.map(({ key, value }) => `${key} = ${value}`).join(', ') || 'none' },
          ]}
        />
        <KeyValuePairs
          columns={1}
          items={[
            { label: 'Inference profile ID', value: code(profile.id) },
            { label: 'ARN', value: code(profile.arn) },
            {
              label: 'Models',
              value: (
                <div className="craton-stack">
                  {profile.models.map((arn) => (
                    <div key={arn}>{arn}</div>
                  ))}
                </div>
              ),
            },
            {
              label: 'On the command line',
              value: code(`craton models profile route ${profile.id} --to REGION=TARGET`),
            },
          ]}
        />
      </SpaceBetween>
    </Container>
  )
}

interface Row extends RouteTarget {
  place: number
}

function Targets({ profile }: { profile: Profile }) {
  const routing = inForce(profile)
  const rows = (routing?.targets ?? []).map((target, at): Row => ({ ...target, place: at + 1 }))
  const inherits = !profile.routing && profile.inheritedRouting !== null && profile.copiedFrom !== null
  const order = routing?.weighted ? 'Each request draws who is asked first, by weight.' : 'Asked in this order, until one has begun to answer.'
  return (
    <SpaceBetween size="m">
      {inherits && (
        <Alert type="info">
          It is not routed itself: these are the targets of <PageLink to={profilePath(modelOf(profile.copiedFrom ?? ''))}>{modelOf(profile.copiedFrom ?? '')}</PageLink>.
        </Alert>
      )}
      <Table
        items={rows}
        trackBy={({ place }) => String(place)}
        wrapLines
        ariaLabels={{ tableLabel: 'Targets' }}
        header={
          <Header variant="h2" counter={`(${rows.length})`} {...(rows.length > 0 ? { description: order } : {})}>
            Targets
          </Header>
        }
        empty={
          <Empty title="Not routed">
            What answers for its model answers: see <PageLink to="/aliases">Model aliases</PageLink>.
          </Empty>
        }
        columnDefinitions={[
          { id: 'region', header: 'Region', isRowHeader: true, minWidth: 120, cell: ({ region }) => region },
          { id: 'target', header: 'Target', minWidth: 180, cell: ({ target }) => <Target target={target} /> },
          ...(routing?.weighted ? [{ id: 'weight', header: 'Weight', minWidth: 80, cell: ({ weight }: Row) => weight }] : []),
          { id: 'state', header: 'State', minWidth: 140, cell: ({ state }) => <State state={state} /> },
          { id: 'answers', header: 'Answered by', minWidth: 180, cell: ({ state }) => <span className="craton-stack">{state?.answers ?? '–'}</span> },
          { id: 'detail', header: 'Why', minWidth: 200, cell: ({ state }) => state?.detail ?? '–' },
        ]}
      />
    </SpaceBetween>
  )
}

function Target({ target }: { target: string }) {
  return target.startsWith('pool:') ? <PageLink to="/pools">{target}</PageLink> : <span className="craton-stack">{target}</span>
}

function State({ state }: { state: TargetState | null }) {
  const { type, text } = targetHealth(state)
  return <StatusIndicator type={type}>{text}</StatusIndicator>
}
