import Alert from '@cloudscape-design/components/alert'
import Box from '@cloudscape-design/components/box'
import Button from '@cloudscape-design/components/button'
import SpaceBetween from '@cloudscape-design/components/space-between'
import { useState } from 'react'
import { checkDataset, type DatasetCheck as Check } from '../../api/evaluations.ts'
import { ErrorAlert } from '../../ui/ErrorAlert.tsx'
import { integer } from '../../ui/format.ts'
import { useAction } from '../../ui/useAction.ts'
import type { Draft } from './draft.ts'
import { datasetCheckOf } from './request.ts'
import { namedText } from './text.ts'

/** Looks at the dataset as the job would, and tells what is wrong, line by line. */
export function DatasetCheck({ draft, good }: { draft: Draft; good: boolean }) {
  const request = datasetCheckOf(draft)
  const key = JSON.stringify(request)
  const [found, setFound] = useState<{ key: string; check: Check }>()
  const check = useAction(async () => setFound({ key, check: await checkDataset(request) }))
  const [asked, setAsked] = useState<string>()
  const told = found?.key === key ? found.check : undefined
  const start = () => {
    setAsked(key)
    void check.run()
  }
  return (
    <SpaceBetween size="xs">
      <Button loading={check.busy} disabled={!good} onClick={start}>
        Check the dataset
      </Button>
      <ErrorAlert error={asked === key ? check.error : undefined} title="The dataset could not be checked" onDismiss={check.clearError} />
      {told && <Told check={told} />}
    </SpaceBetween>
  )
}

function Told({ check }: { check: Check }) {
  return (
    <SpaceBetween size="xs">
      <Found check={check} />
      {check.customMetrics?.map(({ metricName, variables }) => (
        <Box key={metricName} variant="small">
          {namedText(metricName, variables)}
        </Box>
      ))}
    </SpaceBetween>
  )
}

function Found({ check: { records, problems } }: { check: Check }) {
  const count = `${integer(records)} ${records === 1 ? 'record' : 'records'}`
  if (problems.length === 0) {
    return (
      <Alert type="success">
        <span data-testid="dataset-check">{count}: the job can read all of them.</span>
      </Alert>
    )
  }
  return (
    <Alert type="error" header={`${count}, and ${problems.length < MOST ? integer(problems.length) : `${MOST} or more`} ${problems.length === 1 ? 'problem' : 'problems'}`}>
      <div data-testid="dataset-check">
        <ul className="craton-list" aria-label="Problems of the dataset">
          {problems.map(({ line, message }, at) => (
            <li key={at} className="craton-stack">
              {message}
              {line !== null && !message.includes(`ine ${line} `) && <Box variant="small">Line {line}</Box>}
            </li>
          ))}
        </ul>
      </div>
    </Alert>
  )
}

/** The server tells so many. */
const MOST = 100
