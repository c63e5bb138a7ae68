import Badge from '@cloudscape-design/components/badge'
import BreadcrumbGroup from '@cloudscape-design/components/breadcrumb-group'
import Button from '@cloudscape-design/components/button'
import Container from '@cloudscape-design/components/container'
import Header from '@cloudscape-design/components/header'
import KeyValuePairs from '@cloudscape-design/components/key-value-pairs'
import SpaceBetween from '@cloudscape-design/components/space-between'
import Table from '@cloudscape-design/components/table'
import { useCallback, useState } from 'react'
import {
  entitiesOf,
  getPolicy,
  listPolicyVersions,
  policyDocument,
  savePolicy,
  setDefaultVersion,
} from '../../api/permissions.ts'
import { follow, href, PageLink } from '../../shell/router.tsx'
import { Empty } from '../../ui/Empty.tsx'
import { ErrorAlert } from '../../ui/ErrorAlert.tsx'
import { label } from '../../ui/format.ts'
import { PolicyPanel } from '../../ui/PolicyPanel.tsx'
import { Time } from '../../ui/Time.tsx'
import { useAction } from '../../ui/useAction.ts'
import { useLoad } from '../../ui/useLoad.ts'
import { holderPath } from '../users/holderPath.ts'

/** One managed policy: its document, its versions, who has it. */
export function PolicyView({ arn }: { arn: string }) {
  const policy = useLoad(useCallback((signal: AbortSignal) => getPolicy(arn, signal), [arn]))
  const versions = useLoad(useCallback((signal: AbortSignal) => listPolicyVersions(arn, signal), [arn]))
  const entities = useLoad(useCallback((signal: AbortSignal) => entitiesOf(arn, signal), [arn]))
  const [chosen, setChosen] = useState<string>()
  const shown = chosen ?? policy.value?.defaultVersion
  const load = useCallback(
    async (signal: AbortSignal) => (shown ? policyDocument(arn, shown, signal) : ''),
    [arn, shown],
  )
  const reload = () => {
    setChosen(undefined)
    policy.reload()
    versions.reload()
  }
  const use = useAction(async (version: string) => {
    await setDefaultVersion(arn, version)
    reload()
  })
  const known = policy.value
  const name = known?.name ?? arn.split('/').pop() ?? arn
  return (
    <SpaceBetween size="m">
      <BreadcrumbGroup
        ariaLabel="Policies"
        items={[
          { text: 'Policies', href: href('/policies') },
          { text: name, href: '#' },
        ]}
        onFollow={follow}
      />
      <ErrorAlert error={policy.error ?? versions.error} title="Could not read the policy" onRetry={reload} />
      <ErrorAlert error={use.error} title="Could not change the default version" onDismiss={use.clearError} />
      <Container header={<Header variant="h1">{name}</Header>}>
        <KeyValuePairs
          columns={3}
          items={[
            { label: 'ARN', value: <code className="craton-secret">{arn}</code> },
            { label: 'Description', value: known?.description || '–' },
            { label: 'Changed', value: <Time iso={known?.updatedAt} /> },
          ]}
        />
      </Container>
      {known && shown && (
        <PolicyPanel
          key={shown}
          title="Policy document"
          type="identity"
          description={known.managedByAws ? 'AWS manages this policy: it cannot be changed.' : `Version ${shown}. Saving makes a new default version; five are kept.`}
          load={load}
          {...(known.managedByAws
            ? {}
            : {
                save: async (text: string) => {
                  await savePolicy(arn, text)
                  reload()
                },
              })}
        />
      )}
      <Table
        items={versions.value ?? []}
        trackBy="id"
        loading={versions.loading}
        ariaLabels={{ tableLabel: 'Versions' }}
        header={<Header variant="h2">Versions</Header>}
        columnDefinitions={[
          {
            id: 'id',
            header: 'Version',
            isRowHeader: true,
            cell: (version) => (
              <SpaceBetween direction="horizontal" size="xs">
                <Button variant="inline-link" onClick={() => setChosen(version.id)}>
                  {version.id}
                </Button>
                {version.isDefault && <Badge color="blue">Default</Badge>}
              </SpaceBetween>
            ),
          },
          { id: 'created', header: 'Created', cell: (version) => <Time iso={version.createdAt} /> },
          {
            id: 'actions',
            header: 'Actions',
            cell: (version) =>
              version.isDefault || known?.managedByAws ? (
                '–'
              ) : (
                <Button variant="inline-link" disabled={use.busy} onClick={() => void use.run(version.id)}>
                  Make default
                </Button>
              ),
          },
        ]}
      />
      <Table
        items={entities.value ?? []}
        loading={entities.loading}
        ariaLabels={{ tableLabel: 'Attached to' }}
        header={<Header variant="h2">Attached to</Header>}
        empty={<Empty title="Attached to nobody" />}
        columnDefinitions={[
          {
            id: 'name',
            header: 'Name',
            isRowHeader: true,
            cell: ({ kind, name }) => <PageLink to={holderPath(kind, name)}>{name}</PageLink>,
          },
          { id: 'kind', header: 'Kind', cell: ({ kind }) => label(kind) },
        ]}
      />
    </SpaceBetween>
  )
}
