import Button from '@cloudscape-design/components/button'
import Header from '@cloudscape-design/components/header'
import StatusIndicator from '@cloudscape-design/components/status-indicator'
import Table from '@cloudscape-design/components/table'
import TextFilter from '@cloudscape-design/components/text-filter'
import { useState } from 'react'
import type { EndpointRow } from '../../api/endpoints.ts'
import { navigate, PageLink } from '../../shell/router.tsx'
import { Empty } from '../../ui/Empty.tsx'
import { Time } from '../../ui/Time.tsx'
import { endpointPath, modelName, playgroundPath, statusOf } from './text.ts'

interface Props {
  rows: EndpointRow[]
  loading: boolean
  title: string
}

/** Endpoints with their states. */
export function EndpointList({ rows, loading, title }: Props) {
  const [text, setText] = useState('')
  const wanted = text.trim().toLowerCase()
  const shown = rows.filter(({ name, marketplace }) =>
    [name, marketplace?.modelSourceIdentifier ?? ''].some((field) => field.toLowerCase().includes(wanted)),
  )
  const managed = rows.some((row) => row.marketplace)
  return (
    <Table
      items={shown}
      trackBy="arn"
      loading={loading}
      loadingText="Loading endpoints"
      wrapLines
      ariaLabels={{ tableLabel: title }}
      header={
        <Header variant="h2" counter={shown.length === rows.length ? `(${rows.length})` : `(${shown.length}/${rows.length})`}>
          {title}
        </Header>
      }
      filter={
        rows.length > 0 && (
          <TextFilter
            filteringText={text}
            filteringPlaceholder="Find by name or model"
            filteringAriaLabel={`Find in ${title}`}
            onChange={({ detail }) => setText(detail.filteringText)}
          />
        )
      }
      empty={
        <Empty title={rows.length === 0 ? 'No endpoints' : 'No endpoint matches'}>
          {rows.length === 0 && (
            <>
              Deploy one from the <PageLink to="/models?show=ready">model catalogue</PageLink>, or with{' '}
              <code>craton deploy MODEL</code>.
            </>
          )}
        </Empty>
      }
      columnDefinitions={[
        {
          id: 'name',
          header: 'Endpoint name',
          isRowHeader: true,
          minWidth: 180,
          cell: ({ name }) => (
            <span className="craton-stack">
              <PageLink to={endpointPath(name)}>{name}</PageLink>
            </span>
          ),
        },
        ...(managed
          ? [
              {
                id: 'model',
                header: 'Model name',
                minWidth: 200,
                cell: ({ marketplace }: EndpointRow) => (
                  <span className="craton-stack">{marketplace ? modelName(marketplace.modelSourceIdentifier) : '–'}</span>
                ),
              },
            ]
          : []),
        { id: 'status', header: 'Endpoint status', minWidth: 150, cell: (row) => <Status row={row} /> },
        { id: 'created', header: 'Created', minWidth: 175, cell: ({ createdAt }) => <Time iso={createdAt} /> },
        {
          id: 'actions',
          header: 'Actions',
          minWidth: 160,
          cell: (row) => (
            <Button
              variant="inline-link"
              ariaLabel={`Open ${row.name} in the playground`}
              disabled={row.marketplace?.status !== 'REGISTERED' || (row.status !== 'InService' && row.status !== 'Updating')}
              onClick={() => navigate(playgroundPath(row.arn))}
            >
              Open in playground
            </Button>
          ),
        },
      ]}
    />
  )
}

function Status({ row }: { row: EndpointRow }) {
  const { type, text } = statusOf(row.status)
  return <StatusIndicator type={type}>{text}</StatusIndicator>
}
