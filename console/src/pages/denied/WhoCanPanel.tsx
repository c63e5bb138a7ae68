import Button from '@cloudscape-design/components/button'
import FormField from '@cloudscape-design/components/form-field'
import Header from '@cloudscape-design/components/header'
import Input from '@cloudscape-design/components/input'
import SpaceBetween from '@cloudscape-design/components/space-between'
import Table from '@cloudscape-design/components/table'
import { useState } from 'react'
import { whoCan, type WhoCan } from '../../api/explain.ts'
import { Empty } from '../../ui/Empty.tsx'
import { ErrorAlert } from '../../ui/ErrorAlert.tsx'
import { label } from '../../ui/format.ts'
import { useAction } from '../../ui/useAction.ts'

/** Lists everyone who may do something to a resource, and through which statements. */
export function WhoCanPanel() {
  const [action, setAction] = useState('s3:GetObject')
  const [resource, setResource] = useState('')
  const [answer, setAnswer] = useState<WhoCan>()
  const ask = useAction(async () => setAnswer(await whoCan(action.trim(), resource.trim())))
  return (
    <SpaceBetween size="m">
      <ErrorAlert error={ask.error} title="Could not list who may" onDismiss={ask.clearError} />
      <div className="craton-filters">
        <FormField label="Action">
          <Input value={action} spellcheck={false} onChange={({ detail }) => setAction(detail.value)} />
        </FormField>
        <FormField label="Resource">
          <Input value={resource} spellcheck={false} placeholder="arn:aws:s3:::bucket/key" onChange={({ detail }) => setResource(detail.value)} />
        </FormField>
        <Button variant="primary" loading={ask.busy} disabled={!action.trim() || !resource.trim()} onClick={() => void ask.run()}>
          Find
        </Button>
      </div>
      {answer && (
        <Table
          items={answer.items}
          ariaLabels={{ tableLabel: 'Who can' }}
          header={
            <Header
              variant="h2"
              counter={`(${answer.items.length})`}
              description={answer.resourceFound ? `The resource is account ${answer.resourceAccountId}’s.` : 'The resource is not known here: its own policy is left out.'}
            >
              Who can
            </Header>
          }
          empty={<Empty title="Nobody" />}
          columnDefinitions={[
            { id: 'principal', header: 'Principal', isRowHeader: true, cell: ({ principal }) => <code className="craton-secret">{principal}</code> },
            { id: 'kind', header: 'Kind', cell: ({ kind }) => label(kind) },
            {
              id: 'through',
              header: 'Through',
              cell: ({ through, unless }) => (
                <>
                  {through.map((one) => (
                    <div key={`${one.policyType} ${one.policy} ${one.sid}`} className="craton-stack">
                      {one.policyType}
                      {one.policy && ` ${one.policy}`}
                      {one.sid && ` (${one.sid})`}
                      {one.if.length > 0 && `, if ${one.if.join(' and ')}`}
                    </div>
                  ))}
                  {unless.length > 0 && <div className="craton-stack">Unless {unless.join(' or ')}</div>}
                </>
              ),
            },
          ]}
        />
      )}
    </SpaceBetween>
  )
}
