import FormField from '@cloudscape-design/components/form-field'
import Input from '@cloudscape-design/components/input'
import Select from '@cloudscape-design/components/select'
import SpaceBetween from '@cloudscape-design/components/space-between'
import { useState } from 'react'
import { createProfile, type Profile } from '../../api/profiles.ts'
import { useNotify } from '../../shell/Notifications.tsx'
import { ConfirmModal } from '../../ui/ConfirmModal.tsx'
import { TagEditor, type Tag } from '../../ui/TagEditor.tsx'
import { useAction } from '../../ui/useAction.ts'
import { modelOf, sourcesOf, type Source } from './routing.ts'

interface Props {
  /** All that there are: what can be copied is among them. */
  profiles: Profile[]
  onCreated: (id: string) => void
  onDismiss: () => void
}

/** What Bedrock takes for a name. */
const NAME = /^([0-9a-zA-Z][ _-]?)+$/

/** Makes an application profile, of a model or of one of AWS's profiles. */
export function CreateProfile({ profiles, onCreated, onDismiss }: Props) {
  const [name, setName] = useState('')
  const [description, setDescription] = useState('')
  const [copyFrom, setCopyFrom] = useState('')
  const [tags, setTags] = useState<Tag[]>([])
  const notify = useNotify()
  const sources = sourcesOf(profiles)
  const groups = [
    { label: 'Models', options: sources.models.map(optionOf) },
    { label: 'System-defined profiles', options: sources.profiles.map(optionOf) },
  ]
  const nameIsGood = name.length <= 64 && NAME.test(name)
  const tagFault = tags.some(({ key }) => key.trim() === '') ? 'A tag needs a key' : ''
  const create = useAction(async () => {
    const arn = await createProfile({ name, description: description.trim(), copyFrom, tags })
    notify('success', `The inference profile ${name} was created.`)
    onCreated(modelOf(arn))
  })
  return (
    <ConfirmModal
      title="Create application profile"
      confirmLabel="Create"
      size="large"
      busy={create.busy}
      error={create.error}
      disabled={!nameIsGood || copyFrom === '' || tagFault !== ''}
      onConfirm={() => void create.run()}
      onDismiss={onDismiss}
    >
      <SpaceBetween size="m">
        <FormField
          label="Name"
          errorText={name !== '' && !nameIsGood ? 'At most 64 letters and digits, with single spaces, hyphens and underscores between them' : ''}
          stretch
        >
          <Input value={name} placeholder="Support answers" onChange={({ detail }) => setName(detail.value)} />
        </FormField>
        <FormField label={optional('Description')} stretch>
          <Input value={description} onChange={({ detail }) => setDescription(detail.value)} />
        </FormField>
        <FormField
          label="Made of"
          description="The profile has its models. Made of a profile that is routed, its requests are sent there, until it is routed itself."
          stretch
        >
          <Select
            options={groups}
            filteringType="auto"
            filteringPlaceholder="Find a model or a profile"
            placeholder="Choose a model or a profile"
            selectedOption={groups.flatMap(({ options }) => options).find(({ value }) => value === copyFrom) ?? null}
            onChange={({ detail }) => setCopyFrom(detail.selectedOption.value ?? '')}
          />
        </FormField>
        <FormField label={optional('Tags')} description="Policies may speak of them, and they tell whose requests these are." errorText={tagFault} stretch>
          <TagEditor tags={tags} onChange={setTags} />
        </FormField>
      </SpaceBetween>
    </ConfirmModal>
  )
}

function optionOf({ label, arn, description }: Source) {
  return { value: arn, label, ...(description === undefined ? {} : { description }) }
}

function optional(label: string) {
  return (
    <>
      {label} <i>– optional</i>
    </>
  )
}
