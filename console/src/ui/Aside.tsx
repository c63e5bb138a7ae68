import Box from '@cloudscape-design/components/box'
import type { ReactNode } from 'react'

/** What belongs to a figure, smaller, below it. */
export function Aside({ children }: { children: ReactNode }) {
  return (
    <Box variant="small" display="block" color="text-body-secondary">
      {children}
    </Box>
  )
}
