import { afterEach, describe, expect, test, vi } from 'vitest'
import { encodeEvent, encodeException } from '../../tests/mock/frames.ts'
import { FrameReader, type Frame } from '../eventstream/frames.ts'
import { converseStream, eventOf, servedByOf, warningOf, type ConverseEvent } from './converse.ts'

afterEach(() => vi.unstubAllGlobals())

function frameOf(bytes: Uint8Array): Frame {
  const frame = new FrameReader().push(bytes)[0]
  if (!frame) throw new Error('no frame')
  return frame
}

async function collect(...frames: Uint8Array[]): Promise<ConverseEvent[]> {
  const headers = { 'x-craton-served-by': 'small; substituted=true', 'x-amzn-requestid': 'r-1' }
  const body = new ReadableStream({
    start(controller) {
      for (const frame of frames) controller.enqueue(frame)
      controller.close()
    },
  })
  vi.stubGlobal('fetch', async () => new Response(body, { headers }))
  const events: ConverseEvent[] = []
  for await (const event of converseStream('m', { messages: [] }, new AbortController().signal)) events.push(event)
  return events
}

describe('servedByOf', () => {
  test('reads the name and whether it stands in for another', () => {
    expect(servedByOf('small; substituted=true')).toEqual({ name: 'small', substituted: true })
    expect(servedByOf('small;substituted=false')).toEqual({ name: 'small', substituted: false })
    expect(servedByOf('small')).toEqual({ name: 'small', substituted: false })
    expect(servedByOf(null)).toBeUndefined()
  })
})

describe('eventOf', () => {
  test('a loop, for which AWS has no word, is told in place of its stop reason', () => {
    const stop = (more: object) => eventOf(frameOf(encodeEvent('messageStop', { stopReason: 'max_tokens', ...more })))
    expect(stop({ additionalModelResponseFields: { stop_reason_detail: 'loop' } })).toEqual({ type: 'stop', reason: 'loop' })
    expect(stop({})).toEqual({ type: 'stop', reason: 'max_tokens' })
  })
})

describe('converseStream', () => {
  test('gives the text, the stop reason and the usage in their order', async () => {
    const usage = { inputTokens: 3, outputTokens: 2, totalTokens: 5 }
    const events = await collect(
      encodeEvent('messageStart', { role: 'assistant' }),
      encodeEvent('contentBlockDelta', { contentBlockIndex: 0, delta: { text: 'Grüße ' } }),
      encodeEvent('contentBlockDelta', { contentBlockIndex: 0, delta: { text: '🪨' } }),
      encodeEvent('contentBlockStop', { contentBlockIndex: 0 }),
      encodeEvent('messageStop', { stopReason: 'end_turn' }),
      encodeEvent('metadata', { usage, metrics: { latencyMs: 12 } }),
    )
    expect(events).toEqual([
      { type: 'start', servedBy: { name: 'small', substituted: true }, requestId: 'r-1' },
      { type: 'text', text: 'Grüße ' },
      { type: 'text', text: '🪨' },
      { type: 'stop', reason: 'end_turn' },
      { type: 'metadata', usage, latencyMs: 12 },
    ])
  })

  test('throws when the stream ends inside a frame', async () => {
    const frame = encodeEvent('messageStop', { stopReason: 'end_turn' })
    await expect(collect(frame.subarray(0, frame.length - 1))).rejects.toThrow('ended inside a frame')
  })
})

describe('eventOf', () => {
  test('throws an exception frame under its code', () => {
    const frame = frameOf(encodeException('throttlingException', 'full'))
    expect(() => eventOf(frame, 'r-1')).toThrow(
      expect.objectContaining({ code: 'ThrottlingException', message: 'full', requestId: 'r-1' }),
    )
  })

  test('passes over events that it does not know', () => {
    expect(eventOf(frameOf(encodeEvent('somethingNew', { a: 1 })))).toBeUndefined()
  })
})

test('a warning of the server is told without its kind', () => {
  expect(warningOf('prompt-format; the prompt holds control tokens of `deepseek`')).toBe('The prompt holds control tokens of `deepseek`.')
  expect(warningOf(null)).toBeUndefined()
  expect(warningOf('')).toBeUndefined()
})
