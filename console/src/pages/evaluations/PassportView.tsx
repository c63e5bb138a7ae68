import Alert from '@cloudscape-design/components/alert'
import Box from '@cloudscape-design/components/box'
import Button from '@cloudscape-design/components/button'
import Container from '@cloudscape-design/components/container'
import ExpandableSection from '@cloudscape-design/components/expandable-section'
import FormField from '@cloudscape-design/components/form-field'
import Header from '@cloudscape-design/components/header'
import KeyValuePairs from '@cloudscape-design/components/key-value-pairs'
import SpaceBetween from '@cloudscape-design/components/space-between'
import { useCallback, useState } from 'react'
import { getPassports, type Interval, type Passport } from '../../api/evaluations.ts'
import { navigate } from '../../shell/router.tsx'
import { CodeBlock } from '../../ui/CodeBlock.tsx'
import { ErrorAlert } from '../../ui/ErrorAlert.tsx'
import { integer } from '../../ui/format.ts'
import { shell } from '../../ui/literals.ts'
import { Loading } from '../../ui/Loading.tsx'
import { useLoad } from '../../ui/useLoad.ts'
import { IntervalBar, MappingPlot } from './Charts.tsx'
import { Crumbs } from './Crumbs.tsx'
import { EXAMPLE } from './labels.ts'
import { metricLabel } from './metrics.ts'
import { ModelSelect } from './ModelSelect.tsx'
import { Status } from './Status.tsx'
import { OUTDATED, passportPath, score, trustOfPassport, TRUSTS, withInterval } from './text.ts'

/** How far a judge agrees with people, metric by metric. */
export function PassportView({ judge }: { judge: string }) {
  const [text, setText] = useState(judge)
  const show = (id: string) => id.trim() !== '' && id.trim() !== judge && navigate(passportPath(id.trim()))
  return (
    <SpaceBetween size="m">
      <Crumbs items={[{ text: 'Judge passport' }]} />
      <Header variant="h1" description="A judge is a model: its agreement with people is measured, and stands beside each score that it gives.">
        Judge passport
      </Header>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          show(text)
        }}
      >
        <FormField label="Judge" secondaryControl={<Button>Show passport</Button>} stretch>
          <ModelSelect label="Judge" value={text} onChange={setText} onSelect={show} />
        </FormField>
      </form>
      {judge !== '' && <Passports key={judge} judge={judge} />}
    </SpaceBetween>
  )
}

function Passports({ judge }: { judge: string }) {
  const passports = useLoad(useCallback((signal: AbortSignal) => getPassports(judge, signal), [judge]))
  if (passports.loading) return <Loading what="the passport" />
  const outdated = passports.value?.filter((passport) => passport.outdated).map(({ metricName }) => metricName) ?? []
  return (
    <SpaceBetween size="m">
      <ErrorAlert error={passports.error} title="Could not read the passport" onRetry={passports.reload} />
      {passports.value?.length === 0 && <Uncalibrated judge={judge} />}
      {outdated.length > 0 && <Outdated judge={judge} metrics={[...new Set(outdated)]} />}
      {passports.value?.map((passport) => <PassportCard key={`${passport.metricName} ${passport.rubric}`} passport={passport} />)}
    </SpaceBetween>
  )
}

function Uncalibrated({ judge }: { judge: string }) {
  return (
    <Alert type="warning" header="It was never compared with people">
      <SpaceBetween size="s">
        <Box>
          Its scores are marked as uncalibrated. Rate at least 20 records of one of its evaluations, and press <b>Calibrate the judge</b> on the page of that
          evaluation, or:
        </Box>
        <CodeBlock label="Commands that calibrate a judge" code={`echo '${EXAMPLE}' >> labels.jsonl\n${calibrating(judge)}`} />
      </SpaceBetween>
    </Alert>
  )
}

/** Of passports that recommend what is no longer used: why, and what to do. */
function Outdated({ judge, metrics }: { judge: string; metrics: string[] }) {
  return (
    <Alert type="warning" header={`The passport is outdated for ${metrics.map(metricLabel).join(', ')}`}>
      <SpaceBetween size="s">
        <Box>
          It recommends a classifier that was fitted by an earlier version of the server, to other features of a score than there are today. Reports don’t use
          it: they no longer tell what people would probably say. Of evaluations of that version it isn’t known either which model judged them: run the
          evaluation that people rated again, press <b>Calibrate the judge</b> on the page of the new one, and give the same labels. Or, with the labels in
          the dataset:
        </Box>
        <CodeBlock label="Commands that calibrate a judge again" code={calibratingAgain(judge)} />
      </SpaceBetween>
    </Alert>
  )
}

