import type { ContentBlock, ConverseRequest, InferenceConfig, Message, OutputConfig } from '../../api/converse.ts'

/** Who is served first. */
export const PRIORITIES = [
  { value: 'normal', label: 'Normal' },
  { value: 'high', label: 'High: before all others' },
  { value: 'low', label: 'Low: in the background' },
] as const

/** After what a beginning is kept. */
export const CACHE_POINTS = [
  { value: 'none', label: 'None' },
  { value: 'system', label: 'After the system prompt' },
  { value: 'conversation', label: 'After the last question' },
] as const

/** What an answer must look like. */
export const FORMS = [
  { value: 'none', label: 'Any text' },
  { value: 'schema', label: 'JSON of a schema' },
  { value: 'regex', label: 'A regular expression' },
  { value: 'grammar', label: 'A Lark grammar' },
  { value: 'choice', label: 'One of several texts' },
] as const

/** What the user typed; an empty field leaves the choice to the model. */
export interface Settings {
  system: string
  temperature: string
  topP: string
  maxTokens: string
  /** One per line. */
  stopSequences: string
  topK: string
  minP: string
  seed: string
  frequencyPenalty: string
  presencePenalty: string
  /** The size of the n-gram that is never repeated; empty: off. */
  ngramSize: string
  /** Whether a repetition of the prompt is one. */
  ngramCountsPrompt: boolean
  loopDetection: boolean
  /** Copies of a block, its most tokens, and the copies' fewest tokens together; empty: the usual ones. */
  loopRepeats: string
  loopMaxPeriod: string
  loopMinTokens: string
  form: (typeof FORMS)[number]['value']
  /** The schema, the expression, the grammar, or a text per line. */
  formText: string
  priority: (typeof PRIORITIES)[number]['value']
  deterministic: boolean
  cachePoint: (typeof CACHE_POINTS)[number]['value']
}

export const INITIAL: Settings = {
  system: '',
  temperature: '',
  topP: '',
  maxTokens: '512',
  stopSequences: '',
  topK: '',
  minP: '',
  seed: '',
  frequencyPenalty: '',
  presencePenalty: '',
  ngramSize: '',
  ngramCountsPrompt: true,
  loopDetection: false,
  loopRepeats: '',
  loopMaxPeriod: '',
  loopMinTokens: '',
  form: 'none',
  formText: '',
  priority: 'normal',
  deterministic: false,
  cachePoint: 'none',
}

export type SettingsErrors = Partial<Record<keyof Settings, string>>

/** What cannot be sent, by field. */
export function check(settings: Settings): SettingsErrors {
  const errors: SettingsErrors = {}
  if (!isFraction(settings.temperature)) errors.temperature = 'A number from 0 to 1, or empty'
  if (!isFraction(settings.topP)) errors.topP = 'A number from 0 to 1, or empty'
  const tokens = settings.maxTokens.trim()
  if (tokens !== '' && !/^[1-9]\d{0,6}$/.test(tokens)) errors.maxTokens = 'A whole number, at least 1, or empty'
  if (stops(settings).length > 4) errors.stopSequences = 'At most four'
  const size = settings.ngramSize.trim()
  if (size !== '' && !(/^[1-9]\d{0,2}$/.test(size) && Number(size) <= 256)) errors.ngramSize = 'A whole number from 1 to 256, or empty'
  if (!isFraction(settings.minP)) errors.minP = 'A number from 0 to 1, or empty'
  for (const field of ['frequencyPenalty', 'presencePenalty'] as const) {
    if (!(Math.abs(Number(settings[field])) <= 2)) errors[field] = 'A number from -2 to 2, or empty'
  }
  for (const field of ['topK', 'seed'] as const) {
    if (!/^\d{0,9}$/.test(settings[field].trim())) errors[field] = 'A whole number, or empty'
  }
  for (const { field, least, most } of settings.loopDetection ? LOOP : []) {
    const text = settings[field].trim()
    if (text !== '' && !(/^\d{1,6}$/.test(text) && Number(text) >= least && Number(text) <= most)) {
      errors[field] = `A whole number from ${least} to ${most.toLocaleString('en-US')}, or empty`
    }
  }
  const wrong = formFault(settings)
  if (wrong !== undefined) errors.formText = wrong
  return errors
}

