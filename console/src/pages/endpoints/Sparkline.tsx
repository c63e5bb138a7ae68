import Box from '@cloudscape-design/components/box'
import { useWidth } from '../../ui/useWidth.ts'
import { line } from './history.ts'

interface Props {
  label: string
  values: (number | null)[]
  /** A value in words. */
  show: (value: number) => string
}

const HEIGHT = 44

/** A figure, and what it was since the page is open. */
export function Sparkline({ label, values, show }: Props) {
  const [box, width] = useWidth()
  const known = values.flatMap((value) => (value === null ? [] : [value]))
  const [now, most] = [values.at(-1) ?? null, Math.max(...known, 0)]
  const text = now === null ? '–' : show(now)
  return (
    <div ref={box}>
      <Box variant="awsui-key-label">{label}</Box>
      <Box fontSize="heading-l" fontWeight="bold">
        {text}
      </Box>
      <svg className="craton-spark" width={width} height={HEIGHT} role="img" aria-label={`${label}: now ${text}, at most ${show(most)}`}>
        <line className="craton-spark-base" x1={0} x2={width} y1={HEIGHT - 0.5} y2={HEIGHT - 0.5} />
        {line(values, width, HEIGHT).map((points) => (
          <polyline key={points} className="craton-spark-line" points={points} />
        ))}
      </svg>
      <Box variant="small" color="text-body-secondary">
        at most {show(most)}
      </Box>
    </div>
  )
}
