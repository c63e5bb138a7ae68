/** An evaluation that is being put together in the wizard. */
import type { Kind, Tag } from '../../api/evaluations.ts'
import { METRICS, metricOf, SIMILARITY } from './metrics.ts'

export type Search = 'HYBRID' | 'SEMANTIC'

export interface RatingDraft {
  definition: string
  value: string
}

/** A metric of the user's own. */
export interface CustomDraft {
  name: string
  instructions: string
  /** What the labels count: numbers, words, or nothing: the judge's text is kept as it is. */
  scale: 'numbers' | 'words' | 'none'
  items: RatingDraft[]
}

/** A prompt that a knowledge base's answers are written by. */
export interface PromptDraft {
  name: string
  text: string
}

export interface PromptFaults {
  name?: string
  text?: string
}

export interface Draft {
  name: string
  description: string
  tags: Tag[]
  kind: Kind
  /** Whether the dataset brings the responses. */
  own: boolean
  /** What the dataset calls the system that gave them. */
  source: string
  model: string
  /** A second model to compare with, where there is one. */
  otherModel: string
  /** Of whatever model answers. */
  temperature: string
  maxTokens: string
  base: string
  generator: string
  search: Search
  results: string
  /** Whether there is a job for each of several settings of the search. */
  sweep: boolean
  searches: Search[]
  counts: string
  /** Knowledge bases of the same documents, chunked otherwise, that are tried beside the first. */
  otherBases: string[]
  /** The prompts that are tried beside them; none: the server's own alone. */
  prompts: PromptDraft[]
  judge: string
  /** How often the judge is asked for each verdict, in other words each time. */
  askings: number
  /** The price of the machine by the hour, where its cost is to be told. */
  pricePerHour: string
  /** The model of the embedding similarity; empty: Titan's. */
  embedder: string
  /** The chosen built-in and computed metrics, by name. */
  metrics: string[]
  custom: CustomDraft[]
  /** The judge of one's own metrics; empty: the same. */
  customJudge: string
  dataset: string
  output: string
  kmsKey: string
  ownRole: boolean
  roleArn: string
  newRole: string
}

export type Faults = Partial<Record<keyof Draft, string>> & { ofCustom: CustomFaults[] }
export interface CustomFaults {
  name?: string
  instructions?: string
  items?: string
}

/** Bedrock's own console calls the roles that it makes so. */
export const ROLE_PREFIX = 'Amazon-Bedrock-IAM-Role-'

export const VARIABLES = ['prompt', 'prediction', 'ground_truth', 'context', 'reference_contexts']

/** A new draft; `suffix` keeps its names apart from those of others. */
export function newDraft(suffix: string): Draft {
  return {
    name: `evaluation-${suffix}`,
    description: '',
    tags: [],
    kind: 'retrieve-and-generate',
    own: false,
    source: '',
    model: '',
    otherModel: '',
    temperature: '',
    maxTokens: '',
    base: '',
    generator: '',
    search: 'HYBRID',
    results: '10',
    sweep: false,
    searches: ['HYBRID', 'SEMANTIC'],
    counts: '3, 5, 10',
    otherBases: [],
    prompts: [],
    judge: '',
    askings: 1,
    pricePerHour: '',
    embedder: '',
    metrics: ['Builtin.Correctness', 'Builtin.Completeness', 'Builtin.Helpfulness', 'Builtin.LogicalCoherence', 'Builtin.Faithfulness'],
    custom: [],
    customJudge: '',
    dataset: '',
    output: '',
    kmsKey: '',
    ownRole: false,
    roleArn: '',
    newRole: `${ROLE_PREFIX}${suffix}`,
  }
}

export function newCustom(number: number): CustomDraft {
  return {
    name: `metric-${number}`,
    instructions: 'Is the response polite?\n\nPrompt: {{prompt}}\nResponse: {{prediction}}',
    scale: 'numbers',
    items: [
      { definition: 'rude', value: '0' },
      { definition: 'polite', value: '1' },
    ],
  }
}

/** Where the passages belong in a prompt. */
const PASSAGES = '$search_results$'
/** The server takes so many characters of a prompt. */
const LONGEST_PROMPT = 4_000
/** So many prompts are tried at most. */
export const MOST_PROMPTS = 10
/** So many knowledge bases are tried at most. */
export const MOST_BASES = 9
/** Bedrock takes so many tags. */
export const MOST_TAGS = 200