const calibrating = (judge: string) => `craton eval calibrate JOB --labels labels.jsonl\ncraton eval passport ${shell(judge)}\n`

const calibratingAgain = (judge: string) =>
  `craton eval calibrate ${shell(judge)} --dataset rated.jsonl \\\n  --to s3://BUCKET/PREFIX/ --role-arn ROLE_ARN\ncraton eval passport ${shell(judge)}\n`

/** Figures from −1 to 1. */
const AGREEMENT: { label: string; of: (passport: Passport) => Interval | null; text: string }[] = [
  { label: 'Quadratic-weighted κ', of: ({ quadraticKappa }) => quadraticKappa, text: 'Agreement beyond chance; a label that is farther off counts more. 1 is perfect, 0 is chance.' },
  { label: 'Cohen’s κ', of: ({ kappa }) => kappa, text: 'Agreement beyond chance, label for label.' },
  { label: 'Spearman’s ρ', of: ({ spearman }) => spearman, text: 'Whether it ranks records as people do.' },
  { label: 'Kendall’s τ-b', of: ({ kendall }) => kendall, text: 'The same by pairs of records.' },
  { label: 'Bias', of: ({ bias }) => bias, text: 'Its expected score less people’s: above 0 it is too kind.' },
  { label: 'Liking for long answers', of: ({ verbosity }) => verbosity, text: 'Whether its error goes with the answer’s length: above 0 it likes long ones.' },
]

function PassportCard({ passport }: { passport: Passport }) {
  const name = metricLabel(passport.metricName)
  const trust = trustOfPassport(passport)
  return (
    <Container
      header={
        <Header variant="h2" description={`${integer(passport.items)} records that people rated, ${passport.labels} labels`}>
          {name}
        </Header>
      }
    >
      <section aria-label={name} data-testid="passport">
        <SpaceBetween size="m">
          <div>
            <Status shown={TRUSTS[trust]} />
            {passport.outdated && (
              <div>
                <Status shown={OUTDATED} />
              </div>
            )}
          </div>
          <KeyValuePairs
            columns={3}
            items={[
              { label: 'Balanced accuracy after calibration', value: <Figure name="Balanced accuracy after calibration" interval={passport.calibrated} from={0} /> },
              { label: 'Who always says the same reaches', value: score(passport.baseline) },
              { label: 'Balanced accuracy as it comes', value: <Figure name="Balanced accuracy" interval={passport.balancedAccuracy} from={0} /> },
            ]}
          />
          <Box>
            {trust === 'usable'
              ? 'Calibrated, it beats whoever always says the same, with an interval that excludes it.'
              : 'Calibrated, it does not surely beat whoever always says the same: its scores say little. Explanations are made of the evidence instead.'}
          </Box>
          <ExpandableSection headerText="Agreement and bias" defaultExpanded>
            <KeyValuePairs
              columns={3}
              items={AGREEMENT.map(({ label, of, text }) => ({
                label,
                value: (
                  <>
                    <Figure name={label} interval={of(passport)} from={-1} />
                    <Box variant="small" color="text-body-secondary">
                      {text}
                    </Box>
                  </>
                ),
              }))}
            />
          </ExpandableSection>
          {(passport.methods ?? []).length > 0 && (
            <ExpandableSection headerText="Ways to a label">
              <Box variant="p">Each was fitted on one half of the records and scored on the other: balanced accuracy, and what it gains over always saying the same.</Box>
              <ul className="craton-list" aria-label={`Ways to a label of ${name}`}>
                {passport.methods?.map(({ method, balancedAccuracy, gain }) => (
                  <li key={method}>
                    {metricLabel(method)}: {withInterval(balancedAccuracy)}, gains {withInterval(gain)}
                    {method === passport.recommended && (passport.outdated ? ' – recommended, but outdated' : ' – recommended')}
                  </li>
                ))}
              </ul>
            </ExpandableSection>
          )}
          {passport.mapping.length > 0 && (
            <ExpandableSection headerText="Calibration">
              <Box variant="p">How probable people’s label is to be at least 1, 2 …, by the judge’s expected score: fitted on one half of the records, scored on the other.</Box>
              <MappingPlot name={name} mapping={passport.mapping} />
            </ExpandableSection>
          )}
        </SpaceBetween>
      </section>
    </Container>
  )
}

function Figure({ name, interval, from }: { name: string; interval: Interval | null; from: number }) {
  return (
    <>
      <div>{interval ? withInterval(interval) : 'cannot be told: one side always says the same'}</div>
      {interval && <IntervalBar name={name} interval={interval} from={from} to={1} />}
    </>
  )
}
