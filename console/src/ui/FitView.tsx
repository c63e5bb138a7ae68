import Box from '@cloudscape-design/components/box'
import KeyValuePairs from '@cloudscape-design/components/key-value-pairs'
import SpaceBetween from '@cloudscape-design/components/space-between'
import StatusIndicator from '@cloudscape-design/components/status-indicator'
import type { Fit } from '../api/fit.ts'
import { errorsText, missingBytes, neededBytes, partsOf, speed, verdict } from './fit.ts'
import { bytes, integer } from './format.ts'
import { useWidth } from './useWidth.ts'

interface Props {
  fit: Fit
  instances?: number
}

/** Whether a model fits this machine, what it takes of it, and how fast it will answer. */
export function FitView({ fit, instances = 1 }: Props) {
  const missing = missingBytes(fit, instances)
  return (
    <div data-testid="fit">
      <SpaceBetween size="s">
        <StatusIndicator type={missing > 0 ? 'error' : 'success'}>{verdict(fit, instances)}</StatusIndicator>
        <MemoryBar fit={fit} instances={instances} />
        <KeyValuePairs
          columns={2}
          items={[
            { label: 'Expected reading', value: speed(fit.prefillTokensPerSecond) },
            { label: 'Expected writing', value: speed(fit.decodeTokensPerSecond) },
            ...(fit.measured
              ? [
                  { label: 'Measured', value: measuredText(fit) },
                  { label: 'The prediction missed it by', value: errorsText(fit.measured.errors) },
                ]
              : []),
          ]}
        />
        <Box variant="small" color="text-body-secondary">
          {integer(fit.slots)} {fit.slots === 1 ? 'request' : 'requests'} side by side, each with {integer(fit.context)} tokens of context
          {instances > 1 ? `; ${instances} instances share the weights` : ''}.
          {fit.measured ? '' : ' Predicted from what this machine was measured to do; the model has not answered yet.'}
        </Box>
      </SpaceBetween>
    </div>
  )
}

function measuredText({ measured }: Fit): string {
  const parts = [
    measured?.memoryBytes ? bytes(measured.memoryBytes) : undefined,
    measured?.prefillTokensPerSecond ? `reading ${speed(measured.prefillTokensPerSecond)}` : undefined,
    measured?.decodeTokensPerSecond ? `writing ${speed(measured.decodeTokensPerSecond)}` : undefined,
  ].filter((part) => part !== undefined)
  return parts.join(', ') || '–'
}

const HEIGHT = 20

/** What is taken of the memory there is, as a bar; its legend says the same in words. */
function MemoryBar({ fit, instances }: Required<Props>) {
  const [box, width] = useWidth()
  const parts = partsOf(fit, instances)
  const whole = Math.max(fit.availableBytes, neededBytes(fit, instances), 1)
  const at = (count: number) => (count / whole) * width
  let from = 0
  const placed = parts.map((part) => {
    const x = from
    from += part.bytes
    return { ...part, x }
  })
  const text = parts.map(({ label, bytes: count }) => `${label} ${bytes(count)}`).join(', ')
  return (
    <div ref={box}>
      <svg className="craton-bar" width={width} height={HEIGHT} role="img" aria-label={`${text}, of ${bytes(fit.availableBytes)} available`}>
        <rect className="craton-bar-free" width={at(fit.availableBytes)} height={HEIGHT} rx={4} />
        {placed.map(({ id, x, bytes: count }) => (
          <rect key={id} className={`craton-bar-${id}`} x={at(x)} width={Math.max(at(count), count > 0 ? 1 : 0)} height={HEIGHT} />
        ))}
        {at(fit.availableBytes) < width - 1 && (
          <line className="craton-bar-limit" x1={at(fit.availableBytes)} x2={at(fit.availableBytes)} y1={0} y2={HEIGHT} />
        )}
      </svg>
      <div className="craton-plot-legend">
        {parts.map(({ id, label, bytes: count }) => (
          <span key={id}>
            <Key name={id} />
            {label} {bytes(count)}
          </span>
        ))}
        <span>
          <Key name="free" />
          Available {bytes(fit.availableBytes)}
        </span>
      </div>
    </div>
  )
}

function Key({ name }: { name: string }) {
  return (
    <svg className="craton-bar" width={12} height={12} aria-hidden="true">
      <rect className={`craton-bar-${name}`} width={12} height={12} rx={2} />
    </svg>
  )
}
