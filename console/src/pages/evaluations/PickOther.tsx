import Box from '@cloudscape-design/components/box'
import FormField from '@cloudscape-design/components/form-field'
import Multiselect from '@cloudscape-design/components/multiselect'
import SpaceBetween from '@cloudscape-design/components/space-between'
import { useState } from 'react'
import { listEvaluations } from '../../api/evaluations.ts'
import { ConfirmModal } from '../../ui/ConfirmModal.tsx'
import { useLoad } from '../../ui/useLoad.ts'
import { shortId, STATUSES } from './text.ts'

interface Props {
  id: string
  onPick: (others: string[]) => void
  onDismiss: () => void
}

/** Chooses what an evaluation is compared with. */
export function PickOther({ id, onPick, onDismiss }: Props) {
  const jobs = useLoad(listNewest)
  const [chosen, setChosen] = useState<string[]>([])
  const options = (jobs.value ?? [])
    .map(({ jobArn, jobName, status }) => ({ value: shortId(jobArn), label: jobName, description: STATUSES[status].text }))
    .filter(({ value }) => value !== id)
  return (
    <ConfirmModal
      title="Compare with which evaluations?"
      confirmLabel="Compare"
      busy={false}
      error={jobs.error}
      disabled={chosen.length === 0}
      onConfirm={() => onPick(chosen)}
      onDismiss={onDismiss}
    >
      <SpaceBetween size="s">
        <FormField label="Evaluations" stretch>
          <Multiselect
            options={options}
            selectedOptions={options.filter(({ value }) => chosen.includes(value))}
            statusType={jobs.loading ? 'loading' : 'finished'}
            placeholder="Choose evaluations"
            filteringType="auto"
            empty="There is no other evaluation"
            deselectAriaLabel={(option) => `Leave out ${option.label}`}
            onChange={({ detail }) => setChosen(detail.selectedOptions.flatMap(({ value }) => (value === undefined ? [] : [value])))}
          />
        </FormField>
        <Box variant="small" color="text-body-secondary">
          On the command line: <code>craton eval compare {id} OTHER</code>
        </Box>
      </SpaceBetween>
    </ConfirmModal>
  )
}

const listNewest = async (signal: AbortSignal) => (await listEvaluations({}, undefined, signal)).items
