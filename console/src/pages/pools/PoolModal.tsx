import Button from '@cloudscape-design/components/button'
import Checkbox from '@cloudscape-design/components/checkbox'
import Container from '@cloudscape-design/components/container'
import FormField from '@cloudscape-design/components/form-field'
import Grid from '@cloudscape-design/components/grid'
import Header from '@cloudscape-design/components/header'
import Input from '@cloudscape-design/components/input'
import SpaceBetween from '@cloudscape-design/components/space-between'
import { useState } from 'react'
import { putPool, type Pool } from '../../api/pools.ts'
import { ConfirmModal } from '../../ui/ConfirmModal.tsx'
import { useAction } from '../../ui/useAction.ts'
import { draftOf, EMPTY, memberOf, problem, within, type Draft } from './members.ts'

interface Props {
  /** Absent: a new one. */
  pool: Pool | undefined
  onSaved: (name: string) => void
  onDismiss: () => void
}

/** Makes or changes a pool. */
export function PoolModal({ pool, onSaved, onDismiss }: Props) {
  const [name, setName] = useState(pool?.name ?? '')
  const [queue, setQueue] = useState(String(pool?.maxQueue ?? 64))
  const [members, setMembers] = useState<Draft[]>(pool ? pool.members.map(draftOf) : [EMPTY])
  const nameIsGood = /^[a-z0-9][a-z0-9._-]{0,62}$/.test(name)
  const complete = nameIsGood && within(queue, 0, 10_000) && members.every((member) => problem(member) === '')
  const save = useAction(async () => {
    await putPool(name, { members: members.map(memberOf), maxQueue: Number(queue) })
    onSaved(name)
  })
  const change = (at: number, draft: Draft) => setMembers(members.map((member, i) => (i === at ? draft : member)))
  return (
    <ConfirmModal
      title={pool ? 'Change pool' : 'Add pool'}
      confirmLabel="Save"
      size="large"
      busy={save.busy}
      error={save.error}
      disabled={!complete}
      onConfirm={() => void save.run()}
      onDismiss={onDismiss}
    >
      <SpaceBetween size="m">
        <FormField
          label="Name"
          errorText={name !== '' && !nameIsGood ? 'Lower case letters, digits, dots, hyphens and underscores' : ''}
        >
          <Input
            value={name}
            readOnly={pool !== undefined}
            spellcheck={false}
            placeholder="chat"
            onChange={({ detail }) => setName(detail.value)}
          />
        </FormField>
        <FormField label="Waiting requests at most" description="Of each account, while every member has as many as it takes.">
          <Input value={queue} inputMode="numeric" onChange={({ detail }) => setQueue(detail.value)} />
        </FormField>
        {members.map((member, at) => (
          <MemberForm
            key={at}
            number={at + 1}
            draft={member}
            onChange={(draft) => change(at, draft)}
            onRemove={members.length > 1 ? () => setMembers(members.filter((_, i) => i !== at)) : undefined}
          />
        ))}
        <Button iconName="add-plus" onClick={() => setMembers([...members, EMPTY])}>
          Add member
        </Button>
      </SpaceBetween>
    </ConfirmModal>
  )
}

interface MemberProps {
  number: number
  draft: Draft
  onChange: (draft: Draft) => void
  onRemove: (() => void) | undefined
}

function MemberForm({ number, draft, onChange, onRemove }: MemberProps) {
  const touched = draft.baseUrl !== '' || draft.model !== ''
  const field = (label: string, name: 'baseUrl' | 'model' | 'region' | 'weight' | 'maxInFlight', placeholder = '') => (
    <FormField label={label} stretch>
      <Input
        value={draft[name]}
        spellcheck={false}
        placeholder={placeholder}
        ariaLabel={`${label} of member ${number}`}
        onChange={({ detail }) => onChange({ ...draft, [name]: detail.value })}
      />
    </FormField>
  )
  const header = (
    <Header
      variant="h3"
      actions={
        onRemove && (
          <Button variant="inline-link" ariaLabel={`Remove member ${number}`} onClick={onRemove}>
            Remove
          </Button>
        )
      }
    >
      Member {number}
    </Header>
  )
  return (
    <Container header={header}>
      <FormField errorText={touched ? problem(draft) : ''} stretch>
        <SpaceBetween size="s">
          <Grid gridDefinition={[{ colspan: { default: 12, xs: 7 } }, { colspan: { default: 12, xs: 5 } }]}>
            {field('Base URL', 'baseUrl', 'http://gpu-host:8000/v1')}
            {field('Model there', 'model', 'mistral-small')}
          </Grid>
          <Grid gridDefinition={[{ colspan: 4 }, { colspan: 4 }, { colspan: 4 }]}>
            {field('Weight', 'weight')}
            {field('Requests at once', 'maxInFlight')}
            {field('Region (optional)', 'region', 'hall-a')}
          </Grid>
          <FormField
            label="API key (optional)"
            description={draft.hasApiKey ? 'There is one; it stays unless you type another.' : 'Kept encrypted; never shown again.'}
            stretch
          >
            <Input
              value={draft.apiKey}
              type="password"
              autoComplete="off"
              ariaLabel={`API key of member ${number}`}
              onChange={({ detail }) => onChange({ ...draft, apiKey: detail.value })}
            />
          </FormField>
          {draft.hasApiKey && (
            <Checkbox
              checked={draft.removesKey}
              onChange={({ detail }) => onChange({ ...draft, removesKey: detail.checked })}
            >
              Remove the key
            </Checkbox>
          )}
        </SpaceBetween>
      </FormField>
    </Container>
  )
}
