import BreadcrumbGroup from '@cloudscape-design/components/breadcrumb-group'
import Button from '@cloudscape-design/components/button'
import Header from '@cloudscape-design/components/header'
import Select from '@cloudscape-design/components/select'
import SpaceBetween from '@cloudscape-design/components/space-between'
import Table from '@cloudscape-design/components/table'
import { useCallback, useState } from 'react'
import { groupsOfUser, joinGroup, leaveGroup, listHolders, usersOfGroup } from '../../api/permissions.ts'
import { follow, href, PageLink } from '../../shell/router.tsx'
import { Empty } from '../../ui/Empty.tsx'
import { ErrorAlert } from '../../ui/ErrorAlert.tsx'
import { useAction } from '../../ui/useAction.ts'
import { useLoad } from '../../ui/useLoad.ts'
import { HolderPolicies } from './HolderPolicies.tsx'
import { holderPath } from './holderPath.ts'

/** One user: its policies and its groups. Its keys have a page of their own. */
export function UserView({ name }: { name: string }) {
  const load = useCallback((signal: AbortSignal) => groupsOfUser(name, signal), [name])
  return (
    <SpaceBetween size="m">
      <Path name={name} />
      <Header variant="h1" actions={<PageLink to="/keys">Access keys</PageLink>}>
        {name}
      </Header>
      <HolderPolicies kind="user" name={name} />
      <Members title="Groups" others="group" load={load} add={(group) => joinGroup(name, group)} remove={(group) => leaveGroup(name, group)} />
    </SpaceBetween>
  )
}

/** One group: its policies and its users. */
export function GroupView({ name }: { name: string }) {
  const load = useCallback((signal: AbortSignal) => usersOfGroup(name, signal), [name])
  return (
    <SpaceBetween size="m">
      <Path name={name} />
      <Header variant="h1">{name}</Header>
      <HolderPolicies kind="group" name={name} />
      <Members title="Users" others="user" load={load} add={(user) => joinGroup(user, name)} remove={(user) => leaveGroup(user, name)} />
    </SpaceBetween>
  )
}

function Path({ name }: { name: string }) {
  return (
    <BreadcrumbGroup
      ariaLabel="Users and groups"
      items={[
        { text: 'Users and groups', href: href('/users') },
        { text: name, href: '#' },
      ]}
      onFollow={follow}
    />
  )
}

interface MembersProps {
  title: string
  /** What is on the other side. */
  others: 'user' | 'group'
  load: (signal: AbortSignal) => Promise<string[]>
  add: (other: string) => Promise<void>
  remove: (other: string) => Promise<void>
}

function Members({ title, others, load, add, remove }: MembersProps) {
  const members = useLoad(load)
  const all = useLoad(useCallback((signal: AbortSignal) => listHolders(others, signal), [others]))
  const [chosen, setChosen] = useState<string>()
  const join = useAction(async () => {
    if (!chosen) return
    await add(chosen)
    setChosen(undefined)
    members.reload()
  })
  const leave = useAction(async (other: string) => {
    await remove(other)
    members.reload()
  })
  const options = (all.value ?? [])
    .filter(({ name }) => !members.value?.includes(name))
    .map(({ name }) => ({ value: name, label: name }))
  return (
    <SpaceBetween size="s">
      <ErrorAlert error={members.error} title={`Could not list the ${others}s`} onRetry={members.reload} />
      <ErrorAlert error={join.error ?? leave.error} title="Could not change the membership" />
      <Table
        items={members.value ?? []}
        loading={members.loading}
        ariaLabels={{ tableLabel: title }}
        header={
          <Header
            variant="h2"
            actions={
              <SpaceBetween direction="horizontal" size="xs">
                <Select
                  ariaLabel={`Choose a ${others}`}
                  options={options}
                  selectedOption={chosen ? { value: chosen, label: chosen } : null}
                  placeholder={`Choose a ${others}`}
                  empty={`No other ${others}s`}
                  onChange={({ detail }) => setChosen(detail.selectedOption.value)}
                />
                <Button disabled={!chosen} loading={join.busy} onClick={() => void join.run()}>
                  Add
                </Button>
              </SpaceBetween>
            }
          >
            {title}
          </Header>
        }
        empty={<Empty title={`No ${others}s`} />}
        columnDefinitions={[
          { id: 'name', header: 'Name', isRowHeader: true, cell: (name) => <PageLink to={holderPath(others, name)}>{name}</PageLink> },
          {
            id: 'actions',
            header: 'Actions',
            cell: (name) => (
              <Button variant="inline-link" ariaLabel={`Remove ${name}`} disabled={leave.busy} onClick={() => void leave.run(name)}>
                Remove
              </Button>
            ),
          },
        ]}
      />
    </SpaceBetween>
  )
}
