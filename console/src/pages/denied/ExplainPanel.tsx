import Button from '@cloudscape-design/components/button'
import Container from '@cloudscape-design/components/container'
import Header from '@cloudscape-design/components/header'
import Input from '@cloudscape-design/components/input'
import SpaceBetween from '@cloudscape-design/components/space-between'
import Table from '@cloudscape-design/components/table'
import { useCallback, useState } from 'react'
import { explain } from '../../api/explain.ts'
import { listRequests } from '../../api/status.ts'
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

/** How many requests are looked through, and how many denials are shown. */
const [REQUESTS, SHOWN] = [1000, 50]

const latest = (signal: AbortSignal) => listRequests(REQUESTS, signal)

function Denials({ onChoose }: { onChoose: (requestId: string) => void }) {
  const requests = useLoad(latest)
  const denials = (requests.value ?? []).filter(({ status, errorCode }) => status === 403 || errorCode?.startsWith('AccessDenied')).slice(0, SHOWN)
  return (
    <Container
      header={
        <Header
          variant="h2"
          description="Among the latest 1,000 requests of this account's principals. Older ones, and those of other accounts for what is yours, are in the audit log."
          actions={<Button iconName="refresh" ariaLabel="Refresh" onClick={requests.reload} />}
        >
          Latest denials
        </Header>
      }
    >
      <ErrorAlert error={requests.error} title="Could not read the latest requests" onRetry={requests.reload} />
      <Table
        items={denials}
        variant="embedded"
        loading={requests.loading}
        ariaLabels={{ tableLabel: 'Latest denials' }}
        empty={<Empty title="Nothing was denied lately" />}
        columnDefinitions={[
          { id: 'time', header: 'Time', minWidth: 175, cell: ({ time }) => <Time iso={time} /> },
          {
            id: 'name',
            header: 'Operation',
            isRowHeader: true,
            minWidth: 200,
            cell: ({ operation, requestId }) => (
              <Button variant="inline-link" ariaLabel={`Explain ${operation}`} onClick={() => onChoose(requestId)}>
                {operation}
              </Button>
            ),
          },
          { id: 'service', header: 'Service', cell: ({ service }) => service },
          { id: 'who', header: 'Who', minWidth: 200, cell: ({ principal }) => <span className="craton-stack">{nameOf(principal)}</span> },
          { id: 'answer', header: 'Answer', cell: ({ status, errorCode }) => errorCode ?? status },
        ]}
      />
    </Container>
  )
}

/** An ARN without what all principals of the account have in common. */
function nameOf(principal: string): string {
  return principal.split(':').slice(5).join(':') || principal
}
