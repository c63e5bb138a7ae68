import Autosuggest from '@cloudscape-design/components/autosuggest'
import BreadcrumbGroup from '@cloudscape-design/components/breadcrumb-group'
import Button from '@cloudscape-design/components/button'
import Container from '@cloudscape-design/components/container'
import Form from '@cloudscape-design/components/form'
import FormField from '@cloudscape-design/components/form-field'
import Header from '@cloudscape-design/components/header'
import Input from '@cloudscape-design/components/input'
import RadioGroup from '@cloudscape-design/components/radio-group'
import SpaceBetween from '@cloudscape-design/components/space-between'
import { useState } from 'react'
import { createBatch, type InvocationType } from '../../api/batches.ts'
import { idOf } from '../../api/imports.ts'
import { listRoles } from '../../api/permissions.ts'
import { follow, href, navigate } from '../../shell/router.tsx'
import { useSession } from '../../shell/SessionContext.tsx'
import { ErrorAlert } from '../../ui/ErrorAlert.tsx'
import { TagEditor } from '../../ui/TagEditor.tsx'
import { useAction } from '../../ui/useAction.ts'
import { useLoad } from '../../ui/useLoad.ts'
import { faults, newDraft, requestOf, type TextField } from './draft.ts'
import { jobPath, PATH } from './status.ts'

/** The form that starts a batch. */
export function BatchForm() {
  const { account } = useSession()
  const roles = useLoad(listRoles)
  const [draft, setDraft] = useState(() => newDraft(new Date()))
  const [all, setAll] = useState(false)
  const found = faults(draft, account)
  const start = useAction(async () => navigate(jobPath(idOf(await createBatch(requestOf(draft))))))
  const fault = (field: TextField) => (all || draft[field].length > 0 ? found[field] : undefined)
  const set = (field: TextField) => (event: { detail: { value: string } }) => setDraft({ ...draft, [field]: event.detail.value })
  const submit = () => {
    setAll(true)
    if (Object.keys(found).length === 0) void start.run()
  }
  const text = (field: TextField, placeholder: string) => (
    <Input value={draft[field]} spellcheck={false} placeholder={placeholder} onChange={set(field)} />
  )
  return (
    <SpaceBetween size="m">
      <BreadcrumbGroup
        ariaLabel="Batch inference"
        items={[
          { text: 'Batch inference', href: href(PATH) },
          { text: 'Create batch', href: '#' },
        ]}
        onFollow={follow}
      />
      <form
        onSubmit={(event) => {
          event.preventDefault()
          submit()
        }}
      >
        <Form
          header={<Header variant="h1">Create batch</Header>}
          actions={
            <SpaceBetween direction="horizontal" size="xs">
              <Button formAction="none" variant="link" onClick={() => navigate(PATH)}>
                Cancel
              </Button>
              <Button variant="primary" loading={start.busy}>
                Create batch
              </Button>
            </SpaceBetween>
          }
        >
          <SpaceBetween size="l">
            <ErrorAlert error={start.error} title="Could not create the batch" />
            <Container header={<Header variant="h2">Job</Header>}>
              <SpaceBetween size="m">
                <FormField label="Job name" errorText={fault('jobName')}>
                  {text('jobName', '')}
                </FormField>
                <FormField label="Model" description="An id, an ARN, an inference profile or a name of Craton's own." errorText={fault('modelId')} stretch>
                  {text('modelId', 'anthropic.claude-3-haiku-20240307-v1:0')}
                </FormField>
                <FormField label="Records" description="Which operation's request body each modelInput is.">
                  <RadioGroup
                    value={draft.invocationType}
                    items={[
                      { value: 'InvokeModel', label: 'InvokeModel', description: 'The body of the model’s vendor.' },
                      { value: 'Converse', label: 'Converse', description: 'The same body for every chat model.' },
                    ]}
                    onChange={({ detail }) => setDraft({ ...draft, invocationType: detail.value as InvocationType })}
                  />
                </FormField>
              </SpaceBetween>
            </Container>
            <Container header={<Header variant="h2">Data</Header>}>
              <SpaceBetween size="m">
                <FormField label="Input" description="A .jsonl file, or a folder of such files: one record a line." errorText={fault('inputUri')} stretch>
                  {text('inputUri', 's3://batches/in/')}
                </FormField>
                <FormField label="Output" description="The results lie in a folder of the job's id there." errorText={fault('outputUri')} stretch>
                  {text('outputUri', 's3://batches/out/')}
                </FormField>
                <FormField
                  label={optional('Encryption key')}
                  description="The results are encrypted under it; without one as the bucket says."
                  errorText={fault('kmsKey')}
                  stretch
                >
                  {text('kmsKey', 'ARN, id or alias')}
                </FormField>
                <FormField
                  label="Role"
                  description="It trusts bedrock.amazonaws.com, reads the input and writes the output."
                  errorText={fault('roleArn')}
                  stretch
                >
                  <Autosuggest
                    value={draft.roleArn}
                    enteredTextLabel={(value) => `Use ${value}`}
                    placeholder={`arn:aws:iam::${account}:role/Batcher`}
                    options={(roles.value ?? []).map(({ arn, name }) => ({ value: arn, label: arn, description: name }))}
                    empty={roles.loading ? 'Looking for roles' : 'No role matches'}
                    onChange={set('roleArn')}
                  />
                </FormField>
              </SpaceBetween>
            </Container>
            <Container header={<Header variant="h2">Time, owners and tags</Header>}>
              <SpaceBetween size="m">
                <FormField label={optional('Hours')} description="After so many the job ends with what it has: 24 to 168." errorText={fault('timeout')}>
                  {text('timeout', '24')}
                </FormField>
                <FormField label={optional('Owner of the input’s bucket')} description="A bucket of another account is refused." errorText={fault('inputOwner')}>
                  {text('inputOwner', account)}
                </FormField>
                <FormField label={optional('Owner of the output’s bucket')} description="A bucket of another account is refused." errorText={fault('outputOwner')}>
                  {text('outputOwner', account)}
                </FormField>
                <FormField label={optional('Tags')} description="Policies may speak of them." errorText={all ? found.tags : undefined} stretch>
                  <TagEditor tags={draft.tags} onChange={(tags) => setDraft({ ...draft, tags })} />
                </FormField>
              </SpaceBetween>
            </Container>
          </SpaceBetween>
        </Form>
      </form>
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
