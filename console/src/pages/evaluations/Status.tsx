import Box from '@cloudscape-design/components/box'
import StatusIndicator from '@cloudscape-design/components/status-indicator'
import { PageLink } from '../../shell/router.tsx'
import { passportPath, TRUSTS, trustOf, type Shown } from './text.ts'

export function Status({ shown: { type, text } }: { shown: Shown }) {
  return (
    <StatusIndicator type={type} wrapText>
      {text}
    </StatusIndicator>
  )
}

/** How far the judge of a score can be trusted: its passport, in a line. Nothing where no judge was asked. */
export function TrustLine({ calibration, judge, short = false }: { calibration: string | null; judge: string | null; short?: boolean }) {
  const trust = trustOf(calibration)
  if (!trust) return <Box variant="small" color="text-body-secondary">Computed: no judge is asked</Box>
  const shown = TRUSTS[trust]
  return (
    <div className="craton-trust" data-testid="trust">
      <Status shown={shown} />
      {!short && (
        <Box variant="small" display="block" color="text-body-secondary">
          {trust === 'uncalibrated' ? 'How far it agrees with people is not known. ' : `${calibration?.replace(/^(not usable for this metric|usable): /, '')}. `}
          {judge !== null && <PageLink to={passportPath(judge)}>Passport of the judge</PageLink>}
        </Box>
      )}
    </div>
  )
}
