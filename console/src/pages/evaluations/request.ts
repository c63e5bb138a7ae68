/** What a draft asks for: the requests, and the role that may do it. */
import type { CustomMetricDefinition, DatasetCheckRequest, EvaluationRequest, InferenceConfig, RatingItem, RetrievalConfiguration } from '../../api/evaluations.ts'
import { modelArn, placeOf } from '../knowledge/draft.ts'
import { askingsOf, asksBase, baseEnding, basesOf, countsOf, customJudgeOf, DEFAULT_EMBEDDER, embedderOf, needsJudge, promptEnding, promptsOf, sweeps, type CustomDraft, type Draft, type PromptDraft, type Search } from './draft.ts'
import { bedrockTrust, policy } from '../../ui/serviceTrust.ts'

export interface Setting {
  /** What is added to the name of the job of this setting. */
  ending: string
  /** The knowledge base. */
  base: string
  search: Search
  results: number
  /** What the generator is told, where it is not the server's own. */
  prompt?: string
}

/** The settings that jobs are made for: one, unless it sweeps. */
export function settingsOf(draft: Draft): Setting[] {
  if (!sweeps(draft)) return [{ ending: '', base: draft.base, search: draft.search, results: Number(draft.results) }]
  const [counts, bases, prompts] = [countsOf(draft.counts) ?? [], basesOf(draft), promptsOf(draft)]
  const searched = (base: string, prompt: PromptDraft | undefined, ending: string) =>
    draft.searches.flatMap((search) =>
      counts.map((results): Setting => ({ ending: `-${search.toLowerCase()}-${results}${ending}`, base, search, results, ...(prompt ? { prompt: prompt.text } : {}) })),
    )
  return bases.flatMap((base, number) => {
    const ending = baseEnding(bases, number + 1)
    if (prompts.length === 0) return searched(base, undefined, ending)
    return prompts.flatMap((prompt, at) => searched(base, prompt, `${ending}${promptEnding(prompts, at + 1)}`))
  })
}

/** What a dataset is called: its file without its ending. */
export function datasetName(uri: string): string {
  const file = uri.trim().split('/').pop() ?? ''
  return file.replace(/\.jsonl?$/, '').replace(/[^0-9a-zA-Z-_.]/g, '-').slice(0, 63) || 'dataset'
}

export function requestOf(draft: Draft, roleArn: string, setting: Setting): EvaluationRequest {
  const description = draft.description.trim()
  const kmsKey = draft.kmsKey.trim()
  const judges = (modelIdentifier: string) => ({ bedrockEvaluatorModels: [{ modelIdentifier }] })
  const custom = draft.custom.map((one) => ({ customMetricDefinition: definitionOf(one) }))
  return {
    jobName: draft.name + setting.ending,
    ...(description ? { jobDescription: description } : {}),
    roleArn,
    ...(kmsKey ? { customerEncryptionKeyId: kmsKey } : {}),
    ...(draft.tags.length > 0 ? { jobTags: draft.tags.map(({ key, value }) => ({ key: key.trim(), value })) } : {}),
    evaluationConfig: {
      automated: {
        datasetMetricConfigs: [
          {
            taskType: 'Custom',
            dataset: { name: datasetName(draft.dataset), datasetLocation: { s3Uri: draft.dataset.trim() } },
            metricNames: metricNamesOf(draft),
          },
        ],
        ...(draft.metrics.some((name) => name.startsWith('Builtin.')) ? { evaluatorModelConfig: judges(draft.judge.trim()) } : {}),
        ...(custom.length > 0 ? { customMetricConfig: { customMetrics: custom, evaluatorModelConfig: judges(customJudgeOf(draft)) } } : {}),
      },
    },
    inferenceConfig: inferenceOf(draft, setting),
    outputDataConfig: { s3Uri: draft.output.trim() },
    ...cratonOf(draft),
  }
}

