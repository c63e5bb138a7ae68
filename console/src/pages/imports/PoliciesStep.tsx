import Badge from '@cloudscape-design/components/badge'
import Box from '@cloudscape-design/components/box'
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
import { CodeBlock } from '../../ui/CodeBlock.tsx'
import { ErrorAlert } from '../../ui/ErrorAlert.tsx'
import { Loading } from '../../ui/Loading.tsx'
import { useLoad } from '../../ui/useLoad.ts'
import { policyRequestOf, type Draft } from './draft.ts'
import { byAccount, pageOf } from './policies.ts'

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
                <CopyToClipboard
                  copyButtonText="Copy all commands"
                  copyButtonAriaLabel={`Copy all commands of account ${group.account}`}
                  textToCopy={group.commands}
                  copySuccessText="Copied"
                  copyErrorText="The browser did not allow copying: select the text instead"
                />
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
  return (
    <section aria-label={policy.title}>
      <SpaceBetween size="xs">
        <SpaceBetween direction="horizontal" size="xs" alignItems="center">
          <Badge>Step {policy.step}</Badge>
          <Box variant="h3" padding="n">
            {policy.title}
          </Box>
        </SpaceBetween>
        <div className="craton-stack">
          On <code className="craton-secret">{policy.resource}</code>{' '}
          {page && (
            <Link href={href(page)} external externalIconAriaLabel="opens in a new tab">
              Open it
            </Link>
          )}
        </div>
        <CodeBlock code={JSON.stringify(policy.document, null, 2)} label={policy.title} copyLabel="Copy policy" />
        <CodeBlock code={policy.command} label={`Command: ${policy.title}`} copyLabel="Copy command" />
      </SpaceBetween>
    </section>
  )
}
