import Button from '@cloudscape-design/components/button'
import Header from '@cloudscape-design/components/header'
import KeyValuePairs from '@cloudscape-design/components/key-value-pairs'
import Modal from '@cloudscape-design/components/modal'
import Select from '@cloudscape-design/components/select'
import StatusIndicator from '@cloudscape-design/components/status-indicator'
import Table from '@cloudscape-design/components/table'
import TextFilter from '@cloudscape-design/components/text-filter'
import { useCallback, useState } from 'react'
import { listRequests, type RequestRecord } from '../../api/status.ts'
import { Empty } from '../../ui/Empty.tsx'
import { ErrorAlert } from '../../ui/ErrorAlert.tsx'
import { dateTime, milliseconds, recentTime } from '../../ui/format.ts'
import { useLoad } from '../../ui/useLoad.ts'

const REFRESH_MS = 3000
/** Enough to hold some of the programs' requests among the console's own, which refreshes itself. */
const ASKED = 300
const SHOWN = 100

/** The latest requests of the account, newest first. */
export function RequestsTable() {
  const load = useCallback((signal: AbortSignal) => listRequests(ASKED, signal), [])
  const requests = useLoad(load, REFRESH_MS)
  const [filter, setFilter] = useState('')
  const [outcome, setOutcome] = useState('programs')
  const [open, setOpen] = useState<RequestRecord>()

  const all = requests.value ?? []
  const kept = all.filter((request) => CHOICES[outcome]?.test(request)).slice(0, SHOWN)
  const shown = kept.filter((request) => matches(request, filter))
  return (
    <>
      <ErrorAlert error={requests.error} title="Could not list the requests" onRetry={requests.reload} />
      <Table
        items={shown}
        trackBy="requestId"
        variant="container"
        loading={requests.loading}
        loadingText="Loading requests"
        ariaLabels={{ tableLabel: 'Recent requests' }}
        header={
          <Header
            variant="h2"
            counter={requests.value ? `(${shown.length === kept.length ? kept.length : `${shown.length}/${kept.length}`})` : ''}
            description="The latest of this account, kept in memory until the server stops."
            actions={<Button iconName="refresh" ariaLabel="Refresh" onClick={requests.reload} />}
          >
            Recent requests
          </Header>
        }
        filter={
          <div className="craton-filters">
            <TextFilter
              filteringText={filter}
              filteringPlaceholder="Find by operation, model, code or id"
              filteringAriaLabel="Find requests"
              onChange={({ detail }) => setFilter(detail.filteringText)}
            />
            <Select
              ariaLabel="Show"
              selectedOption={{ value: outcome, label: CHOICES[outcome]?.label ?? '' }}
              options={Object.entries(CHOICES).map(([value, { label }]) => ({ value, label }))}
              onChange={({ detail }) => setOutcome(detail.selectedOption.value ?? 'programs')}
            />
          </div>
        }
        empty={kept.length === 0 ? <Empty title="No requests yet" /> : <Empty title="No request matches" />}
        columnDefinitions={[
          { id: 'time', header: 'Time', cell: (request) => recentTime(request.time) },
          {
            id: 'operation',
            header: 'Operation',
            minWidth: 170,
            isRowHeader: true,
            cell: (request) => (
              <Button variant="inline-link" ariaLabel={`Details of ${request.operation}`} onClick={() => setOpen(request)}>
                {request.operation}
              </Button>
            ),
          },
          { id: 'service', header: 'Service', cell: (request) => request.service },
          { id: 'status', header: 'Status', cell: (request) => <Outcome request={request} /> },
          { id: 'duration', header: 'Took', cell: (request) => milliseconds(request.durationMs) },
          { id: 'model', header: 'Answered by', cell: (request) => request.servedBy ?? '–' },
        ]}
      />
      {open && <RequestDetails request={open} onDismiss={() => setOpen(undefined)} />}
    </>
  )
}

function RequestDetails({ request, onDismiss }: { request: RequestRecord; onDismiss: () => void }) {
  return (
    <Modal visible header={request.operation} onDismiss={onDismiss}>
      <KeyValuePairs
        columns={1}
        items={[
          { label: 'Outcome', value: <Outcome request={request} /> },
          { label: 'Service', value: request.service },
          { label: 'Time', value: dateTime(request.time) },
          { label: 'Took', value: milliseconds(request.durationMs) },
          { label: 'Caller', value: <span className="craton-stack">{request.principal}</span> },
          { label: 'Answered by', value: request.servedBy ?? '–' },
          { label: 'Request id', value: <code className="craton-secret">{request.requestId}</code> },
        ]}
      />
    </Modal>
  )
}

function Outcome({ request }: { request: RequestRecord }) {
  if (!failed(request)) return <StatusIndicator type="success">{request.status}</StatusIndicator>
  const text = request.errorCode ? `${request.status} ${request.errorCode}` : String(request.status)
  return <StatusIndicator type={request.status >= 500 ? 'error' : 'warning'}>{text}</StatusIndicator>
}

/** A stream may fail after its 200 was sent: then the code tells. */
function failed(request: RequestRecord): boolean {
  return request.status >= 400 || Boolean(request.errorCode)
}

function matches(request: RequestRecord, filter: string): boolean {
  const wanted = filter.trim().toLowerCase()
  return [request.operation, request.service, request.requestId, request.errorCode, request.servedBy, request.principal]
    .filter((text) => typeof text === 'string')
    .some((text) => text.toLowerCase().includes(wanted))
}

const CHOICES: Record<string, { label: string; test: (request: RequestRecord) => boolean }> = {
  programs: { label: 'AWS and OpenAI', test: (request) => request.service !== 'craton' },
  errors: { label: 'Errors only', test: failed },
  all: { label: "All, with Craton's own", test: () => true },
}