/** What Craton alone can be asked for; nothing where it is as usual. */
function cratonOf(draft: Draft): Pick<EvaluationRequest, 'craton'> {
  const askings = askingsOf(draft)
  const embedder = embedderOf(draft)
  const craton = {
    ...(askings > 1 ? { askings } : {}),
    ...(draft.pricePerHour.trim() === '' ? {} : { pricePerHour: Number(draft.pricePerHour) }),
    ...(embedder === undefined || embedder === DEFAULT_EMBEDDER ? {} : { embeddingModelId: embedder }),
  }
  return Object.keys(craton).length === 0 ? {} : { craton }
}

/** What the dataset is looked at for. */
export function datasetCheckOf(draft: Draft): DatasetCheckRequest {
  const kind = ({ model: 'model', 'retrieve-only': 'retrieve', 'retrieve-and-generate': 'rag' } as const)[draft.kind]
  const customMetrics = draft.custom.map((one) => ({ customMetricDefinition: definitionOf(one) }))
  const own = customMetrics.length > 0 ? { customMetrics } : {}
  const judge = draft.judge.trim()
  const judged = needsJudge(draft) && judge !== '' ? { judge } : {}
  return { kind, ownResponses: draft.own, ...judged, metricNames: metricNamesOf(draft), ...own, s3Uri: draft.dataset.trim(), unlimited: true }
}

function inferenceOf(draft: Draft, { base, search, results, prompt }: Setting): InferenceConfig {
  const source = draft.source.trim()
  if (draft.kind === 'model') {
    if (draft.own) return { models: [{ precomputedInferenceSource: { inferenceSourceIdentifier: source } }] }
    const inferenceConfig = parametersOf(draft)
    // Bedrock takes them as text.
    const inferenceParams = inferenceConfig && JSON.stringify({ inferenceConfig })
    const model = (modelIdentifier: string) => ({ bedrockModel: { modelIdentifier, ...(inferenceParams ? { inferenceParams } : {}) } })
    return { models: [draft.model, draft.otherModel].filter((id) => id !== '').map(model) }
  }
  const retrieval: RetrievalConfiguration = { vectorSearchConfiguration: { numberOfResults: results, overrideSearchType: search } }
  if (draft.kind === 'retrieve-only') {
    const retrieveConfig = { knowledgeBaseId: base, knowledgeBaseRetrievalConfiguration: retrieval }
    return { ragConfigs: [draft.own ? { precomputedRagSourceConfig: { retrieveSourceConfig: { ragSourceIdentifier: source } } } : { knowledgeBaseConfig: { retrieveConfig } }] }
  }
  if (draft.own) return { ragConfigs: [{ precomputedRagSourceConfig: { retrieveAndGenerateSourceConfig: { ragSourceIdentifier: source } } }] }
  const textInferenceConfig = parametersOf(draft)
  const generationConfiguration = {
    ...(prompt === undefined ? {} : { promptTemplate: { textPromptTemplate: prompt } }),
    ...(textInferenceConfig ? { kbInferenceConfig: { textInferenceConfig } } : {}),
  }
  const generation = Object.keys(generationConfiguration).length === 0 ? {} : { generationConfiguration }
  const knowledgeBaseConfiguration = { knowledgeBaseId: base, modelArn: draft.generator.trim(), retrievalConfiguration: retrieval, ...generation }
  return { ragConfigs: [{ knowledgeBaseConfig: { retrieveAndGenerateConfig: { type: 'KNOWLEDGE_BASE', knowledgeBaseConfiguration } } }] }
}

/** All metrics, those of one's own last. */
function metricNamesOf({ metrics, custom }: Draft): string[] {
  return [...metrics, ...custom.map(({ name }) => name.trim())]
}

