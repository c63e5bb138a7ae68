import Button from '@cloudscape-design/components/button'
import Header from '@cloudscape-design/components/header'
import Input from '@cloudscape-design/components/input'
import Modal from '@cloudscape-design/components/modal'
import Select from '@cloudscape-design/components/select'
import SpaceBetween from '@cloudscape-design/components/space-between'
import StatusIndicator from '@cloudscape-design/components/status-indicator'
import Table from '@cloudscape-design/components/table'
import { useCallback, useState } from 'react'
import { isoOf } from '../../api/awsJson.ts'
import { detailsOf, lookupEvents, type Attribute, type TrailEvent, type TrailPage } from '../../api/trail.ts'
import { navigate } from '../../shell/router.tsx'
import { Empty } from '../../ui/Empty.tsx'
import { ErrorAlert } from '../../ui/ErrorAlert.tsx'
import { format } from '../../ui/policyText.ts'
import { Time } from '../../ui/Time.tsx'
import { useAction } from '../../ui/useAction.ts'
import { useLoad } from '../../ui/useLoad.ts'

const ATTRIBUTES: { value: Attribute; label: string }[] = [
  { value: 'EventName', label: 'Operation' },
  { value: 'Username', label: 'User' },
  { value: 'ResourceName', label: 'Resource' },
  { value: 'EventSource', label: 'Service' },
  { value: 'AccessKeyId', label: 'Access key' },
  { value: 'EventId', label: 'Event id' },
]

/** What was done in the account, and what was refused, for 90 days. */
export default function AuditPage() {
  const [attribute, setAttribute] = useState<Attribute>('EventName')
  const [text, setText] = useState('')
  const [sought, setSought] = useState<{ attribute: Attribute; value: string }>()
  const [more, setMore] = useState<TrailPage[]>([])
  const [open, setOpen] = useState<TrailEvent>()
  const first = useLoad(
    useCallback((signal: AbortSignal) => lookupEvents(sought?.attribute, sought?.value ?? '', undefined, signal), [sought]),
  )
  const pages = first.value ? [first.value, ...more] : []
  const next = pages.at(-1)?.next
  const loadMore = useAction(async () => {
    const page = await lookupEvents(sought?.attribute, sought?.value ?? '', next)
    setMore((before) => [...before, page])
  })
  const search = (value: string) => {
    setMore([])
    setSought(value.trim() ? { attribute, value: value.trim() } : undefined)
  }
  return (
    <SpaceBetween size="m">
      <ErrorAlert error={first.error} title="Could not read the audit log" onRetry={first.reload} />
      <ErrorAlert error={loadMore.error} title="Could not read more of the audit log" onDismiss={loadMore.clearError} />
      <Table
        items={pages.flatMap(({ events }) => events)}
        trackBy="EventId"
        variant="full-page"
        loading={first.loading}
        loadingText="Loading events"
        ariaLabels={{ tableLabel: 'Audit log' }}
        header={
          <Header
            variant="h1"
            description="Every decision of the last 90 days, the latest first. CloudTrail's LookupEvents reads the same."
            actions={
              <Button
                iconName="refresh"
                ariaLabel="Refresh"
                onClick={() => {
                  setMore([])
                  first.reload()
                }}
              />
            }
          >
            Audit log
          </Header>
        }
        filter={
          <div className="craton-filters">
            <Input
              type="search"
              value={text}
              placeholder="The whole name"
              ariaLabel="Find events"
              onChange={({ detail }) => {
                setText(detail.value)
                if (detail.value === '') search('')
              }}
              onKeyDown={({ detail }) => detail.key === 'Enter' && search(text)}
            />
            <Select
              ariaLabel="Find by"
              options={ATTRIBUTES}
              selectedOption={ATTRIBUTES.find(({ value }) => value === attribute) ?? null}
              onChange={({ detail }) => setAttribute(detail.selectedOption.value as Attribute)}
            />
            <Button onClick={() => search(text)}>Find</Button>
          </div>
        }
        empty={<Empty title={sought ? 'No event matches' : 'Nothing yet'} />}
        columnDefinitions={[
          { id: 'time', header: 'Time', minWidth: 175, cell: ({ EventTime }) => <Time iso={isoOf(EventTime)} /> },
          {
            id: 'name',
            header: 'Operation',
            isRowHeader: true,
            minWidth: 260,
            cell: (event) => (
              <Button variant="inline-link" ariaLabel={`Details of ${event.EventName}`} onClick={() => setOpen(event)}>
                {event.EventName}
              </Button>
            ),
          },
          { id: 'outcome', header: 'Outcome', cell: (event) => <Outcome event={event} /> },
          { id: 'user', header: 'Who', cell: ({ Username }) => <span className="craton-stack">{Username ?? '–'}</span> },
          { id: 'source', header: 'Service', cell: ({ EventSource }) => EventSource.replace('.amazonaws.com', '') },
          {
            id: 'resource',
            header: 'Resource',
            minWidth: 200,
            cell: ({ Resources }) => <span className="craton-stack">{Resources?.map(({ ResourceName }) => ResourceName).join(', ') || '–'}</span>,
          },
        ]}
        footer={
          next && (
            <Button loading={loadMore.busy} onClick={() => void loadMore.run()}>
              Load more
            </Button>
          )
        }
      />
      {open && <EventDetails event={open} onDismiss={() => setOpen(undefined)} />}
    </SpaceBetween>
  )
}

function Outcome({ event }: { event: TrailEvent }) {
  const { errorCode } = detailsOf(event)
  if (!errorCode) return <StatusIndicator>Allowed</StatusIndicator>
  return <StatusIndicator type="error">Refused</StatusIndicator>
}

function EventDetails({ event, onDismiss }: { event: TrailEvent; onDismiss: () => void }) {
  const { errorCode, requestID } = detailsOf(event)
  return (
    <Modal
      visible
      size="large"
      header={event.EventName}
      onDismiss={onDismiss}
      footer={
        errorCode &&
        requestID && (
          <Button variant="primary" onClick={() => navigate(`/why-denied?request=${encodeURIComponent(requestID)}`)}>
            Why was it refused?
          </Button>
        )
      }
    >
      <pre className="craton-code">{format(event.CloudTrailEvent)}</pre>
    </Modal>
  )
}
