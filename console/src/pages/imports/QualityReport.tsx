import Box from '@cloudscape-design/components/box'
import Container from '@cloudscape-design/components/container'
import Header from '@cloudscape-design/components/header'
import KeyValuePairs from '@cloudscape-design/components/key-value-pairs'
import SpaceBetween from '@cloudscape-design/components/space-between'
import type { ImportedModel } from '../../api/imports.ts'
import { milliseconds } from '../../ui/format.ts'
import { shareText } from '../models/quantization.ts'
import { changeText, figure, perplexityText, share } from './quality.ts'

/** What was measured of the model while it was imported, and the first thing that it said. */
export function QualityReport({ model: { card, instruct } }: { model: ImportedModel }) {
  const { quality, trial, quantization } = card
  const items = [
    ...(quality ? [{ label: 'Perplexity', value: <Figure text={figure(quality.perplexity)} /> }] : []),
    ...(quality?.exact
      ? [
          { label: `Perplexity as it came (${quality.exact.format})`, value: <Figure text={figure(quality.exact.perplexity)} /> },
          { label: 'Same next token', value: <Figure text={share(quality.exact.agreement)} /> },
          ...(quality.exact.comparison && quality.exact.comparison.labelAgreement.of > 0
            ? [{ label: 'Same label', value: <Figure text={shareText(quality.exact.comparison.labelAgreement)} /> }]
            : []),
        ]
      : []),
  ]
  return (
    <Container header={<Header variant="h2" description="Measured on a fixed text when the model was imported.">Quality report</Header>}>
      <SpaceBetween size="m">
        {quality ? (
          <div data-testid="quality">
            <SpaceBetween size="s">
              <KeyValuePairs columns={3} items={items} />
              <div>{perplexityText(quality)}</div>
              <div>{changeText(quality, quantization)}</div>
            </SpaceBetween>
          </div>
        ) : (
          <Box color="text-body-secondary">The quality was not measured.</Box>
        )}
        {trial && (
          <div>
            <Box variant="awsui-key-label">{instruct ? 'Asked through Converse' : 'Given a text to carry on'} before it counted as imported ({milliseconds(trial.millis)})</Box>
            <div className="craton-trial">
              <div className="craton-message" data-role="user">
                {trial.prompt}
              </div>
              <div className="craton-message" data-role="assistant">
                {trial.answer || '(an empty answer)'}
              </div>
            </div>
          </div>
        )}
      </SpaceBetween>
    </Container>
  )
}

function Figure({ text }: { text: string }) {
  return (
    <Box fontSize="heading-xl" fontWeight="bold">
      {text}
    </Box>
  )
}
