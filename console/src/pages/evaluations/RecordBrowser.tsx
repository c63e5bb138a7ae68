import Alert from '@cloudscape-design/components/alert'
import Box from '@cloudscape-design/components/box'
import Button from '@cloudscape-design/components/button'
import FormField from '@cloudscape-design/components/form-field'
import Header from '@cloudscape-design/components/header'
import Pagination from '@cloudscape-design/components/pagination'
import Select from '@cloudscape-design/components/select'
import SpaceBetween from '@cloudscape-design/components/space-between'
import Table from '@cloudscape-design/components/table'
import TextFilter from '@cloudscape-design/components/text-filter'
import { useCallback, useMemo, useState } from 'react'
import { getReport, listRecords, MOST_RECORDS, type EvaluationDetails, type RecordRow, type Report } from '../../api/evaluations.ts'
import { navigate, PageLink } from '../../shell/router.tsx'
import { Empty } from '../../ui/Empty.tsx'
import { ErrorAlert } from '../../ui/ErrorAlert.tsx'
import { Loading } from '../../ui/Loading.tsx'
import { useLoad } from '../../ui/useLoad.ts'
import { MarkedAnswer } from './MarkedText.tsx'
import { metricLabel, metricOf } from './metrics.ts'
import { cut, filtered, keyOf, placesOf, placeText, resultText, scoreOf, sorted, type RecordFilter } from './records.ts'
import { RecordView } from './RecordView.tsx'
import { TrustLine } from './Status.tsx'
import { recordsPath } from './text.ts'

/** Records that are asked for at first: each brings its passages. */
const FIRST = 100
const PAGE = 20
/** Characters of a text in a row. */
const SHOWN = 220

interface Props {
  id: string
  job: Report
  details: EvaluationDetails | undefined
  metric: string | undefined
  /** The one that is open: `record.turn`. */
  record: string | undefined
}

/** The records of a job, the worst first, with what was asked, found, answered and should have been. */
export function RecordBrowser({ id, job, details, metric, record }: Props) {
  const names = useMemo(() => {
    const asked = details?.evaluationConfig.automated?.datasetMetricConfigs.flatMap(({ metricNames }) => metricNames) ?? []
    const told = job.progress.flatMap(({ metricName }) => (metricName === null ? [] : [metricName]))
    return [...new Set([...asked, ...told])]
  }, [details, job.progress])
  const chosen = metric ?? names[0]
  if (chosen === undefined) return <Loading what="the records" />
  return <Browser key={chosen} id={id} names={names.includes(chosen) ? names : [chosen, ...names]} metric={chosen} record={record} />
}

