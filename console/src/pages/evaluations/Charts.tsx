import type { Bar, Interval } from '../../api/evaluations.ts'
import { useWidth } from '../../ui/useWidth.ts'
import { BOTTOM, histogram, histogramText, intervalText, place } from './charts.ts'

const HEIGHT = 112

/** How many records have each score. */
export function Histogram({ name, bars }: { name: string; bars: Bar[] }) {
  const [box, width] = useWidth()
  return (
    <div ref={box}>
      <svg className="craton-plot" width={width} height={HEIGHT} role="img" aria-label={histogramText(name, bars)}>
        <line className="craton-plot-grid" x1={0} x2={width} y1={HEIGHT - BOTTOM} y2={HEIGHT - BOTTOM} />
        {histogram(bars, width, HEIGHT).map((bar) => (
          <g key={bar.x}>
            <title>{bar.title}</title>
            <rect className="craton-histogram" x={bar.x} y={bar.y} width={bar.width} height={bar.height} rx={2} />
            {bar.count > 0 && bar.width >= 18 && (
              <text x={bar.x + bar.width / 2} y={bar.y - 4} textAnchor="middle">
                {bar.count}
              </text>
            )}
            <text x={bar.x + bar.width / 2} y={HEIGHT - 4} textAnchor="middle">
              {bar.label}
            </text>
          </g>
        ))}
      </svg>
    </div>
  )
}

interface IntervalProps {
  name: string
  interval: Interval | null
  from?: number
  to?: number
  /** As wide as a column of a table and no wider: a column takes what its content wants. */
  fixed?: boolean
}

const COLUMN = 150

const BAR = 22

/** A figure with its interval of 95 % on a scale; a line marks 0 where the scale goes below it. */
export function IntervalBar({ name, interval, from = 0, to = 1, fixed = false }: IntervalProps) {
  const [box, free] = useWidth()
  const width = fixed ? COLUMN : free
  const inner = width - 12
  const middle = BAR / 2
  const drawn = interval && place(interval, from, to, inner)
  return (
    <div ref={box}>
      <svg className="craton-plot" width={width} height={BAR} role="img" aria-label={intervalText(name, interval)}>
        <g transform="translate(6 0)">
          <line className="craton-interval-scale" x1={0} x2={inner} y1={middle} y2={middle} />
          {from < 0 && <line className="craton-plot-limit" x1={inner / 2} x2={inner / 2} y1={0} y2={BAR} />}
          {drawn && (
            <>
              <line className="craton-interval" x1={drawn.low} x2={drawn.high} y1={middle} y2={middle} />
              <circle className="craton-interval-point" cx={drawn.at} cy={middle} r={5} />
            </>
          )}
        </g>
      </svg>
    </div>
  )
}

const MAPPING_HEIGHT = 180
const MARGIN = { left: 34, right: 10, top: 10, bottom: 34 }

/** What a calibration makes of a judge's expected score: how probable each label, or a higher one, is to people. */
export function MappingPlot({ name, mapping }: { name: string; mapping: [number, number][][] }) {
  const [box, width] = useWidth()
  const x = (value: number) => MARGIN.left + value * (width - MARGIN.left - MARGIN.right)
  const y = (value: number) => MAPPING_HEIGHT - MARGIN.bottom - value * (MAPPING_HEIGHT - MARGIN.top - MARGIN.bottom)
  const marks = [0, 0.5, 1]
  return (
    <div ref={box}>
      <svg className="craton-plot" width={width} height={MAPPING_HEIGHT} role="img" aria-label={`Calibration of ${name}: ${mapping.length} steps from the judge’s expected score to people’s labels`}>
        {marks.map((mark) => (
          <g key={mark}>
            <line className="craton-plot-grid" x1={x(0)} x2={x(1)} y1={y(mark)} y2={y(mark)} />
            <text x={x(0) - 6} y={y(mark) + 4} textAnchor="end">
              {mark.toFixed(1)}
            </text>
            <text x={x(mark)} y={MAPPING_HEIGHT - MARGIN.bottom + 14} textAnchor="middle">
              {mark.toFixed(1)}
            </text>
          </g>
        ))}
        {mapping.map((points, step) => (
          <g key={step}>
            <polyline className="craton-plot-front" points={points.map(([score, probability]) => `${x(score)},${y(probability)}`).join(' ')} />
            {points.length > 0 && (
              <text x={x(points.at(-1)![0]) - 4} y={y(points.at(-1)![1]) + (step % 2 === 0 ? -4 : 12)} textAnchor="end">
                ≥ {step + 1}
              </text>
            )}
          </g>
        ))}
        <text x={x(0.5)} y={MAPPING_HEIGHT - 4} textAnchor="middle">
          expected score of the judge
        </text>
      </svg>
    </div>
  )
}