/** Another prompt to try, whose name no earlier one has. */
export function newPrompt(before: PromptDraft[]): PromptDraft {
  const taken = before.map(({ name }) => name.trim())
  const numbers = Array.from({ length: before.length + 1 }, (_, at) => at + 1)
  const number = numbers.find((one) => !taken.includes(`prompt-${one}.txt`)) ?? before.length + 1
  const text = `Answer the question in one sentence, from these passages alone.\n\n${PASSAGES}\n\n$output_format_instructions$`
  return { name: `prompt-${number}.txt`, text }
}

/** The draft with another kind: metrics that do not go with it are left out, those that have a counterpart are kept. */
export function withKind(draft: Draft, kind: Kind): Draft {
  const goes = (name: string) => metricOf(name)?.kinds.includes(kind) ?? false
  const twin = (name: string) => METRICS.find(({ label, kinds }) => label === metricOf(name)?.label && kinds.includes(kind))?.name
  const kept = draft.metrics.flatMap((name) => (goes(name) ? [name] : (twin(name) ?? [])))
  const metrics = kept.length > 0 ? kept : kind === 'retrieve-only' ? ['Builtin.ContextRelevance'] : ['Builtin.Correctness']
  return { ...draft, kind, metrics }
}

/** The result counts of a sweep; nothing where what was written is no list of them. */
export function countsOf(text: string): number[] | undefined {
  const parts = text.split(',').map((part) => part.trim()).filter(Boolean)
  const counts = parts.map(Number)
  const good = parts.every((part) => /^\d{1,3}$/.test(part)) && counts.every((count) => count >= 1 && count <= 100)
  return good && counts.length > 0 ? [...new Set(counts)] : undefined
}

/** Whether it asks a knowledge base. */
export function asksBase({ kind, own }: Draft): boolean {
  return kind !== 'model' && !own
}

/** Whether a job is made for each of several settings. */
export function sweeps(draft: Draft): boolean {
  return asksBase(draft) && draft.sweep
}

/** The knowledge bases that are tried: the chosen one, and those beside it where several settings are tried. */
export function basesOf(draft: Draft): string[] {
  const others = sweeps(draft) ? draft.otherBases.filter((id) => id !== draft.base) : []
  return [draft.base, ...others]
}

/** Whether a model writes answers that temperature and length can be said for. */
export function generates({ kind, own }: Draft): boolean {
  return !own && kind !== 'retrieve-only'
}

/** The prompts that are tried: only where a model answers from passages. */
export function promptsOf(draft: Draft): PromptDraft[] {
  return sweeps(draft) && draft.kind === 'retrieve-and-generate' ? draft.prompts : []
}

/** Whether anything is judged, and not only computed. */
export function needsJudge({ metrics, custom }: Draft): boolean {
  return metrics.some((name) => name.startsWith('Builtin.')) || custom.length > 0
}

/** How often the judge is asked for each verdict. */
export function askingsOf(draft: Draft): number {
  return needsJudge(draft) ? draft.askings : 1
}

/** The model behind this id computes the embedding similarity where no other is named. */
export const DEFAULT_EMBEDDER = 'amazon.titan-embed-text-v2:0'

/** The model of the embedding similarity; nothing where that is not computed. */
export function embedderOf({ metrics, embedder }: Draft): string | undefined {
  return metrics.includes(SIMILARITY) ? embedder.trim() || DEFAULT_EMBEDDER : undefined
}

/** Which judge one's own metrics have. */
export function customJudgeOf({ judge, customJudge }: Draft): string {
  return customJudge.trim() || judge.trim()
}

const JOB_NAME = /^[a-z0-9](-*[a-z0-9]){0,62}$/
const S3_URI = /^s3:\/\/[a-z0-9][-.a-z0-9]{1,61}[a-z0-9](\/[-!_*'().a-z0-9A-Z]+(\/[-!_*'().a-z0-9A-Z]+)*)?\/?$/
const ROLE = /^arn:aws(?:-[^:]+)?:iam::(\d{12}):role\/.+$/
const KEY = /^(arn:aws:kms:[a-z0-9-]+:\d{12}:(key\/[a-zA-Z0-9-]{36}|alias\/[a-zA-Z0-9/_-]+)|[a-zA-Z0-9-]{36}|alias\/[a-zA-Z0-9/_-]+)$/
const METRIC_NAME = /^[0-9a-zA-Z-_.]{1,63}$/
/** It is the name of a file on the command line, where commas stand between several. */
const PROMPT_NAME = /^[0-9a-zA-Z][0-9a-zA-Z_.-]{0,62}$/
/** How long Bedrock lets the name of a job be. */
const LONGEST_NAME = 63

