import type { ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { endpointModel } from './endpoints.ts'
import { encodeEvent, encodeException } from './frames.ts'
import type { State } from './state.ts'

const PIECE_MS = 15

/** Streams a made-up answer. A prompt with "long" gets a long one, one with "fail" breaks off in the middle, one
 * with "loop" is ended as one that repeats itself, where that is asked for, and one with "busy" finds the quota used up. */
export async function converseStream(state: State, path: string, body: string, response: ServerResponse): Promise<void> {
  const invoked = /^\/model\/([^/]+)\/invoke$/.exec(path)?.[1]
  if (invoked !== undefined) {
    response.writeHead(200, { 'content-type': 'application/json' })
    response.end(JSON.stringify({ choices: [{ text: ' cools slowly, deep in the ground.' }] }))
    return
  }
  if (/^\/model\/[^/]+\/count-tokens$/.test(path)) {
    response.writeHead(200, { 'content-type': 'application/json' })
    response.end(JSON.stringify({ inputTokens: 1234 }))
    return
  }
  const modelId = decodeURIComponent(/^\/model\/([^/]+)\/converse-stream$/.exec(path)?.[1] ?? '')
  const name = state.aliases.get(modelId)?.local ?? modelId
  const imported = state.imports.models.find((one) => one.modelArn === modelId)
  const endpoint = endpointModel(state, modelId)
  const card = state.cards.find((one) => one.name === name)
  if (!imported && !endpoint && card?.state !== 'ready') {
    response.writeHead(404, { 'content-type': 'application/json', 'x-amzn-errortype': 'ResourceNotFoundException' })
    response.end(JSON.stringify({ message: `The model \`${modelId}\` is not pulled: run \`craton models pull ${name}\`` }))
    return
  }
  const request = JSON.parse(body) as {
    messages: { content: { text?: string }[] }[]
    system?: { cachePoint?: object }[]
    additionalModelRequestFields?: { loop_detection?: boolean }
    additionalModelResponseFieldPaths?: string[]
  }
  const record = { modelId, body: request as unknown, aborted: false }
  state.converse.push(record)
  response.on('close', () => {
    record.aborted = !response.writableEnded
  })

  const prompt = request.messages.at(-1)?.content[0]?.text ?? ''
  if (prompt.includes('busy')) {
    response.writeHead(429, { 'content-type': 'application/json', 'x-amzn-errortype': 'ThrottlingException', 'retry-after': '12' })
    response.end(JSON.stringify({ message: 'Too many requests, please wait before trying again.' }))
    return
  }
  const looped = prompt.includes('loop') && request.additionalModelRequestFields?.loop_detection === true
  const speaker = imported?.modelName ?? endpoint?.servedModel ?? name
  const words = `${speaker} says: you asked “${prompt}”. `.repeat(prompt.includes('long') ? 60 : 2).split(/(?<= )/)
  response.writeHead(200, {
    'content-type': 'application/vnd.amazon.eventstream',
    'x-craton-served-by': `${speaker}; substituted=${endpoint ? endpoint.model !== endpoint.servedModel : name !== modelId}`,
    ...(prompt.includes('<｜User｜>') ? { 'x-craton-warning': 'prompt-format; the prompt holds control tokens of `deepseek`, which are words to this model' } : {}),
  })
  response.write(encodeEvent('messageStart', { role: 'assistant' }))
  for (const [index, text] of words.entries()) {
    if (record.aborted) return
    if (prompt.includes('fail') && index === 5) {
      response.end(encodeException('modelStreamErrorException', 'The engine stopped in the middle'))
      return
    }
    const frame = encodeEvent('contentBlockDelta', { contentBlockIndex: 0, delta: { text } })
    // Cut in two at an odd place: pieces on the wire are not frames.
    response.write(frame.subarray(0, 7))
    response.write(frame.subarray(7))
    await sleep(PIECE_MS)
  }
  response.write(encodeEvent('contentBlockStop', { contentBlockIndex: 0 }))
  const told = looped && request.additionalModelResponseFieldPaths?.includes('/stop_reason_detail')
  const more = told ? { additionalModelResponseFields: { stop_reason_detail: 'loop' } } : {}
  response.write(encodeEvent('messageStop', { stopReason: looped ? 'max_tokens' : 'end_turn', ...more }))
  const cached = request.system?.some((block) => block.cachePoint) ? 15 : 0
  const usage = {
    inputTokens: 23 - cached,
    outputTokens: words.length,
    totalTokens: 23 + words.length,
    cacheReadInputTokens: cached,
    cacheWriteInputTokens: 0,
  }
  response.end(encodeEvent('metadata', { usage, metrics: { latencyMs: words.length * PIECE_MS } }))
}
