import Badge from '@cloudscape-design/components/badge'
import Box from '@cloudscape-design/components/box'
import Button from '@cloudscape-design/components/button'
import Checkbox from '@cloudscape-design/components/checkbox'
import Container from '@cloudscape-design/components/container'
import FormField from '@cloudscape-design/components/form-field'
import Header from '@cloudscape-design/components/header'
import Input from '@cloudscape-design/components/input'
import Select from '@cloudscape-design/components/select'
import SpaceBetween from '@cloudscape-design/components/space-between'
import StatusIndicator from '@cloudscape-design/components/status-indicator'
import { useCallback, useEffect, useState } from 'react'
import { getPassports } from '../../api/evaluations.ts'
import { PageLink } from '../../shell/router.tsx'
import { useLoad } from '../../ui/useLoad.ts'
import { CustomMetric } from './CustomMetric.tsx'
import { optional, type StepProps } from './DetailsStep.tsx'
import { DEFAULT_EMBEDDER, embedderOf, needsJudge, newCustom } from './draft.ts'
import { EmbeddingSelect } from './EmbeddingSelect.tsx'
import { groupsOf, metricLabel, metricOf } from './metrics.ts'
import { ModelSelect } from './ModelSelect.tsx'
import { passportPath, trustOfPassport } from './text.ts'

/** How long after the last keystroke of a model's id its passport is asked for. */
const PAUSE_MS = 400
/** Bedrock takes so many metrics of one's own. */
const MOST_CUSTOM = 10
/** A judge has so many wordings. */
const ASKINGS = [1, 2, 3, 4, 5, 6].map((count) => ({ value: String(count), label: count === 1 ? 'Once' : `${count} times` }))

/** The judge, and what it judges. */
export function MetricsStep({ draft, faults, all, onChange }: StepProps) {
  const groups = groupsOf(draft.kind)
  const toggle = (name: string, on: boolean) => {
    const known = groups.flatMap(({ metrics }) => metrics.map((metric) => metric.name))
    onChange({ metrics: known.filter((one) => (one === name ? on : draft.metrics.includes(one))) })
  }
  return (
    <SpaceBetween size="l">
      <Container
        header={
          <Header variant="h2" description="A model that rates every answer. It chooses among the labels of a metric by their probabilities: nothing is parsed, and the same job gives the same scores.">
            Judge
          </Header>
        }
      >
        <SpaceBetween size="m">
          <FormField label="Judge" errorText={all ? faults.judge : undefined} stretch>
            <ModelSelect label="Judge" value={draft.judge} onChange={(judge) => onChange({ judge })} />
          </FormField>
          {draft.judge.trim() !== '' && <PassportState judge={draft.judge.trim()} metrics={draft.metrics} />}
          {needsJudge(draft) && (
            <FormField label="Askings" description="Asked again in other words, with the labels in the other order, a judge that is sure says the same: the report tells how far it does. Scores stay those of the first asking.">
              <Select
                options={ASKINGS}
                selectedOption={ASKINGS.find(({ value }) => value === String(draft.askings)) ?? null}
                onChange={({ detail }) => onChange({ askings: Number(detail.selectedOption.value) })}
              />
            </FormField>
          )}
          <FormField label={optional('Price of the machine by the hour')} description="To tell what the job cost." errorText={faults.pricePerHour}>
            <Input value={draft.pricePerHour} inputMode="decimal" onChange={({ detail }) => onChange({ pricePerHour: detail.value })} />
          </FormField>
          {!needsJudge(draft) && <Box color="text-body-secondary">The chosen metrics are computed: no judge is asked.</Box>}
        </SpaceBetween>
      </Container>
      <Container header={<Header variant="h2">Metrics</Header>}>
        <SpaceBetween size="m">
          {all && faults.metrics && <StatusIndicator type="error">{faults.metrics}</StatusIndicator>}
          <div className="craton-columns">
            {groups.map(({ group, metrics }) => (
              <div key={group} role="group" aria-label={group}>
                <SpaceBetween size="xs">
                  <Box variant="h3" padding="n">
                    {group}
                  </Box>
                  {metrics.map(({ name, label, description, needs, higherIsWorse }) => (
                    <Checkbox
                      key={name}
                      checked={draft.metrics.includes(name)}
                      description={
                        <>
                          {description}
                          {needs && ` Every record needs ${needs}.`}
                          {higherIsWorse && ' A higher score is worse.'}
                        </>
                      }
                      onChange={({ detail }) => toggle(name, detail.checked)}
                    >
                      {label}
                    </Checkbox>
                  ))}
                </SpaceBetween>
              </div>
            ))}
          </div>
          {embedderOf(draft) !== undefined && (
            <FormField label={optional('Embedding model')} description="Computes the embedding similarity." stretch>
              <EmbeddingSelect label="Embedding model" value={draft.embedder} placeholder={DEFAULT_EMBEDDER} onChange={(embedder) => onChange({ embedder })} />
            </FormField>
          )}
        </SpaceBetween>
      </Container>
      <Container
        header={
          <Header
            variant="h2"
            counter={draft.custom.length > 0 ? `(${draft.custom.length})` : ''}
            description="Metrics of your own: what the judge is told, and the labels that it chooses from."
            actions={
              <Button iconName="add-plus" disabled={draft.custom.length >= MOST_CUSTOM} onClick={() => onChange({ custom: [...draft.custom, newCustom(draft.custom.length + 1)] })}>
                Add custom metric
              </Button>
            }
          >
            Custom metrics
          </Header>
        }
      >
        <SpaceBetween size="l">
          {draft.custom.length === 0 && <Box color="text-body-secondary">None.</Box>}
          {draft.custom.map((custom, at) => (
            <CustomMetric
              key={at}
              number={at + 1}
              custom={custom}
              faults={faults.ofCustom[at] ?? {}}
              onChange={(changed) => onChange({ custom: draft.custom.map((one, place) => (place === at ? { ...one, ...changed } : one)) })}
              onRemove={() => onChange({ custom: draft.custom.filter((_, place) => place !== at) })}
            />
          ))}
          {draft.custom.length > 0 && (
            <FormField label={optional('Judge of the custom metrics')} description="The same judge where nothing is said." stretch>
              <ModelSelect label="Judge of the custom metrics" value={draft.customJudge} onChange={(customJudge) => onChange({ customJudge })} />
            </FormField>
          )}
        </SpaceBetween>
      </Container>
    </SpaceBetween>
  )
}

