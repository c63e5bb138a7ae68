import { sendJson } from './http.ts'

/** What a model writes after a raw text, through InvokeModel. */
export async function continueText(modelId: string, prompt: string, maxTokens: number, signal?: AbortSignal): Promise<string> {
  const path = `/model/${encodeURIComponent(modelId)}/invoke`
  const json = { prompt, max_tokens: maxTokens }
  type Answer = { choices?: { text?: string }[] }
  const answer = await sendJson<Answer>(path, { method: 'POST', json, service: 'bedrock-runtime', signal })
  return answer.choices?.[0]?.text ?? ''
}
