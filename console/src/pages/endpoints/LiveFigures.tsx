import Alert from '@cloudscape-design/components/alert'
import Box from '@cloudscape-design/components/box'
import Container from '@cloudscape-design/components/container'
import Header from '@cloudscape-design/components/header'
import SpaceBetween from '@cloudscape-design/components/space-between'
import Table from '@cloudscape-design/components/table'
import type { EndpointFigures, VariantFigures } from '../../api/endpoints.ts'
import { Aside } from '../../ui/Aside.tsx'
import { integer, milliseconds } from '../../ui/format.ts'
import { Time } from '../../ui/Time.tsx'
import type { Moment } from './history.ts'
import { Sparkline } from './Sparkline.tsx'
import { occupancy, percentiles, percentText } from './text.ts'

interface Props {
  figures: EndpointFigures
  moments: Moment[]
}

/** What an endpoint is doing, and what it did since the page is open. */
export function LiveFigures({ figures, moments }: Props) {
  const of = (name: keyof Moment) => moments.map((moment) => moment[name])
  return (
    <Container
      header={
        <Header variant="h2" description="The figures refresh by themselves; the lines go back to when this page was opened.">
          Live metrics
        </Header>
      }
    >
      <div data-testid="figures">
        <SpaceBetween size="l">
          {figures.variants.filter((one) => one.substituted).map((variant) => (
            <Alert key={variant.name} type="warning" header={`${variant.servedModel ?? 'Another model'} stands in for the model that was named`}>
              {variant.why ?? 'The model that was named is not on this server.'} Every answer names the one that gave it.
            </Alert>
          ))}
          <div className="craton-sparks">
            <Sparkline label="Tokens a second" values={of('tokensPerSecond')} show={(value) => value.toFixed(1)} />
            <Sparkline label="Requests being answered" values={of('running')} show={integer} />
            <Sparkline label="Requests that wait" values={of('queue')} show={integer} />
            <Sparkline label="First token, half within" values={of('firstTokenMs')} show={milliseconds} />
          </div>
          <Variants variants={figures.variants} />
          <Box variant="small" color="text-body-secondary">
            Last used: <Time iso={figures.lastUsedAt} none="not yet" />
          </Box>
        </SpaceBetween>
      </div>
    </Container>
  )
}

function Variants({ variants }: { variants: VariantFigures[] }) {
  return (
    <Table
      items={variants}
      trackBy="name"
      variant="embedded"
      wrapLines
      ariaLabels={{ tableLabel: 'Variants' }}
      columnDefinitions={[
        {
          id: 'name',
          header: 'Variant',
          isRowHeader: true,
          minWidth: 130,
          cell: (one) => (
            <span className="craton-stack">
              {one.name}
              <Aside>{one.servedModel ?? 'no model yet'}</Aside>
            </span>
          ),
        },
        { id: 'instances', header: 'Instances', minWidth: 95, cell: instances },
        { id: 'occupancy', header: 'Places taken', minWidth: 95, cell: occupancy },
        { id: 'hits', header: 'From the cache', minWidth: 90, cell: (one) => percentText(one.cachedTokensShare) },
        { id: 'first', header: 'First token p50, p95, p99', minWidth: 120, cell: (one) => percentiles(one.firstToken) },
        { id: 'latency', header: 'Answer p50, p95, p99', minWidth: 120, cell: (one) => percentiles(one.latency) },
        {
          id: 'calls',
          header: 'Calls',
          minWidth: 110,
          cell: (one) => (
            <>
              {integer(one.invocations)}
              <Aside>
                {integer(one.errors)} failed, {integer(one.throttled)} throttled
              </Aside>
            </>
          ),
        },
      ]}
    />
  )
}

function instances({ instances: now, desiredInstances: wanted }: VariantFigures): string {
  return now === wanted ? integer(now) : `${integer(now)} of ${integer(wanted)}`
}
