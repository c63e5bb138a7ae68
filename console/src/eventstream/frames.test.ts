import { describe, expect, test } from 'vitest'
import { crc32, FrameError, FrameReader } from './frames.ts'

/** `:event-type` = "chunk" (string), `b` = 42 (i32), `c` = true: put together by hand from the published format. */
const HEADERS = hex(
  '0b3a6576656e742d74797065' + '07' + '0005' + '6368756e6b' + // name, type, length, text
    '0162' + '04' + '0000002a' +
    '0163' + '00',
)
const PAYLOAD = new TextEncoder().encode('{"a":1}')
const WHOLE = frame(HEADERS, PAYLOAD)

function frame(headers: Uint8Array, payload: Uint8Array): Uint8Array {
  const total = 16 + headers.length + payload.length
  const bytes = new Uint8Array(total)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, total)
  view.setUint32(4, headers.length)
  view.setUint32(8, crc32(bytes.subarray(0, 8)))
  bytes.set(headers, 12)
  bytes.set(payload, 12 + headers.length)
  view.setUint32(total - 4, crc32(bytes.subarray(0, total - 4)))
  return bytes
}

function hex(text: string): Uint8Array {
  return Uint8Array.from(text.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16))
}

describe('crc32', () => {
  test('gives the check value of the standard', () => {
    expect(crc32(new TextEncoder().encode('123456789'))).toBe(0xcbf43926)
  })
})

describe('FrameReader', () => {
  test('reads the example without headers and payload', () => {
    // The empty message of the format's public test vectors.
    const empty = hex('00000010' + '00000000' + '05c248eb' + '7d98c8ff')
    expect(new FrameReader().push(empty)).toEqual([{ headers: {}, payload: new Uint8Array(0) }])
  })

  test('reads the example with a payload and one string header', () => {
    // `content-type: application/json` with `{'foo':'bar'}`, of the format's public test vectors.
    const vector = hex(
      '0000003d' + '00000020' + '07fd8396' +
        '0c636f6e74656e742d74797065' + '07' + '0010' + '6170706c69636174696f6e2f6a736f6e' +
        '7b27666f6f273a27626172277d' + '8d9c08b1',
    )
    const [read] = new FrameReader().push(vector)
    expect(read?.headers).toEqual({ 'content-type': 'application/json' })
    expect(new TextDecoder().decode(read?.payload)).toBe("{'foo':'bar'}")
  })

  test('keeps string headers and skips the other types', () => {
    const [read] = new FrameReader().push(WHOLE)
    expect(read?.headers).toEqual({ ':event-type': 'chunk' })
    expect(read?.payload).toEqual(PAYLOAD)
  })

  test('gives the same frames however the bytes are cut', () => {
    const both = new Uint8Array([...WHOLE, ...WHOLE])
    for (let size = 1; size <= both.length; size++) {
      const reader = new FrameReader()
      const frames = []
      for (let at = 0; at < both.length; at += size) frames.push(...reader.push(both.subarray(at, at + size)))
      expect(frames, `pieces of ${size}`).toHaveLength(2)
      reader.end()
    }
  })

  test('refuses every single flipped bit', () => {
    for (let bit = 0; bit < WHOLE.length * 8; bit++) {
      const damaged = WHOLE.slice()
      damaged[bit >> 3] = (damaged[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      expect(() => new FrameReader().push(damaged), `bit ${bit}`).toThrow(FrameError)
    }
  })

  test('refuses headers that run past their frame', () => {
    const long = hex('0161' + '07' + 'ffff' + '61')
    expect(() => new FrameReader().push(frame(long, PAYLOAD))).toThrow('longer than its frame')
    expect(() => new FrameReader().push(frame(hex('05'), PAYLOAD))).toThrow(FrameError)
    expect(() => new FrameReader().push(frame(hex('0161' + '0a'), PAYLOAD))).toThrow('unknown type 10')
  })

  test('says when the stream ends inside a frame', () => {
    const reader = new FrameReader()
    expect(reader.push(WHOLE.subarray(0, 20))).toEqual([])
    expect(() => reader.end()).toThrow('ended inside a frame')
  })
})
