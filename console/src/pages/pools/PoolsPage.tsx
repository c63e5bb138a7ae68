import Box from '@cloudscape-design/components/box'
import Button from '@cloudscape-design/components/button'
import ExpandableSection from '@cloudscape-design/components/expandable-section'
import Header from '@cloudscape-design/components/header'
import SpaceBetween from '@cloudscape-design/components/space-between'
import StatusIndicator from '@cloudscape-design/components/status-indicator'
import Table from '@cloudscape-design/components/table'
import { useState } from 'react'
import { deletePool, listPools, type Pool, type PoolMember } from '../../api/pools.ts'
import { useNotify } from '../../shell/Notifications.tsx'
import { useSession } from '../../shell/SessionContext.tsx'
import { ConfirmModal } from '../../ui/ConfirmModal.tsx'
import { Empty } from '../../ui/Empty.tsx'
import { ErrorAlert } from '../../ui/ErrorAlert.tsx'
import { integer, milliseconds } from '../../ui/format.ts'
import { useAction } from '../../ui/useAction.ts'
import { useLoad } from '../../ui/useLoad.ts'
import { health, poolHealth } from './members.ts'
import { PoolModal } from './PoolModal.tsx'

/** How often the members' state is asked for. */
const REFRESH_MS = 2000

/** Pools of OpenAI-compatible servers and what their members are doing. */
export default function PoolsPage() {
  const pools = useLoad(listPools, REFRESH_MS)
  const { managesDeployment } = useSession()
  const notify = useNotify()
  const [editing, setEditing] = useState<Pool | 'new'>()
  const [removing, setRemoving] = useState<Pool>()
  const remove = useAction(async (pool: Pool) => {
    await deletePool(pool.name)
    notify('success', `The pool ${pool.name} was removed.`)
    setRemoving(undefined)
    pools.reload()
  })
  return (
    <SpaceBetween size="m">
      <ErrorAlert error={pools.error} title="Could not list the pools" onRetry={pools.reload} />
      <Header
        variant="h1"
        counter={pools.value ? `(${pools.value.length})` : ''}
        description="Several OpenAI-compatible servers as one model: the least loaded answers, another where it fails. The figures refresh by themselves."
        actions={
          <Button disabled={!managesDeployment} onClick={() => setEditing('new')}>
            Add pool
          </Button>
        }
      >
        Pools
      </Header>
      {pools.loading && <StatusIndicator type="loading">Loading pools</StatusIndicator>}
      {pools.value?.length === 0 && <Empty title="No pools" />}
      {pools.value?.map((pool) => (
        <PoolSection
          key={pool.name}
          pool={pool}
          editable={managesDeployment}
          onChange={() => setEditing(pool)}
          onRemove={() => setRemoving(pool)}
        />
      ))}
      {editing && (
        <PoolModal
          pool={editing === 'new' ? undefined : editing}
          onSaved={(name) => {
            setEditing(undefined)
            notify('success', `The pool ${name} is set. An alias lets it answer: pool:${name}.`)
            pools.reload()
          }}
          onDismiss={() => setEditing(undefined)}
        />
      )}
      {removing && (
        <ConfirmModal
          title="Remove the pool?"
          confirmLabel="Remove"
          busy={remove.busy}
          error={remove.error}
          onConfirm={() => void remove.run(removing)}
          onDismiss={() => {
            remove.clearError()
            setRemoving(undefined)
          }}
        >
          Requests that <b>{removing.name}</b> is answering go on; no further one is sent to its members.
        </ConfirmModal>
      )}
    </SpaceBetween>
  )
}

interface SectionProps {
  pool: Pool
  editable: boolean
  onChange: () => void
  onRemove: () => void
}

function PoolSection({ pool, editable, onChange, onRemove }: SectionProps) {
  const state = poolHealth(pool)
  return (
    <ExpandableSection
      variant="container"
      defaultExpanded
      headerText={pool.name}
      headerDescription={`${count(pool.queued)} requests wait; up to ${integer(pool.maxQueue)} of an account may`}
      headerInfo={<StatusIndicator type={state.type}>{state.text}</StatusIndicator>}
      headerActions={
        <SpaceBetween direction="horizontal" size="xs">
          <Button disabled={!editable} ariaLabel={`Change ${pool.name}`} onClick={onChange}>
            Change
          </Button>
          <Button disabled={!editable} ariaLabel={`Remove ${pool.name}`} onClick={onRemove}>
            Remove
          </Button>
        </SpaceBetween>
      }
    >
      <Members pool={pool} />
    </ExpandableSection>
  )
}

/** A count, or a dash where another account's pools do not tell it. */
function count(number: number | null): string {
  return number === null ? '–' : integer(number)
}

function Members({ pool }: { pool: Pool }) {
  return (
    <Table
      items={pool.members}
      variant="embedded"
      wrapLines
      ariaLabels={{ tableLabel: `Members of ${pool.name}` }}
      columnDefinitions={[
        { id: 'url', header: 'Member', isRowHeader: true, minWidth: 180, cell: (member) => <Name member={member} /> },
        { id: 'health', header: 'State', minWidth: 140, cell: (member) => <Health member={member} /> },
        { id: 'weight', header: 'Weight', cell: (member) => integer(member.weight) },
        {
          id: 'flight',
          header: 'In flight',
          cell: (member) => `${count(member.inFlight)} of ${integer(member.maxInFlight)}`,
        },
        {
          id: 'failed',
          header: 'Failed',
          cell: (member) => `${count(member.failures)} of ${count(member.requests)}`,
        },
        {
          id: 'first',
          header: 'First token',
          cell: (member) => (member.firstTokenMillis === null ? '–' : milliseconds(Math.round(member.firstTokenMillis))),
        },
      ]}
    />
  )
}

function Name({ member }: { member: PoolMember }) {
  return (
    <>
      <span className="craton-stack">{member.baseUrl}</span>
      <Box variant="small" color="text-body-secondary">
        {member.model}
        {member.region ? `, ${member.region}` : ''}
      </Box>
    </>
  )
}

function Health({ member }: { member: PoolMember }) {
  const { type, text } = health(member)
  return (
    <>
      <StatusIndicator type={type}>{text}</StatusIndicator>
      {type === 'error' && member.lastError && <Box variant="small">{member.lastError}</Box>}
    </>
  )
}
