import Alert from '@cloudscape-design/components/alert'

interface Props {
  reasons: string[] | undefined
  title: string
  type?: 'error' | 'warning'
}

/** Why something failed, in the server's words; nothing where nothing did. */
export function Reasons({ reasons = [], title, type = 'error' }: Props) {
  if (reasons.length === 0) return null
  return (
    <Alert type={type} header={title}>
      <ul className="craton-list" data-testid="reasons">
        {reasons.map((reason) => (
          <li key={reason} className="craton-stack">
            {reason}
          </li>
        ))}
      </ul>
    </Alert>
  )
}
