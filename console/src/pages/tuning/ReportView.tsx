import Alert from '@cloudscape-design/components/alert'
import Badge from '@cloudscape-design/components/badge'
import Container from '@cloudscape-design/components/container'
import Header from '@cloudscape-design/components/header'
import KeyValuePairs from '@cloudscape-design/components/key-value-pairs'
import SpaceBetween from '@cloudscape-design/components/space-between'
import StatusIndicator from '@cloudscape-design/components/status-indicator'
import Table from '@cloudscape-design/components/table'
import type { TriedWeights, TuningPoint, TuningReport } from '../../api/tunings.ts'
import { bytes, milliseconds } from '../../ui/format.ts'
import { Time } from '../../ui/Time.tsx'
import { shareText as agreementText } from '../models/quantization.ts'
import { ScatterPlot } from './ScatterPlot.tsx'
import { figure, profileText, shareText, sloText, verdict } from './text.ts'

/** What a tuning found: the choice, the plot, the machine's ceilings, every point. */
export function ReportView({ report }: { report: TuningReport }) {
  const { type, title, text } = verdict(report)
  return (
    <SpaceBetween size="m">
      <Alert type={type} header={title}>
        <div className="craton-stack" data-testid="verdict">
          {text}
        </div>
      </Alert>
      {report.underLoad && (
        <Alert type="warning">Other requests were served meanwhile: the figures are those of a machine under load.</Alert>
      )}
      <Container header={<Header variant="h2">Throughput and latency</Header>}>
        <ScatterPlot report={report} />
      </Container>
      <Facts report={report} />
      <Points report={report} />
      {report.weights.length > 1 && <Weights weights={report.weights} />}
    </SpaceBetween>
  )
}

function Facts({ report }: { report: TuningReport }) {
  const { machine } = report
  const chosen = report.points[report.chosen]
  const price = chosen?.pricePer1000
  const speed = (value: number) => `${bytes(value)}/s`
  return (
    <Container header={<Header variant="h2">What was asked, and what the machine gives</Header>}>
      <KeyValuePairs
        columns={3}
        items={[
          { label: 'Workload', value: `${report.workload}, ${report.clients} clients` },
          { label: 'Objective', value: sloText(report.slo) },
          { label: 'Measured', value: `${report.minutes} minutes, ${report.rounds} rounds` },
          {
            label: '1,000 requests take',
            value: `${figure(chosen?.secondsPer1000)} s of this machine${price === null || price === undefined ? '' : `, ${price.toFixed(4)} in money`}`,
          },
          {
            label: 'Memory',
            value:
              machine.memoryBytes === null
                ? '–'
                : `${bytes(machine.memoryBytes)}, ${bytes(machine.memoryBytesPerCore)} for each of ${machine.cores} cores`,
          },
          {
            label: 'Speed of memory',
            value: `${speed(machine.bandwidthBytesPerSecond)} by all cores, ${speed(machine.coreBandwidthBytesPerSecond)} by one`,
          },
          { label: 'Weights that each token reads', value: bytes(report.weightsBytes) },
          {
            label: 'Ceiling of one request',
            value: `${figure(report.decodeCeilingTokensPerSecond)} tokens/s by all cores, ${figure(report.coreDecodeCeilingTokensPerSecond)} by one`,
          },
          { label: 'Ended', value: <Time iso={report.endedAt} /> },
        ]}
      />
    </Container>
  )
}

interface Row extends TuningPoint {
  index: number
}

