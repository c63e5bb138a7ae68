import { crc32 } from '../../src/eventstream/frames.ts'

/** Encodes one frame of `application/vnd.amazon.eventstream` with string headers. */
export function encodeFrame(headers: Record<string, string>, payload: unknown): Buffer {
  const head = Buffer.concat(
    Object.entries(headers).map(([name, value]) => {
      const length = Buffer.alloc(2)
      length.writeUInt16BE(Buffer.byteLength(value))
      return Buffer.concat([Buffer.from([Buffer.byteLength(name)]), Buffer.from(name), Buffer.from([7]), length, Buffer.from(value)])
    }),
  )
  const body = Buffer.from(JSON.stringify(payload))
  const total = 12 + head.length + body.length + 4
  const prelude = Buffer.alloc(8)
  prelude.writeUInt32BE(total, 0)
  prelude.writeUInt32BE(head.length, 4)
  const message = Buffer.concat([prelude, word(crc32(prelude)), head, body])
  return Buffer.concat([message, word(crc32(message))])
}

export function encodeEvent(type: string, payload: unknown): Buffer {
  return encodeFrame({ ':event-type': type, ':content-type': 'application/json', ':message-type': 'event' }, payload)
}

export function encodeException(type: string, message: string): Buffer {
  const headers = { ':exception-type': type, ':content-type': 'application/json', ':message-type': 'exception' }
  return encodeFrame(headers, { message })
}

function word(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}
