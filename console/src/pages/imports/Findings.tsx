import Box from '@cloudscape-design/components/box'
import SpaceBetween from '@cloudscape-design/components/space-between'
import StatusIndicator, { type StatusIndicatorProps } from '@cloudscape-design/components/status-indicator'
import type { DoctorFinding, DoctorReport } from '../../api/imports.ts'

/** What the import doctor found: file, problem and fix of each, the worst first. */
export function Findings({ report }: { report: DoctorReport }) {
  if (report.findings.length === 0) return <StatusIndicator>The checkpoint is sound: nothing was found.</StatusIndicator>
  const rank = (finding: DoctorFinding) => ORDER.indexOf(finding.severity)
  const sorted = [...report.findings].sort((a, b) => rank(a) - rank(b))
  return (
    <div data-testid="doctor">
      <SpaceBetween size="s">
        {sorted.map((finding) => (
          <div key={`${finding.file} ${finding.problem}`} className="craton-stack">
            <StatusIndicator type={KINDS[finding.severity].type} wrapText>
              {KINDS[finding.severity].word}
              {finding.file && (
                <>
                  {' in '}
                  <code className="craton-secret">{finding.file}</code>
                </>
              )}
            </StatusIndicator>
            <div>{sentence(finding.problem)}</div>
            <Box color="text-body-secondary">{finding.fix}</Box>
          </div>
        ))}
      </SpaceBetween>
    </div>
  )
}

/** `it is missing` → `It is missing.` */
export function sentence(text: string): string {
  const end = /[.!?…]$/.test(text) ? '' : '.'
  return text.charAt(0).toUpperCase() + text.slice(1) + end
}

const ORDER = ['error', 'warning', 'note']
const KINDS: Record<DoctorFinding['severity'], { type: StatusIndicatorProps.Type; word: string }> = {
  error: { type: 'error', word: 'Error' },
  warning: { type: 'warning', word: 'Warning' },
  note: { type: 'info', word: 'Note' },
}
