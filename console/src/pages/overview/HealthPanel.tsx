import Box from '@cloudscape-design/components/box'
import Container from '@cloudscape-design/components/container'
import CopyToClipboard from '@cloudscape-design/components/copy-to-clipboard'
import ExpandableSection from '@cloudscape-design/components/expandable-section'
import Header from '@cloudscape-design/components/header'
import KeyValuePairs from '@cloudscape-design/components/key-value-pairs'
import ProgressBar from '@cloudscape-design/components/progress-bar'
import SpaceBetween from '@cloudscape-design/components/space-between'
import StatusIndicator from '@cloudscape-design/components/status-indicator'
import type { Status } from '../../api/status.ts'
import { PageLink } from '../../shell/router.tsx'
import { bytes, duration, integer, label } from '../../ui/format.ts'
import { gpuText, loadingText } from '../../ui/live.ts'

interface Props {
  status: Status
  /** False once the server has stopped answering. */
  current: boolean
}

export function HealthPanel({ status, current }: Props) {
  const { memory } = status
  return (
    <Container header={<Header variant="h2">Server</Header>}>
      <SpaceBetween size="l">
        <KeyValuePairs
          columns={4}
          items={[
            {
              label: 'Health',
              value: current ? (
                <StatusIndicator type="success">Answering</StatusIndicator>
              ) : (
                <StatusIndicator type="warning">Last known figures</StatusIndicator>
              ),
            },
            { label: 'Up for', value: duration(status.uptimeSeconds) },
            { label: 'Version', value: status.version },
            { label: 'Region', value: status.region },
            {
              label: 'Endpoint',
              value: (
                <CopyToClipboard
                  variant="inline"
                  textToCopy={window.location.origin}
                  copyButtonAriaLabel="Copy the endpoint"
                  copySuccessText="Copied"
                  copyErrorText="The browser did not allow copying"
                />
              ),
            },
            { label: 'Process memory', value: bytes(memory.residentBytes) },
            {
              label: 'Model aliases',
              value: (
                <PageLink to="/aliases">
                  {status.aliases.total} in force{status.aliases.set > 0 && `, ${status.aliases.set} set here`}
                </PageLink>
              ),
            },
            {
              label: 'Recommended model',
              value: status.recommendedModel ? (
                <PageLink to={`/models?model=${encodeURIComponent(status.recommendedModel)}`}>
                  {status.recommendedModel}
                </PageLink>
              ) : (
                '–'
              ),
            },
          ]}
        />
        {memory.budgetBytes !== null && memory.budgetBytes > 0 && (
          <ProgressBar
            label="Memory for models"
            value={Math.min(100, (100 * memory.usedBytes) / memory.budgetBytes)}
            description={`${bytes(memory.usedBytes)} of ${bytes(memory.budgetBytes)}; the model used least recently makes room for a new one.`}
          />
        )}
        {status.prefixSnapshots !== null && (
          <Box>Beginnings of prompts on disk: {bytes(status.prefixSnapshots.bytes)}</Box>
        )}
        <ExpandableSection headerText="Settings in force">
          <KeyValuePairs
            columns={4}
            items={[
              { label: 'Listens on', value: status.listen },
              { label: 'Data directory', value: <span className="craton-stack">{status.dataDir}</span> },
              { label: 'Model files', value: <span className="craton-stack">{status.modelsDir}</span> },
              ...Object.entries(status.engine).map(([name, value]) => ({
                label: name === 'name' ? 'Engine' : label(name),
                value: value === 0 ? 'automatic' : String(value ?? '–'),
              })),
              { label: 'Models are loaded with', value: loadingText(status.loading) },
              { label: 'Requests of an account that may wait', value: integer(status.loading.queue) },
              { label: 'Memory for prompts’ beginnings', value: bytes(status.loading.prefixCacheBytes) },
              { label: 'Layers on GPUs', value: gpuText(status.loading) },
            ]}
          />
        </ExpandableSection>
      </SpaceBetween>
    </Container>
  )
}
