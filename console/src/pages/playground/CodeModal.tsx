import Modal from '@cloudscape-design/components/modal'
import SegmentedControl from '@cloudscape-design/components/segmented-control'
import SpaceBetween from '@cloudscape-design/components/space-between'
import { useState } from 'react'
import { CodeTabs } from '../../ui/CodeTabs.tsx'
import { codeFor, LANGUAGES, type CodeInput } from './code.ts'

interface Props {
  /** One for each pane. */
  inputs: CodeInput[]
  onDismiss: () => void
}

/** The current request as programs. */
export function CodeModal({ inputs, onDismiss }: Props) {
  const [chosen, setChosen] = useState(0)
  const input = inputs[chosen] ?? inputs[0]
  if (!input) return null
  return (
    <Modal visible size="large" header="View as code" onDismiss={onDismiss}>
      <SpaceBetween size="s">
        {inputs.length > 1 && (
          <SegmentedControl
            label="Model"
            selectedId={String(chosen)}
            options={inputs.map(({ modelId }, index) => ({ id: String(index), text: `${index + 1}: ${modelId}` }))}
            onChange={({ detail }) => setChosen(Number(detail.selectedId))}
          />
        )}
        <CodeTabs samples={LANGUAGES.map(({ id, label }) => ({ id, label, code: codeFor(id, input) }))} />
      </SpaceBetween>
    </Modal>
  )
}
