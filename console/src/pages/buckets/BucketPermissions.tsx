import Checkbox from '@cloudscape-design/components/checkbox'
import Container from '@cloudscape-design/components/container'
import Header from '@cloudscape-design/components/header'
import SpaceBetween from '@cloudscape-design/components/space-between'
import { useCallback } from 'react'
import {
  bucketPolicy,
  publicAccessBlock,
  saveBucketPolicy,
  savePublicAccessBlock,
  type PublicAccessBlock,
} from '../../api/s3.ts'
import { useSession } from '../../shell/SessionContext.tsx'
import { ErrorAlert } from '../../ui/ErrorAlert.tsx'
import { PolicyPanel } from '../../ui/PolicyPanel.tsx'
import { useAction } from '../../ui/useAction.ts'
import { useLoad } from '../../ui/useLoad.ts'

/** Who may use a bucket besides what identity policies say. */
export function BucketPermissions({ bucket }: { bucket: string }) {
  const { account } = useSession()
  const load = useCallback((signal: AbortSignal) => bucketPolicy(bucket, signal), [bucket])
  return (
    <SpaceBetween size="m">
      <PublicAccess bucket={bucket} />
      <PolicyPanel
        title="Bucket policy"
        type="bucket"
        description="Lets other accounts, roles and services use the bucket, or keeps them from it."
        load={load}
        save={(text) => saveBucketPolicy(bucket, text)}
        mayBeEmpty
        example={JSON.stringify({
          Version: '2012-10-17',
          Statement: [
            {
              Sid: 'AnotherAccountReads',
              Effect: 'Allow',
              Principal: { AWS: `arn:aws:iam::${account}:root` },
              Action: ['s3:ListBucket', 's3:GetObject'],
              Resource: [`arn:aws:s3:::${bucket}`, `arn:aws:s3:::${bucket}/*`],
            },
          ],
        })}
      />
    </SpaceBetween>
  )
}

function PublicAccess({ bucket }: { bucket: string }) {
  const block = useLoad(useCallback((signal: AbortSignal) => publicAccessBlock(bucket, signal), [bucket]))
  const change = useAction(async (part: Partial<PublicAccessBlock>) => {
    if (!block.value) return
    await savePublicAccessBlock(bucket, { ...block.value, ...part })
    block.reload()
  })
  return (
    <Container header={<Header variant="h2" description="Overrules what policies would give to everyone.">Block public access</Header>}>
      <SpaceBetween size="s">
        <ErrorAlert error={block.error} title="Could not read the settings" onRetry={block.reload} />
        <ErrorAlert error={change.error} title="Could not change the settings" onDismiss={change.clearError} />
        {SETTINGS.map(([name, label]) => (
          <Checkbox
            key={name}
            checked={block.value?.[name] ?? false}
            disabled={block.loading || change.busy}
            onChange={({ detail }) => void change.run({ [name]: detail.checked })}
          >
            {label}
          </Checkbox>
        ))}
      </SpaceBetween>
    </Container>
  )
}

const SETTINGS: [keyof PublicAccessBlock, string][] = [
  ['BlockPublicAcls', 'Refuse public access control lists'],
  ['IgnorePublicAcls', 'Ignore public access control lists'],
  ['BlockPublicPolicy', 'Refuse bucket policies that give access to everyone'],
  ['RestrictPublicBuckets', 'Let only this account and AWS services use buckets with public policies'],
]
