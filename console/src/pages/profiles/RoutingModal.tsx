import Autosuggest from '@cloudscape-design/components/autosuggest'
import Button from '@cloudscape-design/components/button'
import Container from '@cloudscape-design/components/container'
import FormField from '@cloudscape-design/components/form-field'
import Grid from '@cloudscape-design/components/grid'
import Header from '@cloudscape-design/components/header'
import Input from '@cloudscape-design/components/input'
import RadioGroup from '@cloudscape-design/components/radio-group'
import SpaceBetween from '@cloudscape-design/components/space-between'
import { useState } from 'react'
import { listAliases } from '../../api/aliases.ts'
import { listModels } from '../../api/models.ts'
import { listPools } from '../../api/pools.ts'
import { routeProfile, type Profile } from '../../api/profiles.ts'
import { ConfirmModal } from '../../ui/ConfirmModal.tsx'
import { useAction } from '../../ui/useAction.ts'
import { useLoad } from '../../ui/useLoad.ts'
import { draftOf, EMPTY, inForce, MOST_TARGETS, moved, problems, routingOf, type TargetDraft } from './routing.ts'

interface Props {
  profile: Profile
  onSaved: () => void
  onDismiss: () => void
}

/** Says where the requests of a profile are sent. */
export function RoutingModal({ profile, onSaved, onDismiss }: Props) {
  const [draft, setDraft] = useState(() => draftOf(inForce(profile)))
  const suggestions = useSuggestions()
  const { weighted, targets } = draft
  const save = useAction(async () => {
    await routeProfile(profile.id, routingOf(draft))
    onSaved()
  })
  const set = (targets: TargetDraft[]) => setDraft({ ...draft, targets })
  return (
    <ConfirmModal
      title={`Route ${profile.name}`}
      confirmLabel="Save"
      size="large"
      busy={save.busy}
      error={save.error}
      disabled={targets.some((target) => Object.keys(problems(target, weighted)).length > 0)}
      onConfirm={() => void save.run()}
      onDismiss={onDismiss}
    >
      <SpaceBetween size="m">
        <FormField label="Order">
          <RadioGroup
            value={weighted ? 'weighted' : 'listed'}
            items={[
              { value: 'listed', label: 'As listed', description: 'The first target that answers, for every request.' },
              { value: 'weighted', label: 'Drawn by weight', description: 'Each request draws who is asked first; the others follow where that one does not answer.' },
            ]}
            onChange={({ detail }) => setDraft({ ...draft, weighted: detail.value === 'weighted' })}
          />
        </FormField>
        {targets.map((target, at) => (
          <TargetForm
            key={at}
            number={at + 1}
            draft={target}
            weighted={weighted}
            suggestions={suggestions}
            onChange={(changed) => set(targets.map((one, index) => (index === at ? changed : one)))}
            onMove={at > 0 ? () => set(moved(targets, at, -1)) : undefined}
            onRemove={targets.length > 1 ? () => set(targets.filter((_, index) => index !== at)) : undefined}
          />
        ))}
        <Button iconName="add-plus" disabled={targets.length >= MOST_TARGETS} onClick={() => set([...targets, EMPTY])}>
          Add target
        </Button>
      </SpaceBetween>
    </ConfirmModal>
  )
}

interface TargetProps {
  number: number
  draft: TargetDraft
  weighted: boolean
  suggestions: { value: string; description: string }[]
  onChange: (draft: TargetDraft) => void
  onMove: (() => void) | undefined
  onRemove: (() => void) | undefined
}

function TargetForm({ number, draft, weighted, suggestions, onChange, onMove, onRemove }: TargetProps) {
  // Nothing is wrong with a form that nobody has begun to fill in.
  const wrong = draft.region !== '' || draft.target !== '' ? problems(draft, weighted) : {}
  const header = (
    <Header
      variant="h3"
      actions={
        <SpaceBetween direction="horizontal" size="s">
          {onMove && (
            <Button variant="inline-link" ariaLabel={`Move target ${number} up`} onClick={onMove}>
              Move up
            </Button>
          )}
          {onRemove && (
            <Button variant="inline-link" ariaLabel={`Remove target ${number}`} onClick={onRemove}>
              Remove
            </Button>
          )}
        </SpaceBetween>
      }
    >
      Target {number}
    </Header>
  )
  const columns = weighted ? [3, 7, 2] : [4, 8]
  return (
    <Container header={header}>
      <Grid gridDefinition={columns.map((colspan) => ({ colspan: { default: 12, xs: colspan } }))}>
        <FormField label="Region" errorText={wrong.region ?? ''} stretch>
          <Input
            value={draft.region}
            spellcheck={false}
            placeholder="hall-a"
            ariaLabel={`Region of target ${number}`}
            onChange={({ detail }) => onChange({ ...draft, region: detail.value })}
          />
        </FormField>
        <FormField label="Answered by" errorText={wrong.target ?? ''} stretch>
          <Autosuggest
            value={draft.target}
            options={suggestions}
            enteredTextLabel={(value) => `Use ${value}`}
            placeholder="pool:NAME, a model of this server or another model id"
            empty="Nothing matches"
            ariaLabel={`Answered by, target ${number}`}
            onChange={({ detail }) => onChange({ ...draft, target: detail.value })}
          />
        </FormField>
        {weighted && (
          <FormField label="Weight" errorText={wrong.weight ?? ''} stretch>
            <Input
              value={draft.weight}
              inputMode="numeric"
              ariaLabel={`Weight of target ${number}`}
              onChange={({ detail }) => onChange({ ...draft, weight: detail.value })}
            />
          </FormField>
        )}
      </Grid>
    </Container>
  )
}

/** What a target may be: pools, models that are here, and ids that something answers for. What cannot be listed can be typed. */
function useSuggestions(): { value: string; description: string }[] {
  const [pools, models, aliases] = [useLoad(listPools), useLoad(listModels), useLoad(listAliases)]
  return [
    ...(pools.value ?? []).map(({ name, members }) => ({ value: `pool:${name}`, description: `Pool of ${members.length}` })),
    ...(models.value ?? []).filter(({ state }) => state === 'ready').map(({ name, title }) => ({ value: name, description: title })),
    ...(aliases.value ?? []).map(({ modelId, local, pool, upstream }) => ({
      value: modelId,
      description: `Answered by ${pool ? `pool:${pool}` : (upstream?.model ?? local ?? 'nothing')}`,
    })),
  ]
}
