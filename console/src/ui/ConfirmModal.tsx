import Box from '@cloudscape-design/components/box'
import Button from '@cloudscape-design/components/button'
import Modal from '@cloudscape-design/components/modal'
import SpaceBetween from '@cloudscape-design/components/space-between'
import type { ReactNode } from 'react'
import type { ApiError } from '../api/http.ts'
import { ErrorAlert } from './ErrorAlert.tsx'

interface Props {
  title: string
  children: ReactNode
  confirmLabel: string
  busy: boolean
  error: ApiError | undefined
  disabled?: boolean
  size?: 'medium' | 'large'
  onConfirm: () => void
  onDismiss: () => void
}

/** Asks before something is done. */
export function ConfirmModal({ title, children, confirmLabel, busy, error, disabled, size, onConfirm, onDismiss }: Props) {
  return (
    <Modal
      visible
      size={size ?? 'medium'}
      header={title}
      onDismiss={onDismiss}
      footer={
        <Box float="right">
          <SpaceBetween direction="horizontal" size="xs">
            <Button variant="link" onClick={onDismiss}>
              Cancel
            </Button>
            <Button variant="primary" loading={busy} disabled={disabled ?? false} onClick={onConfirm}>
              {confirmLabel}
            </Button>
          </SpaceBetween>
        </Box>
      }
    >
      <SpaceBetween size="m">
        <div>{children}</div>
        <ErrorAlert error={error} title="That did not work" />
      </SpaceBetween>
    </Modal>
  )
}