/** What is added to the name of the job of a prompt, by its number from 1: nothing where there is only one. */
export function promptEnding(prompts: PromptDraft[], number: number): string {
  return prompts.length > 1 ? `-prompt${number}` : ''
}

/** What is added to the name of the job of a knowledge base, by its number from 1: nothing where there is only one. */
export function baseEnding(bases: string[], number: number): string {
  return bases.length > 1 ? `-base${number}` : ''
}

/** How long the name of a sweep may be: the longest ending of its jobs fits, whichever settings, bases and prompts are tried. */
export function longestSweptName(kind: Kind): number {
  const prompts = kind === 'retrieve-only' ? '' : `-prompt${MOST_PROMPTS}`
  return LONGEST_NAME - `-semantic-100-base${MOST_BASES}${prompts}`.length
}

/** How long a name may be, also where settings are tried, which is chosen on a later step. */
export function nameLimitText(draft: Draft): string {
  const swept = asksBase(draft) ? `; at most ${longestSweptName(draft.kind)} where several settings are tried` : ''
  return `At most ${LONGEST_NAME} small letters, digits and -, with a letter or digit at both ends${swept}`
}

/** What is wrong with a prompt after those before it. */
export function promptFaults({ name, text }: PromptDraft, before: PromptDraft[]): PromptFaults {
  const found: PromptFaults = {}
  if (!PROMPT_NAME.test(name.trim())) found.name = 'At most 63 letters, digits and . _ -, with a letter or digit first'
  else if (before.some((one) => one.name.trim() === name.trim())) found.name = 'Another template has this name'
  if (!text.includes(PASSAGES)) found.text = `Say where the passages belong: ${PASSAGES}`
  else if ([...text].length > LONGEST_PROMPT) found.text = `At most ${LONGEST_PROMPT.toLocaleString('en-US')} characters`
  return found
}

/** What cannot be sent, by field; the patterns are Bedrock's. */
export function faults(draft: Draft, account: string): Faults {
  const found: Faults = { ofCustom: draft.custom.map((one, at) => customFaults(one, draft.custom.slice(0, at))) }
  const rule = (field: keyof Draft, holds: boolean, text: string) => {
    if (!holds) found[field] = text
  }
  const prompts = promptsOf(draft)
  const most = longestSweptName(draft.kind)
  rule('name', JOB_NAME.test(draft.name) && draft.name.length <= LONGEST_NAME, 'No evaluation can have this name')
  // Told where it is chosen, which a fault of the name would lead away from.
  rule('sweep', !sweeps(draft) || draft.name.length <= most, `Where several settings are tried, the name of the evaluation has at most ${most} characters: ${draft.name} has ${draft.name.length}`)
  rule('description', draft.description.length <= 200, 'At most 200 characters')
  rule('tags', draft.tags.every(({ key }) => key.trim() !== ''), 'A tag needs a key')
  if (new Set(draft.tags.map(({ key }) => key.trim())).size < draft.tags.length) found.tags = 'Every tag has another key'
  if (draft.own) {
    rule('source', /^[a-zA-Z0-9][a-zA-Z0-9._-]{0,255}$/.test(draft.source.trim()), 'Letters, digits and . _ -, as the dataset has it')
  } else if (draft.kind === 'model') {
    rule('model', draft.model.trim() !== '', 'Choose the model that answers')
    rule('otherModel', draft.otherModel === '' || draft.otherModel !== draft.model, 'The same model: not a comparison')
  } else {
    rule('base', draft.base !== '', 'Choose a knowledge base')
    rule('generator', draft.kind === 'retrieve-only' || draft.generator.trim() !== '', 'Choose the model that answers')
    if (draft.sweep) {
      rule('otherBases', basesOf(draft).length <= MOST_BASES, `At most ${MOST_BASES} knowledge bases`)
      rule('counts', countsOf(draft.counts) !== undefined, 'Whole numbers from 1 to 100, with commas between them')
      rule('searches', draft.searches.length > 0, 'Choose at least one search type')
      rule('prompts', prompts.every((one, at) => Object.keys(promptFaults(one, prompts.slice(0, at))).length === 0), 'A prompt template cannot be used')
    } else {
      rule('results', /^\d{1,3}$/.test(draft.results.trim()) && within(draft.results, 1, 100), 'A whole number from 1 to 100')
    }
  }
  if (generates(draft)) {
    rule('temperature', draft.temperature.trim() === '' || within(draft.temperature, 0, 1), 'A number from 0 to 1')
    rule('maxTokens', draft.maxTokens.trim() === '' || (/^\d+$/.test(draft.maxTokens.trim()) && within(draft.maxTokens, 1, 65_536)), 'A whole number from 1 to 65,536')
  }
  rule('metrics', draft.metrics.length + draft.custom.length > 0, 'Choose at least one metric')
  rule('judge', !needsJudge(draft) || draft.judge.trim() !== '', 'Choose the model that judges')
  rule('pricePerHour', draft.pricePerHour.trim() === '' || within(draft.pricePerHour, 0, Number.MAX_VALUE), 'A number that is not negative')
  rule('dataset', S3_URI.test(draft.dataset.trim()) && draft.dataset.trim().split('/').length > 3 && !draft.dataset.trim().endsWith('/'), 'A file of JSON lines in a bucket: s3://BUCKET/FILE.jsonl')
  rule('output', S3_URI.test(draft.output.trim()), 'A folder in a bucket: s3://BUCKET/PREFIX/')
  rule('kmsKey', draft.kmsKey.trim() === '' || KEY.test(draft.kmsKey.trim()), 'The ARN, the id or the alias of a key')
  if (draft.ownRole) {
    const role = ROLE.exec(draft.roleArn.trim())
    rule('roleArn', role !== null, 'The ARN of a role: arn:aws:iam::ACCOUNT:role/NAME')
    if (role && role[1] !== account) found.roleArn = `The role must be of this account, ${account}`
  } else {
    rule('newRole', /^[\w+=,.@-]{1,64}$/.test(draft.newRole), 'At most 64 letters, digits and + = , . @ - _')
  }
  return found
}

