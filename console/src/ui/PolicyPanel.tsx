import Button from '@cloudscape-design/components/button'
import Container from '@cloudscape-design/components/container'
import Header from '@cloudscape-design/components/header'
import SpaceBetween from '@cloudscape-design/components/space-between'
import { useEffect, useState, type ReactNode } from 'react'
import type { PolicyType } from '../api/policyCheck.ts'
import { useNotify } from '../shell/Notifications.tsx'
import { ErrorAlert } from './ErrorAlert.tsx'
import { PolicyEditor } from './PolicyEditor.tsx'
import { format } from './policyText.ts'
import { useAction } from './useAction.ts'
import { useLoad } from './useLoad.ts'

interface Props {
  title: string
  type: PolicyType
  description?: ReactNode
  /** Must keep its identity between renders. */
  load: (signal: AbortSignal) => Promise<string>
  save?: (text: string) => Promise<void>
  mayBeEmpty?: boolean
  /** What an empty editor may be filled with. */
  example?: string
}

/** A policy that is read, changed and saved as a whole. */
export function PolicyPanel({ title, type, description, load, save, mayBeEmpty = false, example }: Props) {
  const policy = useLoad(load)
  const notify = useNotify()
  const [text, setText] = useState('')
  useEffect(() => {
    if (policy.value !== undefined) setText(format(policy.value))
  }, [policy.value])
  const saving = useAction(async () => {
    await save?.(text)
    notify('success', `${title} saved.`)
    policy.reload()
  })
  const changed = policy.value !== undefined && text !== format(policy.value)
  return (
    <Container
      header={
        <Header
          variant="h2"
          description={description}
          actions={
            save && (
              <SpaceBetween direction="horizontal" size="xs">
                {example !== undefined && text.trim() === '' && (
                  <Button onClick={() => setText(format(example))}>Start from an example</Button>
                )}
                <Button disabled={!changed} onClick={() => setText(format(policy.value ?? ''))}>
                  Undo
                </Button>
                <Button variant="primary" disabled={!changed} loading={saving.busy} onClick={() => void saving.run()}>
                  Save
                </Button>
              </SpaceBetween>
            )
          }
        >
          {title}
        </Header>
      }
    >
      <SpaceBetween size="s">
        <ErrorAlert error={policy.error} title={`Could not read the ${title.toLowerCase()}`} onRetry={policy.reload} />
        <ErrorAlert error={saving.error} title={`Could not save the ${title.toLowerCase()}`} onDismiss={saving.clearError} />
        <PolicyEditor label={title} type={type} value={text} onChange={setText} mayBeEmpty={mayBeEmpty} readOnly={!save} />
      </SpaceBetween>
    </Container>
  )
}
