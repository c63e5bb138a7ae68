import Box from '@cloudscape-design/components/box'
import CopyToClipboard from '@cloudscape-design/components/copy-to-clipboard'
import Modal from '@cloudscape-design/components/modal'
import SegmentedControl from '@cloudscape-design/components/segmented-control'
import SpaceBetween from '@cloudscape-design/components/space-between'
import Tabs from '@cloudscape-design/components/tabs'
import { useState } from 'react'
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
        <Tabs
          ariaLabel="Language"
          tabs={LANGUAGES.map(({ id, label }) => {
            const code = codeFor(id, input)
            return {
              id,
              label,
              content: (
                <SpaceBetween size="xs">
                  <Box float="right">
                    <CopyToClipboard
                      copyButtonText="Copy"
                      textToCopy={code}
                      copySuccessText="Copied"
                      copyErrorText="The browser did not allow copying: select the text instead"
                    />
                  </Box>
                  <pre className="craton-code" tabIndex={0} aria-label={`Code for ${label}`}>
                    {code}
                  </pre>
                </SpaceBetween>
              ),
            }
          })}
        />
      </SpaceBetween>
    </Modal>
  )
}
