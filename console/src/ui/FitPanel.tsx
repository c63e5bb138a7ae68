import Button from '@cloudscape-design/components/button'
import Select from '@cloudscape-design/components/select'
import FormField from '@cloudscape-design/components/form-field'
import SpaceBetween from '@cloudscape-design/components/space-between'
import StatusIndicator from '@cloudscape-design/components/status-indicator'
import { useCallback, useState } from 'react'
import { getFit } from '../api/fit.ts'
import { ApiError } from '../api/http.ts'
import { ErrorAlert } from './ErrorAlert.tsx'
import { integer } from './format.ts'
import { FitView } from './FitView.tsx'
import { useLoad } from './useLoad.ts'

interface Props {
  name: string
  /** The most tokens of context that the model knows. */
  longest: number | null
  instances?: number
}

const CONTEXTS = [1024, 2048, 4096, 8192, 16_384, 32_768, 65_536, 131_072]
const SLOTS = [1, 2, 4, 8, 16, 32]
const OWN = { value: '', label: 'as the server’s settings say' }

/** The prediction for a model, at a context and a number of requests side by side that can be chosen. */
export function FitPanel({ name, longest, instances = 1 }: Props) {
  const [context, setContext] = useState('')
  const [slots, setSlots] = useState('')
  const load = useCallback(
    (signal: AbortSignal) => getFit(name, { ...numberOf('context', context), ...numberOf('slots', slots) }, signal),
    [name, context, slots],
  )
  const fit = useLoad(load)
  const [measuring, setMeasuring] = useState(false)
  const [failure, setFailure] = useState<ApiError>()
  // What is measured is kept: the prediction for what is chosen now follows from it.
  const measure = async () => {
    setMeasuring(true)
    setFailure(undefined)
    try {
      await getFit(name, { measure: true })
      fit.reload()
    } catch (reason) {
      setFailure(ApiError.from(reason))
    } finally {
      setMeasuring(false)
    }
  }
  const contexts = CONTEXTS.filter((tokens) => longest === null || tokens <= longest)
  return (
    <SpaceBetween size="m">
      {fit.loading && <StatusIndicator type="loading">Predicting</StatusIndicator>}
      {fit.value && <FitView fit={fit.value} instances={instances} />}
      <ErrorAlert error={fit.error} title="Could not predict it" onRetry={fit.reload} />
      <FormField label="Tokens of context">
        <Choice values={contexts} value={context} onChange={setContext} />
      </FormField>
      <FormField label="Requests side by side">
        <Choice values={SLOTS} value={slots} onChange={setSlots} />
      </FormField>
      <Button loading={measuring} onClick={() => void measure()}>
        Measure this machine again
      </Button>
      <ErrorAlert error={failure} title="Could not measure it" />
    </SpaceBetween>
  )
}

function numberOf(key: 'context' | 'slots', text: string): object {
  return text === '' ? {} : { [key]: Number(text) }
}

interface ChoiceProps {
  values: number[]
  value: string
  onChange: (value: string) => void
}

function Choice({ values, value, onChange }: ChoiceProps) {
  const options = [OWN, ...values.map((count) => ({ value: String(count), label: integer(count) }))]
  return (
    <Select
      options={options}
      selectedOption={options.find((option) => option.value === value) ?? OWN}
      onChange={({ detail }) => onChange(detail.selectedOption.value ?? '')}
    />
  )
}
