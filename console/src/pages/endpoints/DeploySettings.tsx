import Autosuggest from '@cloudscape-design/components/autosuggest'
import Box from '@cloudscape-design/components/box'
import Checkbox from '@cloudscape-design/components/checkbox'
import ExpandableSection from '@cloudscape-design/components/expandable-section'
import FormField from '@cloudscape-design/components/form-field'
import Input from '@cloudscape-design/components/input'
import RadioGroup from '@cloudscape-design/components/radio-group'
import SpaceBetween from '@cloudscape-design/components/space-between'
import Tiles from '@cloudscape-design/components/tiles'
import type { Card } from '../../api/models.ts'
import { Licence } from '../models/PullModal.tsx'
import { INSTANCE_TYPES, LONGEST, MOST_INSTANCES, ROLE_NAME, type Draft, type DraftErrors } from './draft.ts'

interface Props {
  draft: Draft
  errors: DraftErrors
  onChange: (draft: Draft) => void
}

/** Model, name, number and type of the instances. */
export function Settings({ card, draft, errors, onChange }: Props & { card: Card }) {
  const set = (change: Partial<Draft>) => onChange({ ...draft, ...change })
  return (
    <SpaceBetween size="m">
      <FormField label="Model ID">
        <Input value={card.jumpstartId ?? card.name} readOnly />
      </FormField>
      <FormField label="Made through" stretch>
        <Tiles
          value={draft.target}
          columns={2}
          items={[
            {
              value: 'marketplace',
              label: 'Bedrock Marketplace',
              description: card.jumpstartId
                ? 'Its ARN is a model id of InvokeModel and Converse. It is a SageMaker endpoint, too.'
                : 'Only for models that are in SageMaker’s public hub.',
              disabled: !card.jumpstartId,
            },
            {
              value: 'sagemaker',
              label: 'SageMaker',
              description: 'For InvokeEndpoint; the number of instances may follow the work, down to none.',
            },
          ]}
          onChange={({ detail }) => set({ target: detail.value === 'sagemaker' ? 'sagemaker' : 'marketplace' })}
        />
      </FormField>
      <FormField label="Endpoint name" constraintText={`Up to ${LONGEST[draft.target]} letters, digits and hyphens`} errorText={errors.name}>
        <Input value={draft.name} spellcheck={false} onChange={({ detail }) => set({ name: detail.value })} />
      </FormField>
      <FormField label="Number of instances" constraintText={`1 to ${MOST_INSTANCES}; the instances share the weights`} errorText={errors.instances}>
        <Input value={draft.instances} inputMode="numeric" onChange={({ detail }) => set({ instances: detail.value })} />
      </FormField>
      <FormField
        label="Instance type"
        description="Kept and shown as AWS does. Every instance runs on this machine: the prediction beside tells what it can do."
        errorText={errors.instanceType}
      >
        <Autosuggest
          value={draft.instanceType}
          options={INSTANCE_TYPES.map((value) => ({ value }))}
          enteredTextLabel={(text) => `Use ${text}`}
          placeholder="ml.g6.12xlarge"
          empty="None of these"
          onChange={({ detail }) => set({ instanceType: detail.value })}
        />
      </FormField>
    </SpaceBetween>
  )
}

/** Scaling, role, encryption, network: each says what is enforced and what is refused. */
export function AdvancedSettings({ draft, errors, onChange }: Props) {
  const set = (change: Partial<Draft>) => onChange({ ...draft, ...change })
  return (
    <ExpandableSection headerText="Advanced settings" variant="footer">
      <SpaceBetween size="m">
        {draft.target === 'sagemaker' && (
          <SpaceBetween size="s">
            <Checkbox
              checked={draft.scales}
              description="More where requests wait, fewer where nothing comes; with 0 as the least, none. Then the next request starts one and waits for it."
              onChange={({ detail }) => set({ scales: detail.checked })}
            >
              The number of instances follows the work
            </Checkbox>
            {draft.scales && (
              <SpaceBetween direction="horizontal" size="m">
                <FormField label="At least" errorText={errors.least}>
                  <Input value={draft.least} inputMode="numeric" onChange={({ detail }) => set({ least: detail.value })} />
                </FormField>
                <FormField label="At most" errorText={errors.most}>
                  <Input value={draft.most} inputMode="numeric" onChange={({ detail }) => set({ most: detail.value })} />
                </FormField>
              </SpaceBetween>
            )}
          </SpaceBetween>
        )}
        <Role draft={draft} errors={errors} onChange={onChange} />
        <FormField
          label="Encryption key"
          description="Enforced: a key that is not there, or that you may not use, is refused."
          stretch
        >
          <Input
            value={draft.kmsKeyId}
            spellcheck={false}
            placeholder="alias/models, an id or an ARN; empty for none"
            onChange={({ detail }) => set({ kmsKeyId: detail.value })}
          />
        </FormField>
        <FormField label="Network" stretch>
          <Box color="text-body-secondary">
            A model makes no connections of its own, so network isolation is always on. A VPC cannot be chosen: the server refuses one
            rather than ignore it.
          </Box>
        </FormField>
      </SpaceBetween>
    </ExpandableSection>
  )
}

function Role({ draft, errors, onChange }: Props) {
  const own = draft.ownRole
  return (
    <SpaceBetween size="xs">
      <FormField label="Execution role" description="Enforced: you must be allowed to pass it, and sagemaker.amazonaws.com to assume it.">
        <RadioGroup
          value={own ? 'own' : 'made'}
          items={[
            { value: 'made', label: `${ROLE_NAME}, made at its first use` },
            { value: 'own', label: 'Another role' },
          ]}
          onChange={({ detail }) => onChange({ ...draft, ownRole: detail.value === 'own' })}
        />
      </FormField>
      {own && (
        <FormField label="Role ARN" errorText={errors.roleArn} stretch>
          <Input
            value={draft.roleArn}
            spellcheck={false}
            placeholder="arn:aws:iam::111122223333:role/Endpoints"
            onChange={({ detail }) => onChange({ ...draft, roleArn: detail.value })}
          />
        </FormField>
      )}
    </SpaceBetween>
  )
}

/** The acceptance of the licence's terms, where it asks for one. */
export function Terms({ card, draft, errors, onChange }: Props & { card: Card }) {
  return (
    <FormField errorText={errors.acceptEula} stretch>
      <Checkbox checked={draft.acceptEula} onChange={({ detail }) => onChange({ ...draft, acceptEula: detail.checked })}>
        I have read and accept the terms of this licence: <Licence card={card} />
      </Checkbox>
    </FormField>
  )
}
