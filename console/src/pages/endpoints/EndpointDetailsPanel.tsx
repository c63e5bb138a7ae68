import Container from '@cloudscape-design/components/container'
import Header from '@cloudscape-design/components/header'
import KeyValuePairs from '@cloudscape-design/components/key-value-pairs'
import StatusIndicator from '@cloudscape-design/components/status-indicator'
import type { EndpointDetails, EndpointFigures, MarketplaceRow } from '../../api/endpoints.ts'
import { Time } from '../../ui/Time.tsx'
import { answering, modelName, scalingText, statusOf } from './text.ts'

interface Props {
  endpoint: EndpointDetails
  marketplace: MarketplaceRow | undefined
  figures: EndpointFigures | undefined
}

/** What an endpoint was made to be. */
export function EndpointDetailsPanel({ endpoint, marketplace, figures }: Props) {
  const { type, text } = statusOf(endpoint.status)
  const scaling = scalingText(endpoint)
  const configured = endpoint.configured[0]
  return (
    <Container header={<Header variant="h2">Details</Header>}>
      <KeyValuePairs
        columns={3}
        items={[
          { label: 'Status', value: <StatusIndicator type={type}>{text}</StatusIndicator> },
          {
            label: 'Model name',
            value: (
              <span className="craton-stack">
                {marketplace ? modelName(marketplace.modelSourceIdentifier) : (configured?.ModelName ?? figures?.variants[0]?.model ?? '–')}
              </span>
            ),
          },
          { label: 'Answered by', value: <span className="craton-stack">{answering(figures)}</span> },
          { label: 'Instances', value: scaling ? `${instances(endpoint)}, by themselves ${scaling}` : instances(endpoint) },
          { label: 'Instance type', value: configured?.InstanceType ?? '–' },
          { label: 'Bedrock', value: registration(marketplace) },
          { label: 'Created', value: <Time iso={endpoint.createdAt} /> },
          { label: 'Changed', value: <Time iso={endpoint.modifiedAt} /> },
          { label: 'ARN', value: <code className="craton-secret">{endpoint.arn}</code> },
        ]}
      />
    </Container>
  )
}

function instances({ variants }: EndpointDetails): string {
  return variants
    .map(({ CurrentInstanceCount: now = 0, DesiredInstanceCount: wanted = now }) => (now === wanted ? `${now}` : `${now} of ${wanted}`))
    .join(', ') || '–'
}

function registration(marketplace: MarketplaceRow | undefined): string {
  if (!marketplace) return 'not registered: InvokeEndpoint only'
  if (marketplace.status === 'REGISTERED') return 'registered: its ARN is a model id'
  return marketplace.statusMessage ?? 'not compatible'
}
