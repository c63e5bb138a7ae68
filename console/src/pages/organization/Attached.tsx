import Button from '@cloudscape-design/components/button'
import Header from '@cloudscape-design/components/header'
import Select from '@cloudscape-design/components/select'
import SpaceBetween from '@cloudscape-design/components/space-between'
import Table from '@cloudscape-design/components/table'
import { useCallback, useState } from 'react'
import {
  attachServicePolicy,
  detachServicePolicy,
  enableServicePolicies,
  listServicePolicies,
  servicePoliciesOf,
  type Node,
} from '../../api/organizations.ts'
import { ErrorAlert } from '../../ui/ErrorAlert.tsx'
import { useAction } from '../../ui/useAction.ts'
import { useLoad } from '../../ui/useLoad.ts'

/** The service control policies attached to an account, a unit or the root. */
export function Attached({ target }: { target: Node }) {
  const attached = useLoad(useCallback((signal: AbortSignal) => servicePoliciesOf(target.id, signal), [target.id]))
  const all = useLoad(listServicePolicies)
  const [chosen, setChosen] = useState<string>()
  const add = useAction(async () => {
    if (!chosen) return
    if (target.kind === 'root') await enableServicePolicies(target.id)
    await attachServicePolicy(chosen, target.id)
    setChosen(undefined)
    attached.reload()
  })
  const remove = useAction(async (id: string) => {
    await detachServicePolicy(id, target.id)
    attached.reload()
  })
  const options = (all.value ?? [])
    .filter(({ Id }) => !attached.value?.some((one) => one.Id === Id))
    .map(({ Id, Name }) => ({ value: Id, label: Name }))
  return (
    <SpaceBetween size="s">
      <ErrorAlert error={attached.error ?? all.error} title="Could not list the policies" onRetry={attached.reload} />
      <ErrorAlert error={add.error} title="Could not attach the policy" onDismiss={add.clearError} />
      <ErrorAlert error={remove.error} title="Could not detach the policy" onDismiss={remove.clearError} />
      <Table
        items={attached.value ?? []}
        trackBy="Id"
        loading={attached.loading}
        ariaLabels={{ tableLabel: 'Attached policies' }}
        header={
          <Header
            variant="h2"
            description="Every level from the root down must allow what an account does."
            actions={
              <SpaceBetween direction="horizontal" size="xs">
                <Select
                  ariaLabel="Policy"
                  options={options}
                  selectedOption={options.find(({ value }) => value === chosen) ?? null}
                  placeholder="Choose a policy"
                  empty="No other policies"
                  onChange={({ detail }) => setChosen(detail.selectedOption.value)}
                />
                <Button disabled={!chosen} loading={add.busy} onClick={() => void add.run()}>
                  Attach
                </Button>
              </SpaceBetween>
            }
          >
            Policies of {target.name || target.id}
          </Header>
        }
        columnDefinitions={[
          { id: 'name', header: 'Policy', isRowHeader: true, cell: ({ Name }) => Name },
          { id: 'description', header: 'Description', cell: ({ Description }) => Description || '–' },
          {
            id: 'actions',
            header: 'Actions',
            cell: ({ Id, Name }) => (
              <Button variant="inline-link" ariaLabel={`Detach ${Name}`} disabled={remove.busy} onClick={() => void remove.run(Id)}>
                Detach
              </Button>
            ),
          },
        ]}
      />
    </SpaceBetween>
  )
}
