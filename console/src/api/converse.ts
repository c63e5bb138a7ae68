import { bodyOf, framesOf } from '../eventstream/events.ts'
import type { Frame } from '../eventstream/frames.ts'
import { send, sendJson } from './http.ts'

/** A text, or a point up to which the prompt is worth keeping. */
export interface ContentBlock {
  text?: string
  cachePoint?: { type: 'default' }
}

export interface Message {
  role: 'user' | 'assistant'
  content: ContentBlock[]
}

export interface InferenceConfig {
  temperature?: number
  topP?: number
  maxTokens?: number
  stopSequences?: string[]
}

/** JSON of a schema, which is given as a text. */
export interface OutputConfig {
  textFormat: { type: 'json_schema'; structure: { jsonSchema: { name: string; schema: string } } }
}

/** The body of Bedrock's Converse and ConverseStream. */
export interface ConverseRequest {
  messages: Message[]
  system?: ContentBlock[]
  inferenceConfig?: InferenceConfig
  outputConfig?: OutputConfig
  /** What AWS has no parameters for. */
  additionalModelRequestFields?: Record<string, unknown>
  additionalModelResponseFieldPaths?: string[]
}

/** Tokens used. With cache points `inputTokens` are those that were neither taken from the cache nor kept in it. */
export interface TokenUsage {
  inputTokens: number
  outputTokens: number
  totalTokens: number
  cacheReadInputTokens?: number
  cacheWriteInputTokens?: number
}

/** The model that really answers, told by the answer's header before the first word. */
export interface ServedBy {
  name: string
  /** True if another model stands in for the AWS model that was asked. */
  substituted: boolean
}

export type ConverseEvent =
  | {
      type: 'start'
      servedBy: ServedBy | undefined
      requestId: string | undefined
      /** What the server found odd about the prompt, such as another vendor's control tokens in it. */
      warning?: string | undefined
    }
  | { type: 'text'; text: string }
  | {
      type: 'stop'
      /** AWS's word, or `loop`, for which AWS has none. */
      reason: string
    }
  | {
      type: 'metadata'
      usage: TokenUsage
      /** Milliseconds the server took. */
      latencyMs: number
    }

/** Asks a model and yields its answer as it is made. Aborting the signal stops the model. */
export async function* converseStream(
  modelId: string,
  request: ConverseRequest,
  signal: AbortSignal,
): AsyncGenerator<ConverseEvent> {
  const path = `/model/${encodeURIComponent(modelId)}/converse-stream`
  const response = await send(path, { method: 'POST', json: request, service: 'bedrock-runtime', signal })
  const requestId = response.headers.get('x-amzn-requestid') ?? undefined
  const warning = warningOf(response.headers.get('x-craton-warning'))
  yield { type: 'start', servedBy: servedByOf(response.headers.get('x-craton-served-by')), requestId, warning }
  for await (const frame of framesOf(response)) {
    const event = eventOf(frame, requestId)
    if (event) yield event
  }
}

/** Reads `smollm2-135m-instruct; substituted=true`. */
export function servedByOf(header: string | null): ServedBy | undefined {
  if (!header) return undefined
  const [name = '', ...parameters] = header.split(';').map((part) => part.trim())
  return name === '' ? undefined : { name, substituted: parameters.includes('substituted=true') }
}

/** Reads `prompt-format; the prompt holds …`: the words behind the kind. */
export function warningOf(header: string | null): string | undefined {
  const text = header?.slice(header.indexOf(';') + 1).trim()
  return text ? `${text.charAt(0).toUpperCase()}${text.slice(1)}.` : undefined
}

/** The event in a frame; `undefined` for kinds that the playground does not show. Throws a mid-stream exception. */
export function eventOf(frame: Frame, requestId?: string): ConverseEvent | undefined {
  const body = bodyOf(frame, requestId)
  switch (frame.headers[':event-type']) {
    case 'contentBlockDelta': {
      const { delta } = body as { delta: { text?: string } }
      return delta.text === undefined ? undefined : { type: 'text', text: delta.text }
    }
    case 'messageStop': {
      const { stopReason, additionalModelResponseFields: more } = body as {
        stopReason: string
        additionalModelResponseFields?: { stop_reason_detail?: string }
      }
      return { type: 'stop', reason: more?.stop_reason_detail ?? stopReason }
    }
    case 'metadata': {
      const { usage, metrics } = body as {
        usage: TokenUsage
        metrics?: { latencyMs: number }
      }
      return { type: 'metadata', usage, latencyMs: metrics?.latencyMs ?? 0 }
    }
    default:
      return undefined
  }
}

/** How many tokens a model reads of a conversation, with its system prompt and in its own template. */
export async function countTokens(modelId: string, { messages, system }: ConverseRequest): Promise<number> {
  const json = { input: { converse: { messages, ...(system ? { system } : {}) } } }
  const path = `/model/${encodeURIComponent(modelId)}/count-tokens`
  const answer = await sendJson<{ inputTokens: number }>(path, { method: 'POST', json, service: 'bedrock-runtime' })
  return answer.inputTokens
}
