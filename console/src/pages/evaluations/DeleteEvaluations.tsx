import Alert from '@cloudscape-design/components/alert'
import FormField from '@cloudscape-design/components/form-field'
import Input from '@cloudscape-design/components/input'
import SpaceBetween from '@cloudscape-design/components/space-between'
import { useState } from 'react'
import { deleteEvaluations } from '../../api/evaluations.ts'
import { ApiError } from '../../api/http.ts'
import { useNotify } from '../../shell/Notifications.tsx'
import { ConfirmModal } from '../../ui/ConfirmModal.tsx'
import { useAction } from '../../ui/useAction.ts'

/** What has to be typed, as Bedrock's console asks. */
const WORD = 'confirm'

interface Props {
  jobs: { jobArn: string; jobName: string }[]
  onDeleted: () => void
  onDismiss: () => void
}

/** Deletes evaluations that have ended, once `confirm` was typed. */
export function DeleteEvaluations({ jobs, onDeleted, onDismiss }: Props) {
  const [typed, setTyped] = useState('')
  const notify = useNotify()
  const one = jobs.length === 1
  const remove = useAction(async () => {
    const refused = await deleteEvaluations(jobs.map(({ jobArn }) => jobArn))
    const [first] = refused
    if (first) {
      const name = jobs.find(({ jobArn }) => jobArn === first.jobIdentifier)?.jobName ?? first.jobIdentifier
      const others = refused.length > 1 ? ` ${refused.length - 1} more were refused.` : ''
      throw new ApiError(400, first.code, `${name} was not deleted: ${first.message ?? 'no reason was given.'}${others}`)
    }
    notify('success', one ? `The evaluation ${jobs[0]?.jobName} was deleted.` : `${jobs.length} evaluations were deleted.`)
    onDeleted()
  })
  return (
    <ConfirmModal
      title={one ? 'Delete the evaluation?' : `Delete ${jobs.length} evaluations?`}
      confirmLabel="Delete"
      busy={remove.busy}
      error={remove.error}
      disabled={typed !== WORD}
      onConfirm={() => void remove.run()}
      onDismiss={onDismiss}
    >
      <SpaceBetween size="m">
        <ul className="craton-list">
          {jobs.map(({ jobArn, jobName }) => (
            <li key={jobArn} className="craton-stack">
              {jobName}
            </li>
          ))}
        </ul>
        <Alert type="warning">This cannot be undone: the report and the records can no longer be read here. The results in the bucket stay.</Alert>
        <FormField label={`To delete ${one ? 'it' : 'them'}, type ${WORD}`}>
          <Input value={typed} spellcheck={false} placeholder={WORD} onChange={({ detail }) => setTyped(detail.value)} />
        </FormField>
      </SpaceBetween>
    </ConfirmModal>
  )
}
