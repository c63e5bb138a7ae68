import Box from '@cloudscape-design/components/box'
import type { ReactNode } from 'react'

/** Says why a list is empty and what to do next. */
export function Empty({ title, children }: { title: string; children?: ReactNode }) {
  return (
    <Box textAlign="center" color="inherit" padding="m">
      <b>{title}</b>
      {children && <Box variant="p">{children}</Box>}
    </Box>
  )
}
