import Autosuggest from '@cloudscape-design/components/autosuggest'
import Box from '@cloudscape-design/components/box'
import Container from '@cloudscape-design/components/container'
import ExpandableSection from '@cloudscape-design/components/expandable-section'
import FormField from '@cloudscape-design/components/form-field'
import Header from '@cloudscape-design/components/header'
import Input from '@cloudscape-design/components/input'
import SpaceBetween from '@cloudscape-design/components/space-between'
import { useCallback, useEffect, useState } from 'react'
import { listBuckets, listObjects } from '../../api/s3.ts'
import { CodeBlock } from '../../ui/CodeBlock.tsx'
import { ServiceRolePicker } from '../../ui/ServiceRolePicker.tsx'
import { useLoad } from '../../ui/useLoad.ts'
import { placeOf } from '../knowledge/draft.ts'
import { DatasetCheck } from './DatasetCheck.tsx'
import { optional, type StepProps } from './DetailsStep.tsx'
import type { Draft } from './draft.ts'
import { lineOf } from './lines.ts'

/** Where the prompts come from and the results go, and the role that may do it. */
export function DataStep({ draft, faults, all, onChange }: StepProps) {
  const fault = (field: 'dataset' | 'output' | 'roleArn') => (all || draft[field] !== '' ? faults[field] : undefined)
  return (
    <SpaceBetween size="l">
      <Container header={<Header variant="h2">Datasets</Header>}>
        <SpaceBetween size="m">
          <FormField
            label="Dataset"
            description="A file of JSON lines, a record each. AWS takes 1,000 of them; here there is no limit."
            errorText={fault('dataset')}
            stretch
          >
            <PlaceInput label="Dataset" value={draft.dataset} placeholder="s3://evals/in/dev1-eval.jsonl" files onChange={(dataset) => onChange({ dataset })} />
          </FormField>
          <DatasetCheck draft={draft} good={faults.dataset === undefined} />
          <ExpandableSection headerText="What a line looks like">
            <SpaceBetween size="xs">
              <CodeBlock code={lineOf(draft)} label="A line of the dataset" />
              <Box variant="small">
                Of prompts and completions, <code>craton eval convert PAIRS.jsonl DATASET.jsonl --kind {draft.kind === 'model' ? 'model' : draft.kind === 'retrieve-only' ? 'retrieve' : 'rag'}</code> makes one.
              </Box>
            </SpaceBetween>
          </ExpandableSection>
          <FormField label="Results" description="The folder for the results, in a folder of the evaluation's name." errorText={fault('output')} stretch>
            <PlaceInput label="Results" value={draft.output} placeholder="s3://evals/out/" onChange={(output) => onChange({ output })} />
          </FormField>
          <FormField label={optional('Encryption key')} description="The results are encrypted under it; without one as the bucket says." errorText={faults.kmsKey} stretch>
            <Input value={draft.kmsKey} spellcheck={false} placeholder="ARN, id or alias" onChange={({ detail }) => onChange({ kmsKey: detail.value })} />
          </FormField>
        </SpaceBetween>
      </Container>
      <ServiceRolePicker
        title="IAM role"
        description="What the evaluation does, it does as a role: read the dataset, ask the models, write the results."
        rights="It may do what this evaluation needs, and nothing else."
        example="Evaluator"
        role={draft}
        faults={{ roleArn: fault('roleArn'), newRole: faults.newRole }}
        onChange={onChange}
      />
    </SpaceBetween>
  )
}

interface PlaceProps {
  label: string
  value: string
  placeholder: string
  /** Whether files are offered, and not folders alone. */
  files?: boolean
  onChange: (value: Draft['dataset']) => void
}

/** How long after the last keystroke a folder is listed. */
const PAUSE_MS = 300

/** An S3 URI, with what is there offered while it is written: buckets, then folders and files. */
function PlaceInput({ label, value, placeholder, files = false, onChange }: PlaceProps) {
  const buckets = useLoad(listBuckets)
  const { bucket, key } = placeOf(value)
  const wanted = /^s3:\/\/[^/]+\//.test(value) ? `${bucket}/${key.slice(0, key.lastIndexOf('/') + 1)}` : ''
  const [asked, setAsked] = useState(wanted)
  useEffect(() => {
    const timer = window.setTimeout(() => setAsked(wanted), PAUSE_MS)
    return () => window.clearTimeout(timer)
  }, [wanted])
  const listing = useLoad(useCallback((signal: AbortSignal) => offered(asked, files, signal), [asked, files]))
  const options = wanted === '' ? (buckets.value ?? []).map(({ name }) => `s3://${name}/`) : (listing.value ?? [])
  return (
    <Autosuggest
      ariaLabel={label}
      value={value}
      enteredTextLabel={(text) => `Use ${text}`}
      placeholder={placeholder}
      options={options.map((uri) => ({ value: uri }))}
      empty={buckets.loading || listing.loading ? 'Looking' : 'Nothing matches'}
      onChange={({ detail }) => onChange(detail.value)}
    />
  )
}

/** The folders of `BUCKET/PREFIX`, and its files where they are wanted. Nothing where it cannot be read: it may be written all the same. */
async function offered(place: string, files: boolean, signal: AbortSignal): Promise<string[]> {
  if (place === '') return []
  const at = place.indexOf('/')
  const [bucket, prefix] = [place.slice(0, at), place.slice(at + 1)]
  const listing = await listObjects(bucket, prefix, undefined, signal).catch(() => undefined)
  if (!listing) return []
  const keys = [...listing.prefixes, ...(files ? listing.objects.map((object) => object.key) : [])]
  return keys.map((key) => `s3://${bucket}/${key}`)
}
