import Button from '@cloudscape-design/components/button'
import Header from '@cloudscape-design/components/header'
import SpaceBetween from '@cloudscape-design/components/space-between'
import Table from '@cloudscape-design/components/table'
import { useCallback, useState } from 'react'
import { idOf, listImportedModels } from '../../api/imports.ts'
import { navigate, PageLink } from '../../shell/router.tsx'
import { Empty } from '../../ui/Empty.tsx'
import { ErrorAlert } from '../../ui/ErrorAlert.tsx'
import { Time } from '../../ui/Time.tsx'
import { NONE, usePages } from '../../ui/usePages.ts'
import { NameFilter } from './NameFilter.tsx'
import { Paging } from './Paging.tsx'
import { modelPath } from './parts.tsx'

/** What Bedrock takes as a part of a name; no name holds anything else. */
const PART = /^([0-9a-zA-Z][_-]?)+$/

/** The imported models of the account, the newest first. */
export function ModelList() {
  const [name, setName] = useState('')
  const load = useCallback(
    (token: string | undefined, signal: AbortSignal) =>
      name && !PART.test(name) ? NONE : listImportedModels(name ? { nameContains: name } : {}, token, signal),
    [name],
  )
  const models = usePages(load)
  return (
    <SpaceBetween size="m">
      <ErrorAlert error={models.error} title="Could not list the imported models" onRetry={models.reload} />
      <Table
        items={models.value?.items ?? []}
        trackBy="modelArn"
        wrapLines
        loading={models.loading}
        loadingText="Loading imported models"
        ariaLabels={{ tableLabel: 'Imported models' }}
        header={
          <Header variant="h2" actions={<Button iconName="refresh" ariaLabel="Refresh the models" onClick={models.reload} />}>
            Models
          </Header>
        }
        filter={<NameFilter label="Find imported models" value={name} onChange={setName} />}
        pagination={<Paging pages={models} of="imported models" />}
        empty={
          name ? (
            <Empty title="No model's name holds this" />
          ) : (
            <Empty title="No imported models yet">
              <PageLink to="/imported-models?import=source">Import one</PageLink>: name a folder with a Hugging Face checkpoint in a
              bucket of this account or of another.
            </Empty>
          )
        }
        columnDefinitions={[
          {
            id: 'name',
            header: 'Name',
            isRowHeader: true,
            minWidth: 200,
            cell: ({ modelArn, modelName }) => <PageLink to={modelPath(idOf(modelArn))}>{modelName}</PageLink>,
          },
          { id: 'architecture', header: 'Architecture', minWidth: 180, cell: ({ modelArchitecture }) => modelArchitecture ?? '–' },
          { id: 'created', header: 'Imported', minWidth: 175, cell: ({ creationTime }) => <Time iso={creationTime} /> },
          {
            id: 'actions',
            header: 'Actions',
            minWidth: 110,
            cell: ({ modelArn, modelName, instructSupported }) => (
              <Button
                variant="inline-link"
                ariaLabel={`Try ${modelName}`}
                onClick={() =>
                  navigate(instructSupported === false ? modelPath(idOf(modelArn)) : `/playground?model=${encodeURIComponent(modelArn)}`)
                }
              >
                Try it
              </Button>
            ),
          },
        ]}
      />
    </SpaceBetween>
  )
}
