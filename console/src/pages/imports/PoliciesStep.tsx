import Badge from '@cloudscape-design/components/badge'
import Container from '@cloudscape-design/components/container'
import CopyToClipboard from '@cloudscape-design/components/copy-to-clipboard'
import Header from '@cloudscape-design/components/header'
import Link from '@cloudscape-design/components/link'
import SpaceBetween from '@cloudscape-design/components/space-between'
import { useCallback, useMemo } from 'react'
import { importPolicies, type NeededPolicy } from '../../api/imports.ts'
import { listKeys } from '../../api/kms.ts'
import { href } from '../../shell/router.tsx'
import { useSession } from '../../shell/SessionContext.tsx'
import { ErrorAlert } from '../../ui/ErrorAlert.tsx'
import { Loading } from '../../ui/Loading.tsx'
import { useLoad } from '../../ui/useLoad.ts'
import { policyRequestOf, type Draft } from './draft.ts'
import { byAccount, KINDS, pageOf, scriptOf } from './policies.ts'

/** What each account must allow, with the text and the command for it. */
export function PoliciesStep({ draft }: { draft: Draft }) {
  const { account } = useSession()
  const load = useCallback(
    async (signal: AbortSignal) => {
      // Only a key that was named by its alias needs the list, and who may not see it is told by the server.
      const keys = draft.kmsKey && !draft.kmsKey.startsWith('arn:') ? await listKeys(signal).catch(() => []) : []
      return importPolicies(policyRequestOf(draft, account, keys), signal)
    },
    [draft, account],
  )
  const policies = useLoad(load)
  const groups = useMemo(() => byAccount(policies.value ?? []), [policies.value])
  if (policies.loading) return <Loading what="the policies" />
  return (
    <SpaceBetween size="l">
      <ErrorAlert error={policies.error} title="Could not make the policies" onRetry={policies.reload} />
      {groups.map((group) => (
        <Container
          key={group.account}
          header={
            <Header
              variant="h2"
              description={group.description}
              actions={
                <Copy text={group.script} label="Copy all for the shell" of={`account ${group.account}`} />
              }
            >
              Account {group.account} {group.account === account && <Badge color="blue">this account</Badge>}
            </Header>
          }
        >
          <SpaceBetween size="l">
            {group.policies.map((policy) => (
              <OnePolicy key={`${policy.step} ${policy.kind} ${policy.resource}`} policy={policy} mine={group.account === account} />
            ))}
          </SpaceBetween>
        </Container>
      ))}
    </SpaceBetween>
  )
}

function OnePolicy({ policy, mine }: { policy: NeededPolicy; mine: boolean }) {
  const page = mine ? pageOf(policy) : undefined
  const text = JSON.stringify(policy.document, null, 2)
  return (
    <section aria-label={policy.title}>
      <SpaceBetween size="xs">
        <Header
          variant="h3"
          description={
            <span className="craton-stack">
              {KINDS[policy.kind]} <code className="craton-secret">{policy.resource}</code>{' '}
              {page && (
                <Link href={href(page)} external externalIconAriaLabel="opens in a new tab" fontSize="inherit">
                  Open it
                </Link>
              )}
            </span>
          }
          actions={
            <SpaceBetween direction="horizontal" size="xs">
              <Copy text={text} label="Copy policy" of={policy.title} />
              <Copy text={scriptOf(policy)} label="Copy for the shell" of={policy.title} />
            </SpaceBetween>
          }
        >
          <Badge>Step {policy.step}</Badge> {policy.title}
        </Header>
        <pre className="craton-code" tabIndex={0} role="group" aria-label={policy.title}>
          {text}
        </pre>
        <pre className="craton-code craton-command" tabIndex={0} role="group" aria-label={`Command: ${policy.title}`}>
          {policy.command}
        </pre>
      </SpaceBetween>
    </section>
  )
}

function Copy({ text, label, of }: { text: string; label: string; of: string }) {
  return (
    <CopyToClipboard
      copyButtonText={label}
      copyButtonAriaLabel={`${label}: ${of}`}
      textToCopy={text}
      copySuccessText="Copied"
      copyErrorText="The browser did not allow copying: select the text instead"
    />
  )
}
