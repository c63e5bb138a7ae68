import Container from '@cloudscape-design/components/container'
import Header from '@cloudscape-design/components/header'
import KeyValuePairs from '@cloudscape-design/components/key-value-pairs'
import { useCallback } from 'react'
import { endpointFits } from '../../api/endpoints.ts'
import { useLoad } from '../../ui/useLoad.ts'
import { came } from './predicted.ts'

const REFRESH_MS = 15_000

/** How far what was predicted of an endpoint's models is from what came of it. */
export function Predictions({ name }: { name: string }) {
  const fits = useLoad(
    useCallback((signal: AbortSignal) => endpointFits(name, signal), [name]),
    REFRESH_MS,
  )
  const items = (fits.value ?? []).flatMap(({ name: variant, fit }) =>
    came(fit).map(({ label, text }) => ({ label: (fits.value?.length ?? 0) > 1 ? `${label} (${variant})` : label, value: text })),
  )
  if (items.length === 0) return null
  return (
    <Container header={<Header variant="h2" description="Predicted for how it was loaded, and measured since.">Prediction and reality</Header>}>
      <KeyValuePairs columns={3} items={items} />
    </Container>
  )
}
