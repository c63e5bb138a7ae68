import type { TuningReport } from '../../api/tunings.ts'
import { milliseconds } from '../../ui/format.ts'
import { useWidth } from '../../ui/useWidth.ts'
import { axis, dotsOf, front, summary, type Dot } from './chart.ts'
import { figure, profileText } from './text.ts'

const HEIGHT = 320
const MARGIN = { top: 16, right: 20, bottom: 44, left: 56 }

/** Throughput against latency: a mark for each profile, the front joined. The table beside it says the same. */
export function ScatterPlot({ report }: { report: TuningReport }) {
  const [box, width] = useWidth()
  const dots = dotsOf(report)
  const limit = report.slo.p95Ms
  const most = (values: number[]) => Math.max(...values, 0) * 1.05
  const shownLimit = limit !== null && limit <= 2 * most(dots.map((dot) => dot.p95Ms)) ? limit : null
  const x = axis(most([...dots.map((dot) => dot.p95Ms), shownLimit ?? 0]), MARGIN.left, width - MARGIN.right, width < 500 ? 3 : 6)
  const y = axis(most(dots.map((dot) => dot.throughput)), HEIGHT - MARGIN.bottom, MARGIN.top, 5)
  const line = front(dots).map((dot) => `${x.at(dot.p95Ms)},${y.at(dot.throughput)}`)
  // Those that matter are drawn last, above the others.
  const ordered = [...dots].sort((a, b) => RANK[a.role] - RANK[b.role])
  return (
    <div ref={box}>
      <svg className="craton-plot" width={width} height={HEIGHT} role="img" aria-label={summary(report)}>
        {y.ticks.map((tick) => (
          <g key={`y${tick}`}>
            <line className="craton-plot-grid" x1={MARGIN.left} x2={width - MARGIN.right} y1={y.at(tick)} y2={y.at(tick)} />
            <text x={MARGIN.left - 8} y={y.at(tick) + 4} textAnchor="end">
              {tick}
            </text>
          </g>
        ))}
        {x.ticks.map((tick) => (
          <text key={`x${tick}`} x={x.at(tick)} y={HEIGHT - MARGIN.bottom + 18} textAnchor="middle">
            {milliseconds(tick)}
          </text>
        ))}
        <text x={(MARGIN.left + width - MARGIN.right) / 2} y={HEIGHT - 6} textAnchor="middle">
          p95 latency
        </text>
        <text transform={`translate(14 ${(HEIGHT - MARGIN.bottom + MARGIN.top) / 2}) rotate(-90)`} textAnchor="middle">
          requests a second
        </text>
        {shownLimit !== null && (
          <g>
            <line className="craton-plot-limit" x1={x.at(shownLimit)} x2={x.at(shownLimit)} y1={MARGIN.top} y2={HEIGHT - MARGIN.bottom} />
            <text x={x.at(shownLimit) - 4} y={MARGIN.top + 10} textAnchor="end">
              objective
            </text>
          </g>
        )}
        <polyline className="craton-plot-front" points={line.join(' ')} />
        {ordered.map((dot) => (
          <g key={dot.index} className={`craton-plot-${dot.role}`} data-meets={dot.meets} data-testid={`dot-${dot.role}`}>
            <title>{`${titleOf(dot)}: ${figure(dot.throughput)} requests a second, p95 ${milliseconds(dot.p95Ms)}. ${profileText(report.points[dot.index]!.settings)}`}</title>
            <Mark role={dot.role} x={x.at(dot.p95Ms)} y={y.at(dot.throughput)} />
          </g>
        ))}
      </svg>
      <div className="craton-plot-legend">
        {report.chosen !== 0 && <Key role="default" text="Default" />}
        <Key role="chosen" text={report.chosen === 0 ? 'Chosen: the default' : 'Chosen'} />
        <Key role="other" text="Other profiles; hollow ones miss the objective" />
        <span>
          <svg className="craton-plot" width={24} height={14} aria-hidden="true">
            <line className="craton-plot-front" x1={0} x2={24} y1={7} y2={7} />
          </svg>
          Nothing is both faster and quicker to answer
        </span>
      </div>
    </div>
  )
}

const RANK = { other: 0, default: 1, chosen: 2 }

function titleOf({ role }: Dot): string {
  return role === 'other' ? 'Profile' : role === 'chosen' ? 'Chosen' : 'Default'
}

/** A circle, a square for the default and a diamond for the chosen one: told apart without colours. */
function Mark({ role, x, y }: { role: Dot['role']; x: number; y: number }) {
  if (role === 'other') return <circle cx={x} cy={y} r={4.5} />
  if (role === 'default') return <rect x={x - 6} y={y - 6} width={12} height={12} />
  return <polygon points={`${x},${y - 9} ${x + 9},${y} ${x},${y + 9} ${x - 9},${y}`} />
}

function Key({ role, text }: { role: Dot['role']; text: string }) {
  return (
    <span>
      <svg className="craton-plot" width={20} height={20} aria-hidden="true">
        <g className={`craton-plot-${role}`} data-meets="true">
          <Mark role={role} x={10} y={10} />
        </g>
      </svg>
      {text}
    </span>
  )
}
