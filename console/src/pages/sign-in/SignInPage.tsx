import Alert from '@cloudscape-design/components/alert'
import Box from '@cloudscape-design/components/box'
import Button from '@cloudscape-design/components/button'
import Container from '@cloudscape-design/components/container'
import FormField from '@cloudscape-design/components/form-field'
import Header from '@cloudscape-design/components/header'
import Input from '@cloudscape-design/components/input'
import SpaceBetween from '@cloudscape-design/components/space-between'
import { useEffect, useState } from 'react'
import { signIn, type Session } from '../../api/session.ts'
import { ErrorAlert } from '../../ui/ErrorAlert.tsx'
import { useAction } from '../../ui/useAction.ts'

interface Props {
  notice: string | undefined
  onSignedIn: (session: Session) => void
}

/** Takes an access key. The secret goes to the server once and is kept nowhere. */
export function SignInPage({ notice, onSignedIn }: Props) {
  const [accessKeyId, setAccessKeyId] = useState('')
  const [secret, setSecret] = useState('')
  const { run, busy, error } = useAction(async () => {
    const session = await signIn(accessKeyId.trim(), secret.trim())
    onSignedIn(session)
  })

  useEffect(() => {
    document.title = 'Sign in · Craton'
  }, [])

  const complete = accessKeyId.trim() !== '' && secret.trim() !== ''
  return (
    <main className="craton-sign-in">
      <form
        onSubmit={(event) => {
          event.preventDefault()
          if (complete) void run()
        }}
      >
        <Container header={<Header variant="h1">Sign in to Craton</Header>}>
          <SpaceBetween size="l">
            {notice && !error && <Alert type="info">{notice}</Alert>}
            <ErrorAlert error={error} title="Could not sign in" />
            <FormField label="Access key ID">
              <Input
                value={accessKeyId}
                onChange={({ detail }) => setAccessKeyId(detail.value)}
                placeholder="AKIA…"
                autoComplete="username"
                spellcheck={false}
                autoFocus
              />
            </FormField>
            <FormField label="Secret access key">
              <Input
                type="password"
                value={secret}
                onChange={({ detail }) => setSecret(detail.value)}
                autoComplete="current-password"
                spellcheck={false}
              />
            </FormField>
            <Button variant="primary" formAction="submit" fullWidth loading={busy} disabled={!complete}>
              Sign in
            </Button>
            <Box variant="small" color="text-body-secondary">
              <code>craton env</code> prints the administrator's access key on the machine where Craton runs.
            </Box>
          </SpaceBetween>
        </Container>
      </form>
    </main>
  )
}
