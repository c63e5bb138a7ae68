import Alert from '@cloudscape-design/components/alert'
import Box from '@cloudscape-design/components/box'
import Button from '@cloudscape-design/components/button'
import type { ApiError } from '../api/http.ts'
import { duration } from './format.ts'

interface Props {
  error: ApiError | undefined
  /** What was tried, for example "Could not list the models". */
  title: string
  onRetry?: () => void
  onDismiss?: () => void
}

/** A failed call: what failed, why, what to do, and the request id to look for in the server's log. */
export function ErrorAlert({ error, title, onRetry, onDismiss }: Props) {
  if (!error) return null
  return (
    <Alert
      type="error"
      header={title}
      dismissible={onDismiss !== undefined}
      {...(onDismiss ? { onDismiss } : {})}
      action={onRetry ? <Button onClick={onRetry}>Try again</Button> : undefined}
    >
      <div data-testid="error">
        <div>{error.message}</div>
        {error.hint && <div>Hint: {error.hint}</div>}
        {error.retryAfter !== undefined && <div>The server can take it again in {duration(error.retryAfter)}.</div>}
        <Box variant="small" color="text-body-secondary">
          {error.code}
          {error.requestId && <> · request {error.requestId}</>}
        </Box>
      </div>
    </Alert>
  )
}