/** What is known of a judge, before it is chosen for good. */
function PassportState({ judge, metrics }: { judge: string; metrics: string[] }) {
  const [asked, setAsked] = useState(judge)
  useEffect(() => {
    const timer = window.setTimeout(() => setAsked(judge), PAUSE_MS)
    return () => window.clearTimeout(timer)
  }, [judge])
  const passports = useLoad(useCallback((signal: AbortSignal) => getPassports(asked, signal), [asked]))
  if (passports.loading || asked !== judge) return <StatusIndicator type="loading">Reading its passport</StatusIndicator>
  if (passports.error) {
    return (
      <StatusIndicator type="warning" wrapText>
        {passports.error.message}
      </StatusIndicator>
    )
  }
  const known = passports.value ?? []
  const judged = metrics.filter((name) => metricOf(name)?.scale !== undefined)
  const unknown = judged.filter((name) => known.every(({ metricName }) => metricName !== name))
  const outdated = [...new Set(known.filter((passport) => passport.outdated).map(({ metricName }) => metricName))].filter((name) => judged.includes(name))
  return (
    <div data-testid="passport-state">
      <SpaceBetween size="xs">
        {known.length === 0 ? (
          <StatusIndicator type="warning" wrapText>
            Uncalibrated: how far it agrees with people is not known. Its scores will be marked so.
          </StatusIndicator>
        ) : (
          <SpaceBetween direction="horizontal" size="xs">
            {known.map((passport) => {
              const trust = trustOfPassport(passport)
              return (
                <Badge key={`${passport.metricName} ${passport.rubric}`} color={trust === 'usable' ? 'green' : 'red'}>
                  {metricLabel(passport.metricName)}: {passport.usable ? 'usable' : 'not usable'}
                </Badge>
              )
            })}
          </SpaceBetween>
        )}
        {known.length > 0 && unknown.length > 0 && (
          <StatusIndicator type="warning" wrapText>
            Uncalibrated for {unknown.map(metricLabel).join(', ')}
          </StatusIndicator>
        )}
        {outdated.length > 0 && (
          <StatusIndicator type="warning" wrapText>
            Outdated for {outdated.map(metricLabel).join(', ')}: run the evaluation that people rated again, and calibrate the judge by the new job
          </StatusIndicator>
        )}
        <Box variant="small">
          <PageLink to={passportPath(judge)}>Passport of the judge</PageLink>
        </Box>
      </SpaceBetween>
    </div>
  )
}
