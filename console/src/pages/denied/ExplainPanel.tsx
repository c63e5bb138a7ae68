import Button from '@cloudscape-design/components/button'
import Container from '@cloudscape-design/components/container'
import Header from '@cloudscape-design/components/header'
import Input from '@cloudscape-design/components/input'
import SpaceBetween from '@cloudscape-design/components/space-between'
import Table from '@cloudscape-design/components/table'
import { useCallback, useState } from 'react'
import { isoOf } from '../../api/awsJson.ts'
import { explain } from '../../api/explain.ts'
import { detailsOf, lookupEvents } from '../../api/trail.ts'
import { navigate, useRoute } from '../../shell/router.tsx'
import { Empty } from '../../ui/Empty.tsx'
import { ErrorAlert } from '../../ui/ErrorAlert.tsx'
import { Loading } from '../../ui/Loading.tsx'
import { Time } from '../../ui/Time.tsx'
import { useLoad } from '../../ui/useLoad.ts'
import { ExplanationView } from './ExplanationView.tsx'

/** Asks for a request id or a token, offers the latest denials, and explains. */
export function ExplainPanel() {
  const { query } = useRoute()
  const asked = query.get('request') ?? ''
  const [text, setText] = useState(asked)
  const show = (id: string) => navigate(`/why-denied?request=${encodeURIComponent(id.trim())}`)
  return (
    <SpaceBetween size="m">
      <div className="craton-filters">
        <Input
          value={text}
          spellcheck={false}
          ariaLabel="Request id or token"
          placeholder="The id of a request, or a token from another account"
          onChange={({ detail }) => setText(detail.value)}
          onKeyDown={({ detail }) => detail.key === 'Enter' && text.trim() !== '' && show(text)}
        />
        <Button variant="primary" disabled={text.trim() === ''} onClick={() => show(text)}>
          Explain
        </Button>
      </div>
      {asked ? (
        <Explained key={asked} id={asked} />
      ) : (
        <Denials
          onChoose={(id) => {
            setText(id)
            show(id)
          }}
        />
      )}
    </SpaceBetween>
  )
}

function Explained({ id }: { id: string }) {
  const explanation = useLoad(useCallback((signal: AbortSignal) => explain(id, signal), [id]))
  if (explanation.loading) return <Loading what="the explanation" />
  return (
    <>
      <ErrorAlert error={explanation.error} title="Could not explain the request" onRetry={explanation.reload} />
      {explanation.value && <ExplanationView explanation={explanation.value} onRetry={explanation.reload} />}
    </>
  )
}

const latest = (signal: AbortSignal) => lookupEvents(undefined, '', undefined, signal)

function Denials({ onChoose }: { onChoose: (requestId: string) => void }) {
  const events = useLoad(latest)
  const denials = (events.value?.events ?? [])
    .map((event) => ({ event, details: detailsOf(event) }))
    .filter(({ details }) => details.errorCode !== undefined && details.requestID !== undefined)
  return (
    <Container header={<Header variant="h2" description="Of the latest 50 events.">Latest denials</Header>}>
      <ErrorAlert error={events.error} title="Could not read the audit log" onRetry={events.reload} />
      <Table
        items={denials}
        variant="embedded"
        loading={events.loading}
        ariaLabels={{ tableLabel: 'Latest denials' }}
        empty={<Empty title="Nothing was denied lately" />}
        columnDefinitions={[
          { id: 'time', header: 'Time', minWidth: 175, cell: ({ event }) => <Time iso={isoOf(event.EventTime)} /> },
          {
            id: 'name',
            header: 'Operation',
            isRowHeader: true,
            cell: ({ event, details }) => (
              <Button variant="inline-link" ariaLabel={`Explain ${event.EventName}`} onClick={() => onChoose(details.requestID ?? '')}>
                {event.EventName}
              </Button>
            ),
          },
          { id: 'who', header: 'Who', cell: ({ event }) => event.Username ?? '–' },
          { id: 'why', header: 'Message', cell: ({ details }) => <span className="craton-stack">{details.errorMessage ?? '–'}</span> },
        ]}
      />
    </Container>
  )
}
