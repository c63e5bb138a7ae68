/** The settings of the test page. */
import type { Asked, SearchType } from '../../api/retrieval.ts'
import type { Mode } from './code.ts'
import { modelArn } from './draft.ts'
import { filterOf, isGood, NO_FILTER, type FilterDraft } from './filters.ts'

export interface Settings {
  mode: Mode
  /** Empty: the first that can be used. */
  modelId: string
  /** Whether a model's answer is shown as it is written. */
  streamed: boolean
  searchType: SearchType | 'DEFAULT'
  numberOfResults: string
  /** Empty: the caller. */
  userId: string
  filter: FilterDraft
  /** Empty: none. */
  rerankingModelId: string
  neighbours: string
  keepsDuplicates: boolean
}

export const INITIAL: Settings = {
  mode: 'extractive',
  modelId: '',
  streamed: true,
  searchType: 'DEFAULT',
  numberOfResults: '5',
  userId: '',
  filter: NO_FILTER,
  rerankingModelId: '',
  neighbours: '0',
  keepsDuplicates: false,
}

export const MODES = [
  { value: 'retrieve', label: 'Retrieve', description: 'The passages alone, best first.' },
  { value: 'extractive', label: 'Quote', description: 'Their best sentences, word for word. No model writes anything.' },
  { value: 'generate', label: 'Generate', description: 'A model answers out of the passages and cites them.' },
] as const

export const SEARCH_TYPES = [
  { value: 'DEFAULT', label: 'Default', description: 'Hybrid, as knowledge bases here search' },
  { value: 'HYBRID', label: 'Hybrid', description: 'By words and by meaning' },
  { value: 'SEMANTIC', label: 'Semantic', description: 'By meaning alone' },
  { value: 'LEXICAL', label: 'Lexical', description: 'By words alone; not in AWS’s API' },
] as const

/** AWS's API has no search by words alone, so no model answers out of one. */
export function searchTypesOf(mode: Mode): (typeof SEARCH_TYPES)[number][] {
  return SEARCH_TYPES.filter(({ value }) => mode !== 'generate' || value !== 'LEXICAL')
}

/** Whether an answer is shown as it is written. AWS's stream knows neither neighbours nor passages that say the same. */
export function isStreamed({ streamed, ...settings }: Settings): boolean {
  return streamed && !hasOwnSettings(settings)
}

/** Whether something is set that only Craton's own API knows. */
export function hasOwnSettings({ neighbours, keepsDuplicates }: Pick<Settings, 'neighbours' | 'keepsDuplicates'>): boolean {
  return keepsDuplicates || Number(neighbours) > 0
}

export type SettingsErrors = Partial<Record<keyof Settings, string>>

/** What cannot be sent, by field. */
export function check(settings: Settings): SettingsErrors {
  const errors: SettingsErrors = {}
  const results = settings.numberOfResults.trim()
  if (!/^\d{1,3}$/.test(results) || Number(results) < 1 || Number(results) > 100) errors.numberOfResults = 'A whole number from 1 to 100'
  if (!/^(\d|10)$/.test(settings.neighbours.trim())) errors.neighbours = 'A whole number from 0 to 10'
  if (!isGood(settings.filter)) errors.filter = 'The filter is not complete'
  return errors
}

/** The question with its settings, in a region of AWS's; only for settings that are good. */
export function askedOf(settings: Settings, text: string, region: string): Asked {
  const filter = isGood(settings.filter) ? filterOf(settings.filter) : undefined
  const userId = settings.userId.trim()
  const searchType = searchTypesOf(settings.mode).some(({ value }) => value === settings.searchType) ? settings.searchType : 'DEFAULT'
  return {
    text,
    numberOfResults: Number(settings.numberOfResults),
    ...(searchType === 'DEFAULT' ? {} : { searchType }),
    ...(filter ? { filter } : {}),
    ...(userId ? { userId } : {}),
    ...(settings.rerankingModelId ? { rerankingModelId: modelArn(settings.rerankingModelId, region) } : {}),
    ...(Number(settings.neighbours) > 0 ? { neighbours: Number(settings.neighbours) } : {}),
    ...(settings.keepsDuplicates ? { nearDuplicates: true } : {}),
  }
}
