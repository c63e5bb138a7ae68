import Alert from '@cloudscape-design/components/alert'
import Badge from '@cloudscape-design/components/badge'
import Box from '@cloudscape-design/components/box'
import Button from '@cloudscape-design/components/button'
import Container from '@cloudscape-design/components/container'
import CopyToClipboard from '@cloudscape-design/components/copy-to-clipboard'
import ExpandableSection from '@cloudscape-design/components/expandable-section'
import Header from '@cloudscape-design/components/header'
import KeyValuePairs from '@cloudscape-design/components/key-value-pairs'
import SpaceBetween from '@cloudscape-design/components/space-between'
import StatusIndicator from '@cloudscape-design/components/status-indicator'
import type { Change, ConsultedPolicy, Explanation } from '../../api/explain.ts'
import { Time } from '../../ui/Time.tsx'

const SIDES = { caller: 'Caller’s side', resource: 'Resource’s side', organization: 'Organization' } as const

/** An explanation from the denial to its repair. */
export function ExplanationView({ explanation, onRetry }: { explanation: Explanation; onRetry: () => void }) {
  const { decision, message, deniedBy, findings, changes, allowedNow, advice, otherSides, policies } = explanation
  return (
    <SpaceBetween size="m">
      {decision === 'denied' && (
        <Alert type={allowedNow ? 'success' : 'error'} header={allowedNow ? 'Denied then, allowed by the policies of now' : 'Denied'}>
          <div className="craton-stack">{message}</div>
          {deniedBy && <div className="craton-stack">Why: {deniedBy.text}</div>}
        </Alert>
      )}
      {decision === 'allowed' && <Alert type="success" header="Allowed" />}
      <Container header={<Header variant="h2" actions={<Button onClick={onRetry}>Decide again</Button>}>Request</Header>}>
        <KeyValuePairs
          columns={2}
          items={[
            { label: 'Principal', value: <code className="craton-secret">{explanation.principal}</code> },
            { label: 'Action', value: explanation.action },
            { label: 'Resource', value: <code className="craton-secret">{explanation.resource}</code> },
            { label: 'Time', value: <Time iso={explanation.time} /> },
            { label: 'From', value: explanation.sourceIp ?? '–' },
            { label: 'Request id', value: <code className="craton-secret">{explanation.requestId}</code> },
          ]}
        />
        <ExpandableSection headerText="Condition keys">
          <pre className="craton-code">
            {Object.entries(explanation.context)
              .map(([name, values]) => `${name} = ${values.join(', ')}`)
              .join('\n')}
          </pre>
        </ExpandableSection>
      </Container>
      {findings.length > 0 && (
        <Container header={<Header variant="h2">What is wrong</Header>}>
          {findings.map(({ text }) => (
            <div key={text} className="craton-stack">
              {text}
            </div>
          ))}
        </Container>
      )}
      {changes.length > 0 && !allowedNow && <Repair explanation={explanation} />}
      {advice.length > 0 && (
        <Container header={<Header variant="h2">What the caller can do</Header>}>
          {advice.map((text) => (
            <div key={text}>{text}</div>
          ))}
        </Container>
      )}
      {otherSides.length > 0 && (
        <Container header={<Header variant="h2">What another account must change</Header>}>
          <SpaceBetween size="s">
            {otherSides.map(({ side, accountId, text, token }) => (
              <div key={side}>
                <div className="craton-stack">
                  {text} {accountId && `(account ${accountId})`}
                </div>
                {token && (
                  <CopyToClipboard
                    variant="inline"
                    textToCopy={token}
                    textToDisplay="Token that its administrators open here"
                    copyButtonAriaLabel="Copy the token"
                    copySuccessText="Copied"
                    copyErrorText="The browser did not allow copying"
                  />
                )}
              </div>
            ))}
          </SpaceBetween>
        </Container>
      )}
      <Container header={<Header variant="h2">Policies that were consulted</Header>}>
        {policies.map((policy, index) => (
          <Consulted key={`${policy.policyType} ${policy.policy ?? index}`} policy={policy} />
        ))}
      </Container>
    </SpaceBetween>
  )
}

function Repair({ explanation: { changes, proven, alsoAllows } }: { explanation: Explanation }) {
  return (
    <Container header={<Header variant="h2">The smallest change that allows it</Header>}>
      <SpaceBetween size="m">
        {changes.map((change, index) => (
          <OneChange key={`${change.side} ${change.policy ?? index}`} change={change} />
        ))}
        <StatusIndicator type={proven ? 'success' : 'warning'}>
          {proven ? 'The request was decided again with this change, and allowed.' : 'No change was found that allows it for sure.'}
        </StatusIndicator>
        {alsoAllows.count === 0 ? (
          <Box color="text-body-secondary">Nothing else was found that it allows.</Box>
        ) : (
          <ExpandableSection headerText={`It also allows ${alsoAllows.count} of the things that were tried`}>
            <pre className="craton-code">
              {alsoAllows.items.map((one) => `${one.principal}  ${one.action}  ${one.resource}`).join('\n')}
            </pre>
          </ExpandableSection>
        )}
      </SpaceBetween>
    </Container>
  )
}

function OneChange({ change }: { change: Change }) {
  const commands = change.commands.join('\n')
  return (
    <SpaceBetween size="xs">
      <SpaceBetween direction="horizontal" size="xs">
        <Badge color="blue">{SIDES[change.side]}</Badge>
        <span>{change.policyType}</span>
        {change.policy && <code className="craton-secret">{change.policy}</code>}
      </SpaceBetween>
      <div className="craton-stack">{change.summary}</div>
      {change.statement !== null && <pre className="craton-code">{JSON.stringify(change.statement, null, 2)}</pre>}
      {commands !== '' && (
        <CopyToClipboard
          variant="inline"
          textToCopy={commands}
          textToDisplay={<code className="craton-secret">{commands}</code>}
          copyButtonAriaLabel="Copy the command"
          copySuccessText="Copied"
          copyErrorText="The browser did not allow copying"
        />
      )}
    </SpaceBetween>
  )
}

function Consulted({ policy }: { policy: ConsultedPolicy }) {
  const says = policy.verdict === null ? 'says nothing' : policy.verdict === 'Deny' ? 'denies' : 'allows'
  const kind = policy.verdict === null ? 'info' : policy.verdict === 'Deny' ? 'error' : 'success'
  return (
    <ExpandableSection
      headerText={`${policy.policyType}: ${policy.policy ?? 'not shown'}`}
      headerDescription={`${SIDES[policy.side]}; ${says}`}
    >
      <SpaceBetween size="s">
        <StatusIndicator type={kind}>{says}</StatusIndicator>
        {!policy.readable && 'You may not read this policy.'}
        {policy.statements.map((statement) => (
          <div key={statement.index}>
            <StatusIndicator type={statement.matched ? 'success' : 'stopped'}>
              {statement.index + 1} {statement.sid ?? ''} {statement.effect}: {statement.matched ? 'matches' : statement.why}
            </StatusIndicator>
            {statement.statement !== null && statement.statement !== undefined && (
              <pre className="craton-code">{JSON.stringify(statement.statement, null, 2)}</pre>
            )}
          </div>
        ))}
      </SpaceBetween>
    </ExpandableSection>
  )
}
