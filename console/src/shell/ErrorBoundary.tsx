import Alert from '@cloudscape-design/components/alert'
import Button from '@cloudscape-design/components/button'
import { Component, type ReactNode } from 'react'

/** Keeps a defect of one page on that page. Give it the page's path as `key`, so that leaving the page clears it. */
export class ErrorBoundary extends Component<{ children: ReactNode }, { error: Error | undefined }> {
  override state: { error: Error | undefined } = { error: undefined }

  static getDerivedStateFromError(error: Error): { error: Error } {
    return { error }
  }

  override render(): ReactNode {
    const { error } = this.state
    if (!error) return this.props.children
    return (
      <Alert
        type="error"
        header="This page failed"
        action={<Button onClick={() => window.location.reload()}>Reload</Button>}
      >
        {error.message}
      </Alert>
    )
  }
}
