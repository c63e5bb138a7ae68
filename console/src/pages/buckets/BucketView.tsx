import BreadcrumbGroup from '@cloudscape-design/components/breadcrumb-group'
import Button from '@cloudscape-design/components/button'
import Header from '@cloudscape-design/components/header'
import SpaceBetween from '@cloudscape-design/components/space-between'
import Tabs from '@cloudscape-design/components/tabs'
import { useState } from 'react'
import { follow, href, navigate, useRoute } from '../../shell/router.tsx'
import { createOfPath } from '../knowledge/text.ts'
import { BucketPermissions } from './BucketPermissions.tsx'
import { BucketProperties } from './BucketProperties.tsx'
import { ObjectBrowser } from './ObjectBrowser.tsx'

/** One bucket: its objects, its properties, who may use it. */
export function BucketView({ bucket }: { bucket: string }) {
  const { query } = useRoute()
  const prefix = query.get('prefix') ?? ''
  const [tab, setTab] = useState('objects')
  return (
    <SpaceBetween size="m">
      <BreadcrumbGroup ariaLabel="Folders" items={breadcrumbs(bucket, prefix)} onFollow={follow} />
      <Header
        variant="h1"
        actions={<Button onClick={() => navigate(createOfPath(`s3://${bucket}/${prefix}`))}>Create knowledge base</Button>}
      >
        {bucket}
      </Header>
      <Tabs
        ariaLabel="Bucket"
        activeTabId={tab}
        onChange={({ detail }) => setTab(detail.activeTabId)}
        tabs={[
          { id: 'objects', label: 'Objects', content: <ObjectBrowser key={prefix} bucket={bucket} prefix={prefix} /> },
          { id: 'properties', label: 'Properties', content: <BucketProperties bucket={bucket} /> },
          { id: 'permissions', label: 'Permissions', content: <BucketPermissions bucket={bucket} /> },
        ]}
      />
    </SpaceBetween>
  )
}

/** The path of the page of a prefix. */
export function folderPath(bucket: string, prefix: string): string {
  return `/buckets?${new URLSearchParams({ bucket, ...(prefix ? { prefix } : {}) }).toString()}`
}

function breadcrumbs(bucket: string, prefix: string): { text: string; href: string }[] {
  const parts = prefix.split('/').slice(0, -1)
  return [
    { text: 'Buckets', href: href('/buckets') },
    { text: bucket, href: href(folderPath(bucket, '')) },
    ...parts.map((part, index) => ({
      text: part || '(empty)',
      href: href(folderPath(bucket, `${parts.slice(0, index + 1).join('/')}/`)),
    })),
  ]
}
