import Box from '@cloudscape-design/components/box'
import Header from '@cloudscape-design/components/header'
import Table from '@cloudscape-design/components/table'
import { PageLink } from '../../shell/router.tsx'
import { integer } from '../../ui/format.ts'
import { documentPath, type Failures } from './text.ts'

interface Props {
  id: string
  source: string
  failures: Failures
}

/** The documents that one sync could not read in, and why, whatever became of them since; nothing where all could be. */
export function FailedDocuments({ id, source, failures: { documents, untold } }: Props) {
  if (documents.length === 0) return null
  return (
    <Table
      items={documents}
      wrapLines
      ariaLabels={{ tableLabel: 'Documents that failed' }}
      header={
        <Header variant="h2" counter={`(${integer(documents.length + untold)})`} description="As this sync found them; the next one tries them again.">
          Documents that failed
        </Header>
      }
      columnDefinitions={[
        {
          id: 'name',
          header: 'Document',
          isRowHeader: true,
          minWidth: 260,
          cell: ({ name }) => <span className="craton-stack">{name === undefined ? '–' : <PageLink to={documentPath(id, source, name)}>{name}</PageLink>}</span>,
        },
        { id: 'reason', header: 'Reason', minWidth: 260, cell: ({ reason }) => <span className="craton-stack">{reason}</span> },
      ]}
      footer={untold > 0 && <Box color="text-body-secondary">{`And ${integer(untold)} more, whose reasons this sync does not tell.`}</Box>}
    />
  )
}
