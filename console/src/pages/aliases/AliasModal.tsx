import FormField from '@cloudscape-design/components/form-field'
import Input from '@cloudscape-design/components/input'
import RadioGroup from '@cloudscape-design/components/radio-group'
import Select from '@cloudscape-design/components/select'
import SpaceBetween from '@cloudscape-design/components/space-between'
import { useState } from 'react'
import { putAlias, type Alias, type AliasTarget } from '../../api/aliases.ts'
import type { Card } from '../../api/models.ts'
import { listPools } from '../../api/pools.ts'
import { useSession } from '../../shell/SessionContext.tsx'
import { ConfirmModal } from '../../ui/ConfirmModal.tsx'
import { useAction } from '../../ui/useAction.ts'
import { useLoad } from '../../ui/useLoad.ts'

interface Props {
  /** Absent: a new one. */
  alias: Alias | undefined
  models: Card[]
  /** Told the AWS id and what answers for it now. */
  onSaved: (modelId: string, answeredBy: string) => void
  onDismiss: () => void
}

/** Points an AWS model id at a local model or at an OpenAI-compatible server. */
export function AliasModal({ alias, models, onSaved, onDismiss }: Props) {
  const [modelId, setModelId] = useState(alias?.modelId ?? '')
  const [kind, setKind] = useState<'local' | 'upstream' | 'pool'>(alias?.upstream ? 'upstream' : alias?.pool ? 'pool' : 'local')
  const pools = useLoad(listPools)
  const [pool, setPool] = useState(alias?.pool ?? '')
  const { managesDeployment } = useSession()
  const [local, setLocal] = useState(alias?.local ?? '')
  const [baseUrl, setBaseUrl] = useState(alias?.upstream?.baseUrl ?? '')
  const [model, setModel] = useState(alias?.upstream?.model ?? '')
  const [apiKey, setApiKey] = useState('')

  const id = modelId.trim()
  const urlIsGood = /^https?:\/\/\S+$/.test(baseUrl.trim())
  const complete = id !== '' && (kind === 'local' ? local !== '' : kind === 'pool' ? pool !== '' : urlIsGood && model.trim() !== '')
  const save = useAction(async () => {
    const upstream = { baseUrl: baseUrl.trim(), model: model.trim(), ...(apiKey ? { apiKey } : {}) }
    const target: AliasTarget = kind === 'local' ? { local } : kind === 'pool' ? { pool } : { upstream }
    await putAlias(id, target)
    onSaved(id, kind === 'local' ? local : kind === 'pool' ? `pool:${pool}` : `${model.trim()} at ${baseUrl.trim()}`)
  })

  const options = models.map((card) => ({
    value: card.name,
    label: card.name,
    description: `${card.kind === 'text' ? 'Text' : 'Embedding'}, ${card.state === 'ready' ? 'downloaded' : 'not downloaded'}`,
  }))
  return (
    <ConfirmModal
      title={alias ? 'Change alias' : 'Add alias'}
      confirmLabel="Save"
      busy={save.busy}
      error={save.error}
      disabled={!complete}
      onConfirm={() => void save.run()}
      onDismiss={onDismiss}
    >
      <SpaceBetween size="m">
        <FormField label="AWS model id" stretch>
          <Input
            value={modelId}
            readOnly={alias !== undefined}
            spellcheck={false}
            placeholder="anthropic.claude-3-5-sonnet-20241022-v2:0"
            onChange={({ detail }) => setModelId(detail.value)}
          />
        </FormField>
        <FormField label="Answered by">
          <RadioGroup
            value={kind}
            items={[
              { value: 'local', label: 'A model on this server' },
              {
                value: 'upstream',
                label: 'An OpenAI-compatible server',
                description: managesDeployment
                  ? 'vLLM, Ollama, llama-server. Prompts are sent there.'
                  : 'Only administrators of the deployment’s first account set one.',
                disabled: !managesDeployment,
              },
              {
                value: 'pool',
                label: 'A pool of such servers',
                description: pools.value?.length === 0 ? 'There is none yet.' : '',
                disabled: !pools.value?.length,
              },
            ]}
            onChange={({ detail }) => setKind(detail.value as typeof kind)}
          />
        </FormField>
        {kind === 'local' ? (
          <FormField label="Model" stretch>
            <Select
              options={options}
              selectedOption={options.find((option) => option.value === local) ?? null}
              placeholder="Choose a model"
              filteringType="auto"
              onChange={({ detail }) => setLocal(detail.selectedOption.value ?? '')}
            />
          </FormField>
        ) : kind === 'pool' ? (
          <FormField label="Pool" stretch>
            <Select
              options={(pools.value ?? []).map(({ name }) => ({ value: name, label: name }))}
              selectedOption={pool === '' ? null : { value: pool, label: pool }}
              placeholder="Choose a pool"
              onChange={({ detail }) => setPool(detail.selectedOption.value ?? '')}
            />
          </FormField>
        ) : (
          <>
            <FormField
              label="Base URL"
              stretch
              errorText={baseUrl !== '' && !urlIsGood ? 'Starts with http:// or https://' : ''}
            >
              <Input
                value={baseUrl}
                type="url"
                placeholder="http://gpu-host:8000/v1"
                onChange={({ detail }) => setBaseUrl(detail.value)}
              />
            </FormField>
            <FormField label="Model there" stretch>
              <Input
                value={model}
                spellcheck={false}
                placeholder="mistral-small"
                onChange={({ detail }) => setModel(detail.value)}
              />
            </FormField>
            <FormField
              label={
                <span>
                  API key <i>- optional</i>
                </span>
              }
              description={
                alias?.upstream?.hasApiKey
                  ? 'There is one now. Enter it again to keep it: an empty field removes it.'
                  : 'Kept encrypted; never shown again.'
              }
              stretch
            >
              <Input
                value={apiKey}
                type="password"
                autoComplete="off"
                onChange={({ detail }) => setApiKey(detail.value)}
              />
            </FormField>
          </>
        )}
      </SpaceBetween>
    </ConfirmModal>
  )
}
