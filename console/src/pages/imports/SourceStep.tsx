import AttributeEditor from '@cloudscape-design/components/attribute-editor'
import Autosuggest from '@cloudscape-design/components/autosuggest'
import Container from '@cloudscape-design/components/container'
import FormField from '@cloudscape-design/components/form-field'
import Header from '@cloudscape-design/components/header'
import Input from '@cloudscape-design/components/input'
import RadioGroup from '@cloudscape-design/components/radio-group'
import SpaceBetween from '@cloudscape-design/components/space-between'
import { QUANTIZATIONS, type Quantization } from '../../api/imports.ts'
import { listKeys } from '../../api/kms.ts'
import { listRoles } from '../../api/permissions.ts'
import { useSession } from '../../shell/SessionContext.tsx'
import { useLoad } from '../../ui/useLoad.ts'
import type { Draft, Faults } from './draft.ts'
import { FORMATS } from './parts.tsx'

interface Props {
  draft: Draft
  faults: Faults
  /** Whether to complain of empty fields too. */
  all: boolean
  onChange: (changed: Partial<Draft>) => void
}

/** What is imported, from where, as which role, into what. */
export function SourceStep({ draft, faults, all, onChange }: Props) {
  const { account } = useSession()
  const roles = useLoad(listRoles)
  const keys = useLoad(listKeys)
  const fault = (field: keyof Draft) => (all || draft[field].length > 0 ? faults[field] : undefined)
  const set = (field: keyof Draft) => (event: { detail: { value: string } }) => onChange({ [field]: event.detail.value })
  return (
    <SpaceBetween size="l">
      <Container header={<Header variant="h2">Source</Header>}>
        <SpaceBetween size="m">
          <FormField
            label="S3 URI"
            description="The folder that holds config.json, the tokenizer and the weights in safetensors."
            errorText={fault('s3Uri')}
            stretch
          >
            <Input value={draft.s3Uri} spellcheck={false} placeholder="s3://model-artifacts-111122223333/mistral-model-weights/" onChange={set('s3Uri')} />
          </FormField>
          <FormField label={optional('Source account')} description="The account that owns the bucket." errorText={fault('sourceAccount')}>
            <Input value={draft.sourceAccount} spellcheck={false} inputMode="numeric" placeholder={`${account}, this one`} onChange={set('sourceAccount')} />
          </FormField>
          <FormField
            label={optional('Key of the source')}
            description="The KMS key that the files are encrypted under, if it is a customer's. Only the policies of the next step are made with it."
            errorText={fault('sourceKey')}
            stretch
          >
            <Input value={draft.sourceKey} spellcheck={false} placeholder="arn:aws:kms:us-east-1:111122223333:key/…" onChange={set('sourceKey')} />
          </FormField>
        </SpaceBetween>
      </Container>
      <Container header={<Header variant="h2">Role</Header>}>
        <FormField
          label="Execution role"
          description="Read, decrypt and encrypt are permitted or denied to this role of this account. It need not exist yet: the next step shows its policies."
          errorText={fault('roleArn')}
          stretch
        >
          <Autosuggest
            value={draft.roleArn}
            enteredTextLabel={(value) => `Use ${value}`}
            placeholder={`arn:aws:iam::${account}:role/BedrockCMIExecutionRole-${account}`}
            options={(roles.value ?? []).map(({ arn, name }) => ({ value: arn, label: arn, description: name }))}
            empty={roles.loading ? 'Looking for roles' : 'No role matches'}
            onChange={set('roleArn')}
          />
        </FormField>
      </Container>
      <Container header={<Header variant="h2">Model</Header>}>
        <SpaceBetween size="m">
          <FormField label="Model name" description="What requests may call it, beside its ARN." errorText={fault('modelName')}>
            <Input value={draft.modelName} spellcheck={false} placeholder="mistral-support" onChange={set('modelName')} />
          </FormField>
          <FormField label="Job name" errorText={fault('jobName')}>
            <Input value={draft.jobName} spellcheck={false} onChange={set('jobName')} />
          </FormField>
          <FormField label="How the weights are kept" description="The import measures how much the choice changes, and fails where that is more than the bound." stretch>
            <RadioGroup
              value={draft.quantization}
              items={QUANTIZATIONS.map((value) => ({ value, ...FORMATS[value] }))}
              onChange={({ detail }) => onChange({ quantization: detail.value as Quantization })}
            />
          </FormField>
          <FormField
            label={optional('Bound')}
            description="What the model must keep to against its weights as they came, at the worse end of each interval. Empty for the type’s own; “none” only measures."
            errorText={fault('bound')}
            stretch
          >
            <Input value={draft.bound} spellcheck={false} placeholder="labels=0.97,argmax=0.9,perplexity=1.02" onChange={set('bound')} />
          </FormField>
          <FormField
            label={optional('Encryption key')}
            description="The model is encrypted under it at rest, and can be loaded only as long as the role may use it. Without one, Craton's own key is used."
            errorText={fault('kmsKey')}
            stretch
          >
            <Autosuggest
              value={draft.kmsKey}
              enteredTextLabel={(value) => `Use ${value}`}
              placeholder="ARN, id or alias"
              options={(keys.value ?? [])
                .filter(({ KeyManager, KeyState }) => KeyManager === 'CUSTOMER' && KeyState === 'Enabled')
                .map(({ Arn, aliases, Description }) => ({
                  value: Arn,
                  label: Arn,
                  ...(aliases[0] || Description ? { description: aliases[0] ?? Description ?? '' } : {}),
                }))}
              empty={keys.loading ? 'Looking for keys' : 'No key matches'}
              onChange={set('kmsKey')}
            />
          </FormField>
          <FormField label={optional('Tags')} description="On the job and on the model." errorText={fault('tags')} stretch>
            <AttributeEditor
              items={draft.tags}
              addButtonText="Add tag"
              removeButtonText="Remove"
              empty="No tags"
              disableAddButton={draft.tags.length >= 50}
              onAddButtonClick={() => onChange({ tags: [...draft.tags, { key: '', value: '' }] })}
              onRemoveButtonClick={({ detail }) => onChange({ tags: draft.tags.filter((_, index) => index !== detail.itemIndex) })}
              definition={(['key', 'value'] as const).map((part) => ({
                label: part === 'key' ? 'Key' : 'Value',
                control: (tag: { key: string; value: string }, at: number) => (
                  <Input
                    value={tag[part]}
                    ariaLabel={`${part === 'key' ? 'Key' : 'Value'} of tag ${at + 1}`}
                    onChange={({ detail }) =>
                      onChange({ tags: draft.tags.map((one, index) => (index === at ? { ...one, [part]: detail.value } : one)) })
                    }
                  />
                ),
              }))}
            />
          </FormField>
        </SpaceBetween>
      </Container>
    </SpaceBetween>
  )
}

function optional(label: string) {
  return (
    <>
      {label} <i>– optional</i>
    </>
  )
}
