import Box from '@cloudscape-design/components/box'
import Button from '@cloudscape-design/components/button'
import Container from '@cloudscape-design/components/container'
import FormField from '@cloudscape-design/components/form-field'
import Header from '@cloudscape-design/components/header'
import Input from '@cloudscape-design/components/input'
import KeyValuePairs from '@cloudscape-design/components/key-value-pairs'
import SpaceBetween from '@cloudscape-design/components/space-between'
import StatusIndicator from '@cloudscape-design/components/status-indicator'
import { useCallback, useState } from 'react'
import { documentAcl, mayRead } from '../../api/retrieval.ts'
import { ErrorAlert } from '../../ui/ErrorAlert.tsx'
import { useAction } from '../../ui/useAction.ts'
import { useLoad } from '../../ui/useLoad.ts'
import { accessOf, type Named } from './acl.ts'

interface Props {
  id: string
  source: string
  document: string
}

/** Who may read a document, and whether a certain user may. */
export function Access({ id, source, document }: Props) {
  const acl = useLoad(useCallback((signal: AbortSignal) => documentAcl(id, source, document, signal), [id, source, document]))
  const access = acl.value && accessOf(acl.value)
  return (
    <Container
      header={
        <Header variant="h2" description="Whoever may not read it is never shown a passage of it, nor an answer made of one. A change counts from the next question on.">
          Who may read it
        </Header>
      }
    >
      <SpaceBetween size="m">
        {acl.loading && <StatusIndicator type="loading">Reading the access list</StatusIndicator>}
        <ErrorAlert error={acl.error} title="Could not read the access list" onRetry={acl.reload} />
        {access?.open && <Box data-testid="acl">Everybody who may ask the knowledge base: the document has no access list.</Box>}
        {access && !access.open && (
          <div data-testid="acl">
            <KeyValuePairs
              columns={2}
              items={[
                { label: 'May read it', value: <Names named={access.allowed} none="Nobody" /> },
                { label: 'May not, whatever else is said', value: <Names named={access.denied} none="Nobody is excluded" /> },
              ]}
            />
          </div>
        )}
        {acl.value && <Check id={id} source={source} document={document} />}
      </SpaceBetween>
    </Container>
  )
}

function Names({ named, none }: { named: Named[]; none: string }) {
  if (named.length === 0) return none
  return (
    <ul className="craton-list">
      {named.map(({ kind, id }) => (
        <li key={`${kind} ${id}`} className="craton-stack">
          {id} {kind === 'group' && <Box variant="small">group</Box>}
        </li>
      ))}
    </ul>
  )
}

function Check({ id, source, document }: Props) {
  const [user, setUser] = useState('')
  const [answer, setAnswer] = useState<{ user: string; may: boolean }>()
  const check = useAction(async () => {
    const asked = user.trim()
    setAnswer(undefined)
    setAnswer({ user: asked, may: await mayRead(id, source, document, asked) })
  })
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        if (user.trim() !== '') void check.run()
      }}
    >
      <SpaceBetween size="xs">
        <FormField label="May this user read it?" secondaryControl={<Button loading={check.busy} disabled={user.trim() === ''}>Check</Button>}>
          <Input value={user} spellcheck={false} placeholder="ana" onChange={({ detail }) => setUser(detail.value)} />
        </FormField>
        <div aria-live="polite">
          {answer && (
            <StatusIndicator type={answer.may ? 'success' : 'stopped'}>
              {answer.user} {answer.may ? 'may read it' : 'may not read it'}
            </StatusIndicator>
          )}
        </div>
        <ErrorAlert error={check.error} title="Could not check it" onDismiss={check.clearError} />
      </SpaceBetween>
    </form>
  )
}