function Points({ report }: { report: TuningReport }) {
  const rows: Row[] = report.points.map((point, index) => ({ ...point, index }))
  rows.sort((a, b) => (b.measured?.throughput ?? -1) - (a.measured?.throughput ?? -1))
  const measured = (of: (point: NonNullable<Row['measured']>) => string) => (row: Row) => (row.measured ? of(row.measured) : '–')
  return (
    <Table
      items={rows}
      trackBy="index"
      wrapLines
      ariaLabels={{ tableLabel: 'Profiles' }}
      header={
        <Header
          variant="h2"
          counter={`(${rows.length})`}
          description="Bandwidth is the share of the memory’s speed that reading the weights took: near 100 %, more threads help no more."
        >
          Profiles
        </Header>
      }
      columnDefinitions={[
        {
          id: 'profile',
          header: 'Profile',
          isRowHeader: true,
          minWidth: 260,
          cell: (row) => (
            <SpaceBetween size="xxs">
              <Marks row={row} chosen={report.chosen} />
              <span>{profileText(row.settings)}</span>
            </SpaceBetween>
          ),
        },
        { id: 'meets', header: 'Objective', minWidth: 190, cell: (row) => <Standing row={row} /> },
        { id: 'throughput', header: 'Requests/s', minWidth: 110, cell: measured((one) => figure(one.throughput)) },
        { id: 'p50', header: 'p50', minWidth: 90, cell: measured((one) => milliseconds(one.p50Ms)) },
        { id: 'p95', header: 'p95', minWidth: 90, cell: measured((one) => milliseconds(one.p95Ms)) },
        {
          id: 'first',
          header: 'First token p95',
          minWidth: 110,
          cell: measured((one) => (one.firstTokenP95Ms === null ? '–' : milliseconds(one.firstTokenP95Ms))),
        },
        {
          id: 'tokens',
          header: 'Tokens/s of at most',
          minWidth: 140,
          cell: (row) => (row.measured ? `${figure(row.measured.tokensPerSecond)} of ${figure(row.ceilingTokensPerSecond)}` : '–'),
        },
        { id: 'bandwidth', header: 'Bandwidth', minWidth: 100, cell: measured((one) => shareText(one.bandwidthShare)) },
        { id: 'together', header: 'Requests a step', minWidth: 100, cell: measured((one) => figure(one.occupancy)) },
        { id: 'memory', header: 'Memory', minWidth: 100, cell: measured((one) => bytes(one.memoryBytes)) },
        { id: 'cost', header: 'Seconds for 1,000', minWidth: 110, cell: (row) => figure(row.secondsPer1000) },
        ...(report.pricePerHour === null
          ? []
          : [{ id: 'price', header: 'Price of 1,000', minWidth: 110, cell: (row: Row) => row.pricePer1000?.toFixed(4) ?? '–' }]),
      ]}
    />
  )
}

function Marks({ row, chosen }: { row: Row; chosen: number }) {
  return (
    <SpaceBetween direction="horizontal" size="xxs">
      {row.index === chosen && <Badge color="green">Chosen</Badge>}
      {row.index === 0 && <Badge color="blue">Default</Badge>}
      {row.pareto && <Badge>Unbeaten</Badge>}
    </SpaceBetween>
  )
}

function Standing({ row }: { row: Row }) {
  if (row.failed) return <StatusIndicator type="error">{row.failed}</StatusIndicator>
  return row.meets ? <StatusIndicator type="success">Meets it</StatusIndicator> : <StatusIndicator type="stopped">Misses it</StatusIndicator>
}

function Weights({ weights }: { weights: TriedWeights[] }) {
  return (
    <Table
      items={weights}
      trackBy="model"
      wrapLines
      ariaLabels={{ tableLabel: 'Weights that were measured' }}
      header={<Header variant="h2">Weights that were measured</Header>}
      columnDefinitions={[
        { id: 'model', header: 'Model', isRowHeader: true, minWidth: 180, cell: (one) => one.model },
        { id: 'format', header: 'Format', minWidth: 90, cell: (one) => one.format },
        { id: 'bytes', header: 'Bytes', minWidth: 100, cell: (one) => bytes(one.bytes) },
        {
          id: 'labels',
          header: 'Same labels as the model itself',
          minWidth: 220,
          cell: (one) => (one.labelAgreement ? agreementText(one.labelAgreement) : 'it is the model itself'),
        },
        { id: 'file', header: 'File', minWidth: 160, cell: (one) => one.file },
        { id: 'sha', header: 'SHA-256', minWidth: 200, cell: (one) => <code className="craton-secret">{one.sha256}</code> },
      ]}
    />
  )
}
