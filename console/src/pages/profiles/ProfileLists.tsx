import Button from '@cloudscape-design/components/button'
import Header from '@cloudscape-design/components/header'
import Select from '@cloudscape-design/components/select'
import SpaceBetween from '@cloudscape-design/components/space-between'
import Pagination from '@cloudscape-design/components/pagination'
import StatusIndicator from '@cloudscape-design/components/status-indicator'
import Table from '@cloudscape-design/components/table'
import Tabs from '@cloudscape-design/components/tabs'
import TextFilter from '@cloudscape-design/components/text-filter'
import { useState } from 'react'
import { listProfiles, type Profile } from '../../api/profiles.ts'
import { navigate, PageLink } from '../../shell/router.tsx'
import { Aside } from '../../ui/Aside.tsx'
import { Empty } from '../../ui/Empty.tsx'
import { ErrorAlert } from '../../ui/ErrorAlert.tsx'
import { Time } from '../../ui/Time.tsx'
import { useLoad } from '../../ui/useLoad.ts'
import { CreateProfile } from './CreateProfile.tsx'
import { APPLICATION, inForce, modelsOf, PATH, profileHealth, profilePath, routingText } from './routing.ts'

/** How often it is asked how the targets are. */
const REFRESH_MS = 5000
/** There are AWS's profiles of every known model. */
const PAGE = 25

const SHOWN = [
  { value: 'all', label: 'All profiles' },
  { value: 'routed', label: 'Routed' },
]

/** AWS's inference profiles and those of the account, with where their requests are sent. */
export function ProfileLists({ tab }: { tab: 'system' | 'application' }) {
  const profiles = useLoad(listProfiles, REFRESH_MS)
  const [creating, setCreating] = useState(false)
  const all = profiles.value ?? []
  const known = profiles.value !== undefined
  const of = (type: Profile['type']) => all.filter((profile) => profile.type === type)
  return (
    <SpaceBetween size="m">
      <Header
        variant="h1"
        description="Model ids whose requests go to the first target that answers. The regions are your own; the states refresh by themselves."
        actions={
          <Button variant="primary" disabled={!profiles.value} onClick={() => setCreating(true)}>
            Create application profile
          </Button>
        }
      >
        Cross-region inference
      </Header>
      <ErrorAlert error={profiles.error} title="Could not list the inference profiles" onRetry={profiles.reload} />
      <Tabs
        ariaLabel="Inference profiles"
        activeTabId={tab}
        onChange={({ detail }) => navigate(detail.activeTabId === 'application' ? APPLICATION : PATH)}
        tabs={[
          {
            id: 'system',
            label: 'System-defined',
            content: <ProfileTable profiles={of('SYSTEM_DEFINED')} loading={profiles.loading} known={known} title="System-defined inference profiles" />,
          },
          {
            id: 'application',
            label: 'Application',
            content: <ProfileTable profiles={of('APPLICATION')} loading={profiles.loading} known={known} title="Application inference profiles" />,
          },
        ]}
      />
      {creating && <CreateProfile profiles={all} onCreated={(id) => navigate(profilePath(id))} onDismiss={() => setCreating(false)} />}
    </SpaceBetween>
  )
}

interface TableProps {
  profiles: Profile[]
  loading: boolean
  /** Whether the profiles could be listed. */
  known: boolean
  title: string
}

function ProfileTable({ profiles, loading, known, title }: TableProps) {
  const [filter, setFilter] = useState('')
  const [shown, setShown] = useState('all')
  const [page, setPage] = useState(1)
  const wanted = filter.trim().toLowerCase()
  const found = profiles.filter(
    (profile) => (shown === 'all' || inForce(profile) !== null) && `${profile.id} ${profile.name} ${profile.description ?? ''}`.toLowerCase().includes(wanted),
  )
  const pages = Math.max(1, Math.ceil(found.length / PAGE))
  const current = Math.min(page, pages)
  return (
    <Table
      items={found.slice((current - 1) * PAGE, current * PAGE)}
      trackBy="arn"
      wrapLines
      loading={loading}
      loadingText="Loading inference profiles"
      ariaLabels={{ tableLabel: title }}
      header={
        <Header variant="h2" counter={`(${found.length === profiles.length ? found.length : `${found.length}/${profiles.length}`})`}>
          {title}
        </Header>
      }
      filter={
        <div className="craton-filters">
          <TextFilter
            filteringText={filter}
            filteringPlaceholder="Find by name, id or description"
            filteringAriaLabel="Find inference profiles"
            onChange={({ detail }) => {
              setFilter(detail.filteringText)
              setPage(1)
            }}
          />
          <Select
            ariaLabel="Show"
            options={SHOWN}
            selectedOption={SHOWN.find(({ value }) => value === shown) ?? null}
            onChange={({ detail }) => {
              setShown(detail.selectedOption.value ?? 'all')
              setPage(1)
            }}
          />
        </div>
      }
      pagination={
        pages > 1 && (
          <Pagination
            currentPageIndex={current}
            pagesCount={pages}
            ariaLabels={{
              nextPageLabel: 'Next page of profiles',
              previousPageLabel: 'Previous page of profiles',
              pageLabel: (number) => `Page ${number} of profiles`,
            }}
            onChange={({ detail }) => setPage(detail.currentPageIndex)}
          />
        )
      }
      empty={<Empty title={!known ? 'The inference profiles are not known' : profiles.length === 0 ? 'No inference profiles yet' : 'No inference profile matches'} />}
      columnDefinitions={[
        {
          id: 'name',
          header: 'Inference profile',
          isRowHeader: true,
          minWidth: 220,
          cell: (profile) => (
            <>
              <PageLink to={profilePath(profile.id)}>{profile.name}</PageLink>
              <Aside>{profile.id}</Aside>
            </>
          ),
        },
        { id: 'models', header: 'Model', minWidth: 200, cell: (profile) => <span className="craton-stack">{modelsOf(profile).join(', ')}</span> },
        {
          id: 'routing',
          header: 'Routed to',
          minWidth: 150,
          cell: (profile) => (
            <>
              {routingText(inForce(profile))}
              {!profile.routing && profile.inheritedRouting && <Aside>as what it was copied from</Aside>}
            </>
          ),
        },
        { id: 'state', header: 'Targets', minWidth: 150, cell: (profile) => <State profile={profile} /> },
        { id: 'created', header: 'Created', minWidth: 150, cell: ({ createdAt }) => <Time iso={createdAt} /> },
      ]}
    />
  )
}

function State({ profile }: { profile: Profile }) {
  const { type, text } = profileHealth(profile)
  return type === 'info' ? text : <StatusIndicator type={type}>{text}</StatusIndicator>
}