function within(text: string, least: number, most: number): boolean {
  const value = Number(text)
  return text.trim() !== '' && value >= least && value <= most
}

function customFaults(custom: CustomDraft, before: CustomDraft[]): CustomFaults {
  const found: CustomFaults = {}
  const name = custom.name.trim()
  if (!METRIC_NAME.test(name)) found.name = 'At most 63 letters, digits and - _ .'
  else if (/^(Builtin|Craton)\./.test(name)) found.name = 'Names of built-in metrics begin so: choose another'
  else if (before.some((one) => one.name.trim() === name)) found.name = 'Another metric has this name'
  const unknown = [...custom.instructions.matchAll(/\{\{\s*([^}]*?)\s*\}\}/g)].map(([, variable = '']) => variable).find((variable) => !VARIABLES.includes(variable))
  if (custom.instructions.trim() === '') found.instructions = 'Say what the judge is to decide'
  else if (custom.instructions.length > 5000) found.instructions = 'At most 5,000 characters'
  else if (unknown !== undefined) found.instructions = `There is no {{${unknown}}}: the variables are ${VARIABLES.map((variable) => `{{${variable}}}`).join(', ')}`
  if (custom.scale === 'none') return found
  const definitions = custom.items.map(({ definition }) => definition.trim())
  const values = custom.items.map(({ value }) => value.trim())
  if (custom.items.length < 2 || custom.items.length > 10) found.items = 'A rating scale has 2 to 10 labels'
  else if (definitions.some((text) => text === '') || values.some((text) => text === '')) found.items = 'Every label has a definition and a value'
  else if (new Set(definitions).size < definitions.length) found.items = 'Every definition is another one'
  else if (custom.scale === 'numbers' && values.some((text) => !Number.isFinite(Number(text)))) found.items = 'The values of this scale are numbers'
  else if (custom.scale === 'numbers' && new Set(values.map(Number)).size < 2) found.items = 'The values must differ'
  return found
}

export const STEPS = ['details', 'system', 'metrics', 'data', 'review'] as const
export type Step = (typeof STEPS)[number]

const FIELDS: Record<Step, (keyof Draft)[]> = {
  details: ['name', 'description', 'tags'],
  system: ['source', 'model', 'otherModel', 'temperature', 'maxTokens', 'base', 'generator', 'results', 'sweep', 'otherBases', 'counts', 'searches', 'prompts'],
  metrics: ['metrics', 'judge', 'pricePerHour'],
  data: ['dataset', 'output', 'kmsKey', 'roleArn', 'newRole'],
  review: [],
}

/** Whether a step keeps one from going on. */
export function isBad(step: Step, found: Faults): boolean {
  if (step === 'metrics' && found.ofCustom.some((one) => Object.keys(one).length > 0)) return true
  return FIELDS[step].some((field) => found[field] !== undefined)
}

/** Five letters and digits, as AWS's console adds to names. */
export function newSuffix(): string {
  return crypto.randomUUID().replace(/-/g, '').slice(0, 5)
}
