import type { ConverseRequest, InferenceConfig, Message } from '../../api/converse.ts'

/** What the user typed; an empty field leaves the choice to the model. */
export interface Settings {
  system: string
  temperature: string
  topP: string
  maxTokens: string
  /** One per line. */
  stopSequences: string
}

export const INITIAL: Settings = { system: '', temperature: '', topP: '', maxTokens: '512', stopSequences: '' }

export type SettingsErrors = Partial<Record<keyof Settings, string>>

/** What cannot be sent, by field. */
export function check(settings: Settings): SettingsErrors {
  const errors: SettingsErrors = {}
  if (!isFraction(settings.temperature)) errors.temperature = 'A number from 0 to 1, or empty'
  if (!isFraction(settings.topP)) errors.topP = 'A number from 0 to 1, or empty'
  const tokens = settings.maxTokens.trim()
  if (tokens !== '' && !/^[1-9]\d{0,6}$/.test(tokens)) errors.maxTokens = 'A whole number, at least 1, or empty'
  if (stops(settings).length > 4) errors.stopSequences = 'At most four'
  return errors
}

/** The request that the settings stand for; the code view and the playground both use it. */
export function requestOf(settings: Settings, messages: Message[]): ConverseRequest {
  const config: InferenceConfig = {}
  if (settings.temperature.trim() !== '') config.temperature = Number(settings.temperature)
  if (settings.topP.trim() !== '') config.topP = Number(settings.topP)
  if (settings.maxTokens.trim() !== '') config.maxTokens = Number(settings.maxTokens)
  if (stops(settings).length > 0) config.stopSequences = stops(settings)
  return {
    messages,
    ...(settings.system.trim() === '' ? {} : { system: [{ text: settings.system }] }),
    ...(Object.keys(config).length === 0 ? {} : { inferenceConfig: config }),
  }
}

function stops(settings: Settings): string[] {
  return settings.stopSequences.split('\n').filter((line) => line !== '')
}

function isFraction(text: string): boolean {
  if (text.trim() === '') return true
  const value = Number(text)
  return value >= 0 && value <= 1
}
