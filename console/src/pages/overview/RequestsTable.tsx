import Button from '@cloudscape-design/components/button'
import CollectionPreferences from '@cloudscape-design/components/collection-preferences'
import Header from '@cloudscape-design/components/header'
import KeyValuePairs from '@cloudscape-design/components/key-value-pairs'
import Modal from '@cloudscape-design/components/modal'
import Select from '@cloudscape-design/components/select'
import StatusIndicator from '@cloudscape-design/components/status-indicator'
import Table from '@cloudscape-design/components/table'
import TextFilter from '@cloudscape-design/components/text-filter'
import { useCallback, useState } from 'react'
import { listRequests, type RequestRecord } from '../../api/status.ts'
import { PageLink } from '../../shell/router.tsx'
import { Empty } from '../../ui/Empty.tsx'
import { ErrorAlert } from '../../ui/ErrorAlert.tsx'
import { integer, milliseconds } from '../../ui/format.ts'
import { cachedText, measured, stopText } from '../../ui/live.ts'
import { Time } from '../../ui/Time.tsx'
import { useLoad } from '../../ui/useLoad.ts'

const REFRESH_MS = 3000
const SHOWN = 100

/** The latest requests of the account, newest first. */
export function RequestsTable() {
  const load = useCallback((signal: AbortSignal) => listRequests(SHOWN, signal), [])
  const requests = useLoad(load, REFRESH_MS)
  const [filter, setFilter] = useState('')
  const [outcome, setOutcome] = useState('all')
  const [open, setOpen] = useState<RequestRecord>()
  const [columns, setColumns] = useState(readColumns)

  const all = requests.value ?? []
  const shown = all.filter((request) => CHOICES[outcome]?.test(request) && matches(request, filter))
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
            counter={requests.value ? `(${shown.length === all.length ? all.length : `${shown.length}/${all.length}`})` : ''}
            description={`The latest ${SHOWN} of this account, kept in memory until the server stops. What the console only reads of Craton is left out.`}
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
              onChange={({ detail }) => setOutcome(detail.selectedOption.value ?? 'all')}
            />
          </div>
        }
        empty={
          all.length === 0 ? (
            <Empty title="No requests yet">
              Point an AWS SDK or the AWS CLI at this server, or ask something in the{' '}
              <PageLink to="/playground">playground</PageLink>.
            </Empty>
          ) : (
            <Empty title="No request matches" />
          )
        }
        columnDisplay={COLUMNS.map(({ id }) => ({ id, visible: columns.includes(id) }))}
        preferences={
          <CollectionPreferences
            title="Columns"
            confirmLabel="Show"
            cancelLabel="Cancel"
            preferences={{ visibleContent: columns }}
            visibleContentPreference={{
              title: 'Columns of the requests',
              options: [{ label: '', options: COLUMNS.map(({ id, header: label }) => ({ id, label, editable: id !== 'operation' })) }],
            }}
            onConfirm={({ detail }) => {
              const chosen = detail.visibleContent ?? columns
              window.localStorage.setItem(KEY, chosen.join(' '))
              setColumns(chosen)
            }}
          />
        }
        columnDefinitions={[
          { id: 'time', header: 'Time', cell: (request) => <Time iso={request.time} short /> },
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
          { id: 'model', header: 'Answered by', cell: answeredBy },
          { id: 'cached', header: 'From the cache', cell: cachedText },
          { id: 'output', header: 'Tokens written', cell: (request) => integer(request.outputTokens) },
          { id: 'queued', header: 'Waited', cell: (request) => measured(request.queuedMs) },
          { id: 'first', header: 'First token', cell: (request) => measured(request.firstTokenMs) },
          { id: 'stop', header: 'Ended because', cell: (request) => stopText(request.stopReason) },
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
          { label: 'Time', value: <Time iso={request.time} /> },
          { label: 'Took', value: milliseconds(request.durationMs) },
          { label: 'Caller', value: <span className="craton-stack">{request.principal}</span> },
          { label: 'Answered by', value: answeredBy(request) },
          ...(request.promptTokens === null
            ? []
            : [
                { label: 'Tokens of the prompt from the cache', value: cachedText(request) },
                { label: 'Tokens written', value: integer(request.outputTokens) },
                { label: 'Waited for a place', value: measured(request.queuedMs) },
                { label: 'First token after', value: measured(request.firstTokenMs) },
                { label: 'Ended because', value: stopText(request.stopReason) },
              ]),
          { label: 'Request id', value: <code className="craton-secret">{request.requestId}</code> },
          ...(request.status === 403
            ? [
                {
                  label: 'Permissions',
                  value: <PageLink to={`/why-denied?request=${encodeURIComponent(request.requestId)}`}>Why was it refused?</PageLink>,
                },
              ]
            : []),
        ]}
      />
    </Modal>
  )
}

/** The model, and which of its replicas. */
function answeredBy({ servedBy, replica }: RequestRecord): string {
  if (servedBy === null) return '–'
  return replica === null ? servedBy : `${servedBy}, replica ${replica}`
}

/** The columns that can be shown, in their order, and whether they are at first. */
const COLUMNS = [
  { id: 'time', header: 'Time', first: true },
  { id: 'operation', header: 'Operation', first: true },
  { id: 'service', header: 'Service', first: false },
  { id: 'status', header: 'Status', first: true },
  { id: 'duration', header: 'Took', first: true },
  { id: 'model', header: 'Answered by', first: true },
  { id: 'cached', header: 'From the cache', first: true },
  { id: 'output', header: 'Tokens written', first: false },
  { id: 'queued', header: 'Waited', first: true },
  { id: 'first', header: 'First token', first: true },
  { id: 'stop', header: 'Ended because', first: false },
]
const KEY = 'craton.requests.columns'

/** The columns that were chosen in this browser. */
function readColumns(): readonly string[] {
  const kept = window.localStorage.getItem(KEY)
  if (kept === null) return COLUMNS.filter(({ first }) => first).map(({ id }) => id)
  const chosen = kept.split(' ')
  return COLUMNS.map(({ id }) => id).filter((id) => id === 'operation' || chosen.includes(id))
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
  all: { label: 'All requests', test: () => true },
  programs: { label: 'AWS and OpenAI', test: (request) => request.service !== 'craton' },
  errors: { label: 'Errors only', test: failed },
}
