import Alert from '@cloudscape-design/components/alert'
import Button from '@cloudscape-design/components/button'
import { useState } from 'react'
import type { Card } from '../../api/models.ts'
import { useSession } from '../../shell/SessionContext.tsx'
import { PullModal } from '../models/PullModal.tsx'
import { PullProgress } from '../models/PullProgress.tsx'

interface Props {
  card: Card
  /** A download began, or ended. */
  onChange: () => void
}

/** Says that a model is not downloaded, and offers that. */
export function NotHere({ card, onChange }: Props) {
  const { managesDeployment } = useSession()
  const [asking, setAsking] = useState(false)
  if (card.state === 'pulling' && card.jobId) return <PullProgress jobId={card.jobId} name={card.title} onOver={onChange} />
  return (
    <>
      <Alert
        type="info"
        header="The model is not on this server yet"
        action={managesDeployment && <Button onClick={() => setAsking(true)}>Download it first</Button>}
      >
        Without it, the endpoint fails or a model that is here answers for it, as the server’s settings say; its page tells which. An
        endpoint that failed for want of it comes into service when it is here.
        On the command line: <code>craton models pull {card.name}</code>.
      </Alert>
      {asking && (
        <PullModal
          card={card}
          onStarted={() => {
            setAsking(false)
            onChange()
          }}
          onDismiss={() => setAsking(false)}
        />
      )}
    </>
  )
}
