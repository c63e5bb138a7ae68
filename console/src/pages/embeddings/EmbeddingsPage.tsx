import Button from '@cloudscape-design/components/button'
import Container from '@cloudscape-design/components/container'
import FormField from '@cloudscape-design/components/form-field'
import Header from '@cloudscape-design/components/header'
import Input from '@cloudscape-design/components/input'
import LiveRegion from '@cloudscape-design/components/live-region'
import Select from '@cloudscape-design/components/select'
import SpaceBetween from '@cloudscape-design/components/space-between'
import Table from '@cloudscape-design/components/table'
import Textarea from '@cloudscape-design/components/textarea'
import { useState } from 'react'
import { listAliases } from '../../api/aliases.ts'
import { embed, type Embeddings } from '../../api/embeddings.ts'
import { listModels } from '../../api/models.ts'
import { ErrorAlert } from '../../ui/ErrorAlert.tsx'
import { integer } from '../../ui/format.ts'
import { useAction } from '../../ui/useAction.ts'
import { useLoad } from '../../ui/useLoad.ts'
import { usable } from '../playground/choices.ts'
import { beginning, cosine, embedders, faults, textsOf } from './vectors.ts'

/** Texts as vectors, and how near they are to each other. */
export default function EmbeddingsPage() {
  const models = useLoad(listModels)
  const aliases = useLoad(listAliases)
  const [chosen, setChosen] = useState('')
  const [lines, setLines] = useState('')
  const [dimensions, setDimensions] = useState('')
  const [found, setFound] = useState<{ texts: string[]; answer: Embeddings }>()
  const groups = embedders(models.value ?? [], aliases.value ?? [])
  const model = chosen || (usable(groups)[0]?.value ?? '')
  const wrong = faults(lines, dimensions)
  const ready = Object.keys(wrong).length === 0 && model !== ''
  const loading = models.loading || aliases.loading
  const failed = models.error ?? aliases.error
  const run = useAction(async () => {
    // What was found before is no answer to what is asked now.
    setFound(undefined)
    const texts = textsOf(lines)
    const length = dimensions.trim()
    setFound({ texts, answer: await embed(model, texts, length === '' ? undefined : Number(length)) })
  })
  return (
    <SpaceBetween size="m">
      <Header variant="h1" description="Texts as vectors, and the cosine of each pair: 1 is the same direction.">
        Embeddings
      </Header>
      <ErrorAlert error={models.error} title="Could not list the models" onRetry={models.reload} />
      <ErrorAlert error={aliases.error} title="Could not list the aliases" onRetry={aliases.reload} />
      <form
        onSubmit={(event) => {
          event.preventDefault()
          if (ready) void run.run()
        }}
      >
        <Container
          footer={
            <Button variant="primary" loading={run.busy} disabled={!ready}>
              Embed
            </Button>
          }
        >
          <SpaceBetween size="m">
            <FormField label="Model" stretch>
              <Select
                options={groups}
                filteringType="auto"
                empty="No embedding model is downloaded"
                statusType={loading ? 'loading' : failed ? 'error' : 'finished'}
                loadingText="Loading models"
                errorText={failed ? `Not all models could be listed: ${failed.message}` : ''}
                selectedOption={groups.flatMap(({ options }) => options).find(({ value }) => value === model) ?? null}
                onChange={({ detail }) => setChosen(detail.selectedOption.value ?? '')}
              />
            </FormField>
            <FormField label="Texts" description="One a line." errorText={lines === '' ? '' : (wrong.lines ?? '')} stretch>
              <Textarea value={lines} rows={5} placeholder={'A late return costs half a day.\nWhat does it cost to come back late?'} onChange={({ detail }) => setLines(detail.value)} />
            </FormField>
            <FormField label="Numbers of a vector" description="Empty for the model’s or the id’s own length." errorText={wrong.dimensions ?? ''}>
              <Input value={dimensions} inputMode="numeric" placeholder="256" onChange={({ detail }) => setDimensions(detail.value)} />
            </FormField>
          </SpaceBetween>
        </Container>
      </form>
      <ErrorAlert error={run.error} title="The texts could not be embedded" onDismiss={run.clearError} />
      <LiveRegion hidden>{found ? `${found.texts.length === 1 ? 'One text was' : `${found.texts.length} texts were`} embedded.` : ''}</LiveRegion>
      {found && <Vectors {...found} />}
    </SpaceBetween>
  )
}

function Vectors({ texts, answer: { vectors, tokens } }: { texts: string[]; answer: Embeddings }) {
  const rows = texts.map((text, at) => ({ at, text, vector: vectors[at] ?? [] }))
  return (
    <Table
      items={rows}
      trackBy={({ at }) => String(at)}
      wrapLines
      ariaLabels={{ tableLabel: 'Vectors' }}
      header={
        <Header variant="h2" description={`${integer(vectors[0]?.length)} numbers each; ${integer(tokens)} tokens read.`}>
          Vectors
        </Header>
      }
      columnDefinitions={[
        { id: 'text', header: 'Text', isRowHeader: true, minWidth: 200, cell: ({ at, text }) => `${at + 1}: ${text}` },
        { id: 'vector', header: 'Vector', minWidth: 170, cell: ({ vector }) => beginning(vector) },
        ...rows.map((other) => ({
          id: `with-${other.at}`,
          header: `Cosine with ${other.at + 1}`,
          minWidth: 100,
          cell: ({ vector }: (typeof rows)[number]) => cosine(vector, other.vector).toFixed(3),
        })),
      ]}
    />
  )
}