/** Temperature and most tokens; nothing where they are as usual. */
function parametersOf({ temperature, maxTokens }: Draft): { temperature?: number; maxTokens?: number } | undefined {
  const number = (name: string, text: string) => (text.trim() === '' ? {} : { [name]: Number(text) })
  const parameters = { ...number('maxTokens', maxTokens), ...number('temperature', temperature) }
  return Object.keys(parameters).length === 0 ? undefined : parameters
}

/** A metric of one's own as Bedrock takes it. */
export function definitionOf({ name, instructions, scale, items }: CustomDraft): CustomMetricDefinition {
  const rating = ({ definition, value }: CustomDraft['items'][number]): RatingItem => ({
    definition: definition.trim(),
    value: scale === 'numbers' ? { floatValue: Number(value) } : { stringValue: value.trim() },
  })
  return { name: name.trim(), instructions, ...(scale === 'none' ? {} : { ratingScale: items.map(rating) }) }
}

/** The models that are asked: judges, generators, and that of the embedding similarity, each once. */
export function modelsOf(draft: Draft): string[] {
  const judges = needsJudge(draft) ? [draft.judge, ...(draft.custom.length > 0 ? [customJudgeOf(draft)] : [])] : []
  const generators = draft.own ? [] : draft.kind === 'model' ? [draft.model, draft.otherModel] : draft.kind === 'retrieve-only' ? [] : [draft.generator]
  const embedder = embedderOf(draft)
  return [...new Set([...judges, ...generators, ...(embedder === undefined ? [] : [embedder])].map((id) => id.trim()).filter((id) => id !== ''))]
}

/** Lets Bedrock take the role on, for evaluations of this account. */
export function trustPolicy(account: string, region: string): string {
  return bedrockTrust(account, region, 'evaluation-job')
}

/** Keys of customers that buckets are encrypted under, where they are. */
export interface Keys {
  dataset?: string
  output?: string
}

/** Lets the role read the dataset, write the results, ask the models, and ask the knowledge base. */
export function rolePolicy(draft: Draft, region: string, account: string, keys: Keys = {}): string {
  const [dataset, output] = [placeOf(draft.dataset), placeOf(draft.output)]
  const ofAccount = { StringEquals: { 'aws:ResourceAccount': account } }
  const models = modelsOf(draft).map((id) => modelArn(id, region))
  const bases = basesOf(draft).map((base) => `arn:aws:bedrock:${region}:${account}:knowledge-base/${base}`)
  const ownKey = draft.kmsKey.trim().startsWith('arn:') ? draft.kmsKey.trim() : undefined
  const written = [...new Set([keys.output, ownKey].filter((key) => key !== undefined))]
  return policy([
    { Sid: 'ReadTheDataset', Effect: 'Allow', Action: 's3:GetObject', Resource: `arn:aws:s3:::${dataset.bucket}/${dataset.key}`, Condition: ofAccount },
    { Sid: 'WriteResults', Effect: 'Allow', Action: 's3:PutObject', Resource: `arn:aws:s3:::${output.bucket}/${output.key}*`, Condition: ofAccount },
    ...(models.length > 0 ? [{ Sid: 'AskModels', Effect: 'Allow', Action: 'bedrock:InvokeModel', Resource: models }] : []),
    ...(asksBase(draft) ? [{ Sid: 'Retrieve', Effect: 'Allow', Action: 'bedrock:Retrieve', Resource: bases.length === 1 ? bases[0] : bases }] : []),
    // The operation has no resource.
    ...(asksBase(draft) && draft.kind !== 'retrieve-only' ? [{ Sid: 'Generate', Effect: 'Allow', Action: 'bedrock:RetrieveAndGenerate', Resource: '*' }] : []),
    ...(keys.dataset ? [{ Sid: 'Decrypt', Effect: 'Allow', Action: 'kms:Decrypt', Resource: keys.dataset }] : []),
    ...(written.length > 0 ? [{ Sid: 'Encrypt', Effect: 'Allow', Action: ['kms:GenerateDataKey', 'kms:Decrypt'], Resource: written }] : []),
  ])
}
