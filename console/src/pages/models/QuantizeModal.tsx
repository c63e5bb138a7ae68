import Box from '@cloudscape-design/components/box'
import Checkbox from '@cloudscape-design/components/checkbox'
import ExpandableSection from '@cloudscape-design/components/expandable-section'
import FormField from '@cloudscape-design/components/form-field'
import Input from '@cloudscape-design/components/input'
import Select from '@cloudscape-design/components/select'
import SpaceBetween from '@cloudscape-design/components/space-between'
import Textarea from '@cloudscape-design/components/textarea'
import { useState } from 'react'
import type { Job } from '../../api/jobs.ts'
import { FILE_TYPES, quantizeModel, type Card } from '../../api/models.ts'
import { ConfirmModal } from '../../ui/ConfirmModal.tsx'
import { useAction } from '../../ui/useAction.ts'
import { faults, requestOf, type Draft } from './quantizeDraft.ts'

interface Props {
  card: Card
  onStarted: (job: Job) => void
  onDismiss: () => void
}

const OPTIONS = FILE_TYPES.map((value) => ({ value, label: value.toUpperCase() }))

/** Asks how a model is to be kept, and what that may cost. */
export function QuantizeModal({ card, onStarted, onDismiss }: Props) {
  const [draft, setDraft] = useState<Draft>({ to: FILE_TYPES[0], bound: '', name: '', lines: '', requantize: false })
  const found = faults(draft)
  const set = (change: Partial<Draft>) => setDraft({ ...draft, ...change })
  const quantize = useAction(async () => onStarted(await quantizeModel(card.name, requestOf(draft))))
  return (
    <ConfirmModal
      title={`Quantize ${card.title}`}
      confirmLabel="Quantize"
      busy={quantize.busy}
      error={quantize.error}
      disabled={Object.keys(found).length > 0}
      onConfirm={() => void quantize.run()}
      onDismiss={onDismiss}
    >
      <SpaceBetween size="m">
        <Box>
          This makes another model, {draft.name.trim() || `${card.name}-${draft.to}`}, and compares both on the same text and tasks. It is kept only if the
          bound holds.
        </Box>
        <FormField label="Type" description={draft.to === 'f16' ? 'Of a file in F32 or BF16.' : ''} stretch>
          <Select
            ariaLabel="Type"
            options={OPTIONS}
            selectedOption={OPTIONS.find((option) => option.value === draft.to) ?? null}
            onChange={({ detail }) => set({ to: detail.selectedOption.value ?? draft.to })}
          />
        </FormField>
        <FormField label="Bound" description="Empty for the type's own bound. It must hold at the worse end of each interval." errorText={found.bound} stretch>
          <Input
            value={draft.bound}
            spellcheck={false}
            placeholder="labels=0.97,argmax=0.9,perplexity=1.02"
            onChange={({ detail }) => set({ bound: detail.value })}
          />
        </FormField>
        <FormField label="Name of the new model" errorText={found.name} stretch>
          <Input value={draft.name} spellcheck={false} placeholder={`${card.name}-${draft.to}`} onChange={({ detail }) => set({ name: detail.value })} />
        </FormField>
        <ExpandableSection headerText="Tasks of your own, and weights that are quantized already" variant="footer">
          <SpaceBetween size="m">
            <FormField
              label="Tasks"
              description={'In place of the 480 fixed ones: a line is {"text": "…", "labels": ["…", "…"]}. The texts of the work that the model is for are the better test.'}
              errorText={found.lines}
              stretch
            >
              <div className="craton-editor">
                <Textarea rows={5} spellcheck={false} value={draft.lines} onChange={({ detail }) => set({ lines: detail.value })} />
              </div>
            </FormField>
            <Checkbox
              checked={draft.requantize}
              description="Two roundings lose more than one, and the comparison is with a model that has lost something before."
              onChange={({ detail }) => set({ requantize: detail.checked })}
            >
              Pack weights again that are quantized already
            </Checkbox>
          </SpaceBetween>
        </ExpandableSection>
      </SpaceBetween>
    </ConfirmModal>
  )
}
