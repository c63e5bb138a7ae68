import Box from '@cloudscape-design/components/box'
import Spinner from '@cloudscape-design/components/spinner'

export function Loading({ what }: { what: string }) {
  return (
    <Box textAlign="center" padding="xxl" color="text-body-secondary">
      <Spinner /> Loading {what}
    </Box>
  )
}
