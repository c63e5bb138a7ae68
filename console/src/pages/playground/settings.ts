import type { ContentBlock, ConverseRequest, InferenceConfig, Message } from '../../api/converse.ts'

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

/** What the user typed; an empty field leaves the choice to the model. */
export interface Settings {
  system: string
  temperature: string
  topP: string
  maxTokens: string
  /** One per line. */
  stopSequences: string
  /** The size of the n-gram that is never repeated; empty: off. */
  ngramSize: string
  /** Whether a repetition of the prompt is one. */
  ngramCountsPrompt: boolean
  loopDetection: boolean
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
  ngramSize: '',
  ngramCountsPrompt: true,
  loopDetection: false,
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
  return errors
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

/** What AWS has no parameters for. */
function additionalFields(settings: Settings): Record<string, string | number | boolean> {
  const fields: Record<string, string | number | boolean> = {}
  if (settings.ngramSize.trim() !== '') {
    fields['no_repeat_ngram_size'] = Number(settings.ngramSize)
    if (!settings.ngramCountsPrompt) fields['no_repeat_ngram_scope'] = 'output'
  }
  if (settings.loopDetection) fields['loop_detection'] = true
  if (settings.priority !== 'normal') fields['priority'] = settings.priority
  if (settings.deterministic) fields['deterministic'] = true
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
