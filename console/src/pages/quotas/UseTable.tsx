import Box from '@cloudscape-design/components/box'
import Header from '@cloudscape-design/components/header'
import ProgressBar from '@cloudscape-design/components/progress-bar'
import Table from '@cloudscape-design/components/table'
import type { QuotaUse } from '../../api/quotas.ts'
import { Empty } from '../../ui/Empty.tsx'
import { integer } from '../../ui/format.ts'
import { share } from './draft.ts'

const SOURCES = { default: 'the default', account: 'of the account', model: 'of the account for the model' } as const

/** What accounts used of their quotas: what is back again is not shown. */
export function UseTable({ used, loading }: { used: QuotaUse[]; loading: boolean }) {
  return (
    <Table
      items={used}
      trackBy={(one) => `${one.accountId} ${one.modelId}`}
      variant="container"
      wrapLines
      loading={loading}
      loadingText="Loading the present use"
      ariaLabels={{ tableLabel: 'Present use' }}
      header={
        <Header variant="h2" counter={`(${used.length})`} description="Requests and tokens come back steadily, a minute's worth a minute.">
          Present use
        </Header>
      }
      empty={<Empty title="Nothing is used of any quota" />}
      columnDefinitions={[
        { id: 'account', header: 'Account', isRowHeader: true, cell: (one) => one.accountId },
        { id: 'model', header: 'Model', minWidth: 160, cell: (one) => one.modelId },
        {
          id: 'requests',
          header: 'Requests',
          minWidth: 150,
          cell: (one) => <Left what={`Requests of ${one.accountId}`} left={one.requestsLeft} limit={one.requestsPerMinute} />,
        },
        {
          id: 'tokens',
          header: 'Tokens',
          minWidth: 150,
          cell: (one) => <Left what={`Tokens of ${one.accountId}`} left={one.tokensLeft} limit={one.tokensPerMinute} />,
        },
        {
          id: 'running',
          header: 'Running',
          cell: (one) => (one.running === null ? integer(one.runningNow) : `${integer(one.runningNow)} of ${integer(one.running)}`),
        },
        { id: 'quota', header: 'Quota', cell: (one) => SOURCES[one.source] },
      ]}
    />
  )
}

function Left({ what, left, limit }: { what: string; left: number | null; limit: number | null }) {
  const used = share(left, limit)
  if (used === undefined) return <Box color="text-body-secondary">not limited</Box>
  return <ProgressBar value={used} ariaLabel={what} description={`${integer(left)} of ${integer(limit)} left`} />
}
