import Box from '@cloudscape-design/components/box'
import FormField from '@cloudscape-design/components/form-field'
import Input from '@cloudscape-design/components/input'
import Select from '@cloudscape-design/components/select'
import SpaceBetween from '@cloudscape-design/components/space-between'
import { useState } from 'react'
import type { Job } from '../../api/jobs.ts'
import { FILE_TYPES, quantizeModel, type Card } from '../../api/models.ts'
import { ConfirmModal } from '../../ui/ConfirmModal.tsx'
import { useAction } from '../../ui/useAction.ts'

interface Props {
  card: Card
  onStarted: (job: Job) => void
  onDismiss: () => void
}

const OPTIONS = FILE_TYPES.map((value) => ({ value, label: value.toUpperCase() }))

/** Asks how a model is to be kept, and what that may cost. */
export function QuantizeModal({ card, onStarted, onDismiss }: Props) {
  const [to, setTo] = useState<string>(FILE_TYPES[0])
  const [bound, setBound] = useState('')
  const quantize = useAction(async () => onStarted(await quantizeModel(card.name, to, bound.trim())))
  return (
    <ConfirmModal
      title={`Quantize ${card.title}`}
      confirmLabel="Quantize"
      busy={quantize.busy}
      error={quantize.error}
      onConfirm={() => void quantize.run()}
      onDismiss={onDismiss}
    >
      <SpaceBetween size="m">
        <Box>
          This makes another model, {card.name}-{to}, and compares both on the same text and tasks. It is kept only if the bound holds.
        </Box>
        <FormField label="Type" stretch>
          <Select
            ariaLabel="Type"
            options={OPTIONS}
            selectedOption={OPTIONS.find((option) => option.value === to) ?? null}
            onChange={({ detail }) => setTo(detail.selectedOption.value ?? to)}
          />
        </FormField>
        <FormField label="Bound" description="Empty for the type's own bound. It must hold at the worse end of each interval." stretch>
          <Input
            value={bound}
            spellcheck={false}
            placeholder="labels=0.97,argmax=0.9,perplexity=1.02"
            onChange={({ detail }) => setBound(detail.value)}
          />
        </FormField>
      </SpaceBetween>
    </ConfirmModal>
  )
}
