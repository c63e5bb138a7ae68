/** What the lines of a dataset look like, by what is evaluated. */
import type { Draft } from './draft.ts'

const content = (text: string) => ({ content: [{ text }] })

/** One line. */
export function lineOf({ kind, own, source }: Pick<Draft, 'kind' | 'own' | 'source'>): string {
  const name = source.trim() || 'my-system'
  if (kind === 'model') {
    const asked = { prompt: 'Findings: …', referenceResponse: '1. No acute disease.' }
    return JSON.stringify(own ? { ...asked, modelResponses: [{ response: '1. No acute abnormality.', modelIdentifier: name }] } : asked)
  }
  const turn = { prompt: content('Findings: …'), referenceResponses: [content('1. No acute disease.')] }
  const results = { retrievalResults: [{ name: 'report-17', content: { text: 'No acute disease is seen.' }, metadata: {} }] }
  const output =
    kind === 'retrieve-only'
      ? { knowledgeBaseIdentifier: name, retrievedResults: results }
      : { text: '1. No acute abnormality.', knowledgeBaseIdentifier: name, retrievedPassages: results, citations: [] }
  return JSON.stringify({ conversationTurns: [own ? { ...turn, output } : turn] })
}
