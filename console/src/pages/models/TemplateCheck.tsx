import Button from '@cloudscape-design/components/button'
import { useState } from 'react'
import { verifyTemplate, type Card, type TemplateVerdict } from '../../api/models.ts'
import { ErrorAlert } from '../../ui/ErrorAlert.tsx'
import { useAction } from '../../ui/useAction.ts'

/** What is known of a model's chat template, and a button that has the server look at it now. */
export function TemplateCheck({ card }: { card: Card }) {
  const [looked, setLooked] = useState<TemplateVerdict>()
  const verify = useAction(async () => setLooked(await verifyTemplate(card.name)))
  const known = looked ?? card.template
  return (
    <div className="craton-stack">
      <div role="status">
        {known ? templateText(known) : 'not looked at yet'}
        {looked && ' (looked at just now)'}
      </div>
      {card.state === 'ready' && (
        <Button loading={verify.busy} onClick={() => void verify.run()}>
          Verify template
        </Button>
      )}
      <ErrorAlert error={verify.error} title="Could not verify the template" onDismiss={verify.clearError} />
    </div>
  )
}

/** Whether the file's chat template writes what its family's publisher documents. */
function templateText({ verdict, family, detail, allowedBy }: TemplateVerdict): string {
  const whose = family ?? 'its family'
  switch (verdict) {
    case 'verified':
      return `verified: it writes what the publisher of ${whose} documents`
    case 'differs':
      return `differs from ${whose}: ${detail ?? 'it writes another text'}`
    case 'contradicts':
      return `another vendor’s, not of ${whose}: ${detail ?? 'its control tokens are not the model’s'}${allowedBy ? `; allowed by ${allowedBy}` : ''}`
    case 'unknown':
      return 'of a family that is not known here'
    case 'none':
      return 'none: the model continues texts'
  }
}