function Browser({ id, names, metric, record }: { id: string; names: string[]; metric: string; record: string | undefined }) {
  const [limit, setLimit] = useState(FIRST)
  const [page, setPage] = useState(1)
  const [descending, setDescending] = useState(false)
  const [filter, setFilter] = useState<RecordFilter>({ text: '', only: 'all', of: '' })
  const records = useLoad(useCallback((signal: AbortSignal) => listRecords(id, metric, limit, signal), [id, metric, limit]))
  const report = useLoad(useCallback((signal: AbortSignal) => getReport(id, signal), [id]))
  const higherIsWorse = metricOf(metric)?.higherIsWorse ?? false
  const all = records.value ?? []
  const rows = useMemo(() => sorted(filtered(all, filter), metric, higherIsWorse, descending), [all, filter, metric, higherIsWorse, descending])
  const change = (changed: Partial<RecordFilter>) => {
    setFilter((before) => ({ ...before, ...changed }))
    setPage(1)
  }
  if (record !== undefined) {
    const at = rows.findIndex((row) => keyOf(row) === record)
    const row = rows[at]
    const go = (to: number) => rows[to] && navigate(recordsPath(id, metric, keyOf(rows[to])))
    if (records.loading) return <Loading what="the record" />
    return (
      <SpaceBetween size="m">
        <ErrorAlert error={records.error} title="Could not read the records" onRetry={records.reload} />
        <SpaceBetween direction="horizontal" size="xs">
          <Button iconName="arrow-left" onClick={() => navigate(recordsPath(id, metric))}>
            All records
          </Button>
          <Button iconName="angle-left" ariaLabel="The record before" disabled={at <= 0} onClick={() => go(at - 1)} />
          <Button iconName="angle-right" ariaLabel="The next record" disabled={at < 0 || at >= rows.length - 1} onClick={() => go(at + 1)} />
        </SpaceBetween>
        {row ? (
          <RecordView key={keyOf(row)} row={row} report={report.value} metric={metric} />
        ) : (
          records.value && (
            <Alert
              type="warning"
              action={all.length === limit && limit < MOST_RECORDS ? <Button onClick={() => setLimit(MOST_RECORDS)}>Load up to {MOST_RECORDS.toLocaleString('en')}</Button> : undefined}
            >
              The record {record} is not among the {all.length} that are loaded: those with the worst score of {metricLabel(metric)}.
            </Alert>
          )
        )}
      </SpaceBetween>
    )
  }
  const pages = Math.max(1, Math.ceil(rows.length / PAGE))
  const shown = rows.slice((page - 1) * PAGE, page * PAGE)
  const scoreColumn = {
    id: 'score',
    header: metricLabel(metric),
    minWidth: 120,
    sortingField: 'score',
    cell: (row: RecordRow) => <ScoreCell row={row} metric={metric} />,
  }
  const summary = report.value?.results.flatMap(({ card, judge }) => card.metrics.map((one) => ({ ...one, judge }))).find(({ metricName }) => metricName === metric)
  const systems = systemOptions(report.value)
  return (
    <SpaceBetween size="m">
      <ErrorAlert error={records.error} title="Could not read the records" onRetry={records.reload} />
      <Table
        items={shown}
        trackBy={keyOf}
        wrapLines
        loading={records.loading}
        loadingText="Loading records"
        ariaLabels={{ tableLabel: 'Records' }}
        sortingColumn={scoreColumn}
        sortingDescending={descending}
        onSortingChange={({ detail }) => {
          setDescending(detail.isDescending ?? false)
          setPage(1)
        }}
        header={
          <Header
            variant="h2"
            counter={`(${rows.length}${all.length === limit ? '+' : ''})`}
            description={`Those with the ${higherIsWorse ? 'highest' : 'lowest'} score come first. What no passage supports is red with a wavy line, what a rule objects to has a double line.`}
            actions={
              <SpaceBetween direction="horizontal" size="xs">
                <Button iconName="refresh" ariaLabel="Refresh the records" onClick={records.reload} />
                {all.length === limit && limit < MOST_RECORDS && (
                  <Button onClick={() => setLimit(MOST_RECORDS)} loading={records.loading}>
                    Load up to {MOST_RECORDS.toLocaleString('en')}
                  </Button>
                )}
              </SpaceBetween>
            }
          >
            Records
          </Header>
        }
        filter={
          <SpaceBetween size="xs">
            <div className="craton-filters">
              <FormField label="Find">
                <TextFilter filteringText={filter.text} filteringPlaceholder="Words of prompt, answer or ground truth" filteringAriaLabel="Find records" onChange={({ detail }) => change({ text: detail.filteringText })} />
              </FormField>
              <Pick label="Metric" options={names.map((name) => ({ value: name, label: metricLabel(name) }))} value={metric} onChange={(name) => navigate(recordsPath(id, name))} />
              <Pick label="Show" options={ONLY} value={filter.only} onChange={(only) => change({ only: only as RecordFilter['only'] })} />
              {systems.length > 2 && <Pick label="System" options={systems} value={filter.of} onChange={(of) => change({ of })} />}
            </div>
            {summary && <TrustLine calibration={summary.calibration} judge={summary.judge} />}
          </SpaceBetween>
        }
        pagination={
          pages > 1 ? (
            <Pagination
              currentPageIndex={page}
              pagesCount={pages}
              ariaLabels={{ nextPageLabel: 'Next page of records', previousPageLabel: 'Previous page of records', pageLabel: (number) => `Page ${number} of records` }}
              onChange={({ detail }) => setPage(detail.currentPageIndex)}
            />
          ) : undefined
        }
        empty={<Empty title={all.length > 0 ? 'No record matches' : 'There are no records yet'} />}
        columnDefinitions={[
          {
            id: 'record',
            header: 'Record',
            isRowHeader: true,
            minWidth: 90,
            cell: (row) => <PageLink to={recordsPath(id, metric, keyOf(row))}>{placeText(row)}</PageLink>,
          },
          scoreColumn,
          { id: 'input', header: 'Conversation input', minWidth: 190, cell: (row) => <span className="craton-stack">{cut(row.conversationInput, SHOWN)}</span> },
          { id: 'output', header: 'Generation output', minWidth: 220, cell: (row) => <MarkedAnswer row={row} most={SHOWN} /> },
          { id: 'sources', header: 'Retrieved sources', minWidth: 100, cell: ({ retrievedSources }) => retrievedSources },
          { id: 'truth', header: 'Ground truth', minWidth: 180, cell: ({ groundTruth }) => <span className="craton-stack">{groundTruth.length === 0 ? '–' : cut(groundTruth.join('\n'), SHOWN)}</span> },
        ]}
      />
    </SpaceBetween>
  )
}

const ONLY = [
  { value: 'all', label: 'All records' },
  { value: 'unsupported', label: 'With unsupported parts' },
  { value: 'failed', label: 'With errors' },
  { value: 'varied', label: 'With verdicts that change with the wording' },
]

interface PickProps {
  label: string
  options: { value: string; label: string }[]
  value: string
  onChange: (value: string) => void
}

function Pick({ label, options, value, onChange }: PickProps) {
  return (
    <FormField label={label}>
      <Select options={options} selectedOption={options.find((option) => option.value === value) ?? null} onChange={({ detail }) => onChange(detail.selectedOption.value ?? '')} />
    </FormField>
  )
}

function ScoreCell({ row, metric }: { row: RecordRow; metric: string }) {
  const found = scoreOf(row, metric)
  if (!found) return '–'
  return (
    <SpaceBetween size="xxs">
      <Box fontWeight="bold">{resultText(found)}</Box>
      {(found.error ?? found.explanation) !== '' && (
        <Box variant="small" color="text-body-secondary">
          <span className="craton-stack">{cut(found.error ?? found.explanation, 120)}</span>
        </Box>
      )}
    </SpaceBetween>
  )
}

/** Every system on every dataset, in the order of the report: datasets, then systems. */
function systemOptions(report: Report | undefined): { value: string; label: string }[] {
  const sections = report?.results ?? []
  const each = placesOf(sections).map((place, at) => ({
    value: `${place.dataset}.${place.system}`,
    label: `${sections[at]?.system} on ${sections[at]?.dataset}`,
  }))
  return [{ value: '', label: 'All systems' }, ...each]
}
