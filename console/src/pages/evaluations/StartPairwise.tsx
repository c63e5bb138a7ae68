import Box from '@cloudscape-design/components/box'
import FormField from '@cloudscape-design/components/form-field'
import SpaceBetween from '@cloudscape-design/components/space-between'
import { useState } from 'react'
import { startPairwise, type PairwiseParts } from '../../api/pairwise.ts'
import { useNotify } from '../../shell/Notifications.tsx'
import { navigate } from '../../shell/router.tsx'
import { ConfirmModal } from '../../ui/ConfirmModal.tsx'
import { useAction } from '../../ui/useAction.ts'
import { ModelSelect } from './ModelSelect.tsx'
import { pairwiseCommand } from './pairwise.ts'
import { pairwisePath } from './text.ts'

interface Props {
  /** Two jobs, or one job twice: then its two systems are compared. */
  first: string
  second: string
  /** Which answers of theirs. */
  parts: PairwiseParts
  names: [string, string]
  /** A judge to begin with. */
  judge: string
  onDismiss: () => void
}

/** Chooses the judge that is shown two answers beside each other. */
export function StartPairwise({ first, second, parts, names, judge: usual, onDismiss }: Props) {
  const [judge, setJudge] = useState(usual)
  const notify = useNotify()
  const start = useAction(async () => {
    const { comparisonId, warnings } = await startPairwise(first, second, judge.trim(), parts)
    for (const warning of warnings) notify('info', warning)
    navigate(pairwisePath(comparisonId))
  })
  return (
    <ConfirmModal
      title="Compare answers pair by pair"
      confirmLabel="Compare"
      busy={start.busy}
      error={start.error}
      disabled={judge.trim() === ''}
      onConfirm={() => void start.run()}
      onDismiss={onDismiss}
    >
      <SpaceBetween size="s">
        <Box>
          A judge is shown the answers of <b>{names[0]}</b> and <b>{names[1]}</b> to each prompt, once in each order. A win counts only where both orders name
          the same answer.
        </Box>
        <FormField label="Judge of the pairs" stretch>
          <ModelSelect label="Judge of the pairs" value={judge} onChange={setJudge} />
        </FormField>
        <Box variant="small" color="text-body-secondary">
          On the command line: <code>{pairwiseCommand(first, second, judge, parts)}</code>
        </Box>
      </SpaceBetween>
    </ConfirmModal>
  )
}