/** What a loop is made of, as the server names and bounds it. */
const LOOP = [
  { field: 'loopRepeats', name: 'repeats', least: 2, most: 1_000 },
  { field: 'loopMaxPeriod', name: 'max_period', least: 1, most: 1_024 },
  { field: 'loopMinTokens', name: 'min_tokens', least: 1, most: 100_000 },
] as const

/** What is wrong with the form of the answer. */
function formFault({ form, formText }: Settings): string | undefined {
  if (form === 'none') return undefined
  if (formText.trim() === '') return 'Say what the answer must look like'
  if (form !== 'schema') return undefined
  try {
    const schema: unknown = JSON.parse(formText)
    return typeof schema === 'object' && schema !== null && !Array.isArray(schema) ? undefined : 'A schema is a JSON object'
  } catch {
    return 'This is no JSON'
  }
}

/** The request that the settings stand for; the code view and the playground both use it. */
export function requestOf(settings: Settings, messages: Message[]): ConverseRequest {
  const config: InferenceConfig = {}
  if (settings.temperature.trim() !== '') config.temperature = Number(settings.temperature)
  if (settings.topP.trim() !== '') config.topP = Number(settings.topP)
  if (settings.maxTokens.trim() !== '') config.maxTokens = Number(settings.maxTokens)
  if (stops(settings).length > 0) config.stopSequences = stops(settings)
  const fields = additionalFields(settings)
  const system: ContentBlock[] = settings.system.trim() === '' ? [] : [{ text: settings.system }]
  if (system.length > 0 && settings.cachePoint === 'system') system.push(CACHE_POINT)
  return {
    messages: settings.cachePoint === 'conversation' ? pointed(messages) : messages,
    ...(system.length === 0 ? {} : { system }),
    ...(Object.keys(config).length === 0 ? {} : { inferenceConfig: config }),
    ...(settings.form === 'schema' ? { outputConfig: outputOf(settings.formText) } : {}),
    ...(Object.keys(fields).length === 0 ? {} : { additionalModelRequestFields: fields }),
    // AWS's stop reasons have no word for a loop.
    ...(settings.loopDetection ? { additionalModelResponseFieldPaths: ['/stop_reason_detail'] } : {}),
  }
}

const CACHE_POINT: ContentBlock = { cachePoint: { type: 'default' } }

function pointed(messages: Message[]): Message[] {
  return messages.map((message, at) =>
    at === messages.length - 1 ? { ...message, content: [...message.content, CACHE_POINT] } : message,
  )
}

function outputOf(schema: string): OutputConfig {
  return { textFormat: { type: 'json_schema', structure: { jsonSchema: { name: 'answer', schema } } } }
}

/** What AWS has no parameters for. */
function additionalFields(settings: Settings): Record<string, unknown> {
  const fields: Record<string, unknown> = {}
  const numbers = {
    top_k: settings.topK,
    min_p: settings.minP,
    seed: settings.seed,
    frequency_penalty: settings.frequencyPenalty,
    presence_penalty: settings.presencePenalty,
    no_repeat_ngram_size: settings.ngramSize,
  }
  for (const [name, text] of Object.entries(numbers)) {
    if (text.trim() !== '') fields[name] = Number(text)
  }
  if (settings.ngramSize.trim() !== '' && !settings.ngramCountsPrompt) fields['no_repeat_ngram_scope'] = 'output'
  if (settings.loopDetection) {
    const detail = LOOP.filter(({ field }) => settings[field].trim() !== '').map(({ field, name }) => [name, Number(settings[field])] as const)
    fields['loop_detection'] = detail.length === 0 ? true : Object.fromEntries(detail)
  }
  if (settings.priority !== 'normal') fields['priority'] = settings.priority
  if (settings.deterministic) fields['deterministic'] = true
  const { form, formText } = settings
  if (form === 'regex' || form === 'grammar') fields['structured_outputs'] = { [form]: formText }
  if (form === 'choice') fields['structured_outputs'] = { choice: formText.split('\n').filter((line) => line !== '') }
  return fields
}

function stops(settings: Settings): string[] {
  return settings.stopSequences.split('\n').filter((line) => line !== '')
}

function isFraction(text: string): boolean {
  if (text.trim() === '') return true
  const value = Number(text)
  return value >= 0 && value <= 1
}
