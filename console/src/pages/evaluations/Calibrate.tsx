import Box from '@cloudscape-design/components/box'
import Button from '@cloudscape-design/components/button'
import FormField from '@cloudscape-design/components/form-field'
import SpaceBetween from '@cloudscape-design/components/space-between'
import Textarea from '@cloudscape-design/components/textarea'
import { useRef, useState } from 'react'
import { calibrateJudge } from '../../api/evaluations.ts'
import { ConfirmModal } from '../../ui/ConfirmModal.tsx'
import { useAction } from '../../ui/useAction.ts'
import { countsText, EXAMPLE, readLabels } from './labels.ts'

interface Props {
  id: string
  onDone: () => void
  onDismiss: () => void
}

/** Compares the judge of a job with what people say of its records. */
export function Calibrate({ id, onDone, onDismiss }: Props) {
  const [text, setText] = useState('')
  const file = useRef<HTMLInputElement>(null)
  const read = readLabels(text)
  const calibrate = useAction(async () => {
    if ('fault' in read) return
    await calibrateJudge(id, read.labels)
    onDone()
  })
  return (
    <ConfirmModal
      title="Compare the judge with people"
      size="large"
      confirmLabel="Calibrate"
      busy={calibrate.busy}
      error={calibrate.error}
      disabled={'fault' in read}
      onConfirm={() => void calibrate.run()}
      onDismiss={onDismiss}
    >
      <SpaceBetween size="s">
        <Box>
          Rate at least 20 records of a metric yourself, one a line. <code>record</code> is its place in the dataset from 1, <code>label</code> its place on
          the metric’s scale from 0, the lowest first. The judge gets a passport, which stands beside each of its scores.
        </Box>
        <FormField
          label="Labels"
          description="JSON lines"
          errorText={text.trim() !== '' && 'fault' in read ? read.fault : undefined}
          constraintText={'fault' in read ? undefined : countsText(read.labels)}
          stretch
        >
          <div className="craton-editor">
            <Textarea value={text} rows={8} spellcheck={false} placeholder={EXAMPLE} ariaLabel="Labels" onChange={({ detail }) => setText(detail.value)} />
          </div>
        </FormField>
        <input
          ref={file}
          type="file"
          accept=".jsonl,.json,.txt"
          hidden
          data-testid="labels-file"
          onChange={(event) => {
            const [chosen] = event.target.files ?? []
            void chosen?.text().then(setText)
          }}
        />
        <Button iconName="upload" onClick={() => file.current?.click()}>
          Read a file
        </Button>
        <Box variant="small" color="text-body-secondary">
          On the command line: <code>craton eval calibrate {id} --labels labels.jsonl</code>
        </Box>
      </SpaceBetween>
    </ConfirmModal>
  )
}
