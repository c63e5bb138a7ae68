/**
 * Reads `application/vnd.amazon.eventstream`: each frame is
 * `total length u32 | headers length u32 | prelude CRC-32 u32 | headers | payload | message CRC-32 u32`, big-endian.
 */

export interface Frame {
  headers: Record<string, string>
  payload: Uint8Array
}

/** The bytes are no event stream, or were damaged on the way. */
export class FrameError extends Error {
  override name = 'FrameError'
}

/** Takes bytes as they arrive, in pieces of any size, and gives back the frames that are whole. */
export class FrameReader {
  #rest: Uint8Array = new Uint8Array(0)

  push(bytes: Uint8Array): Frame[] {
    let buffer = this.#rest.length === 0 ? bytes : concat(this.#rest, bytes)
    const frames: Frame[] = []
    while (buffer.length >= PRELUDE) {
      const view = new DataView(buffer.buffer, buffer.byteOffset, buffer.byteLength)
      const total = view.getUint32(0)
      const headersLength = view.getUint32(4)
      if (view.getUint32(8) !== crc32(buffer.subarray(0, 8))) throw new FrameError('The prelude of a frame is damaged.')
      if (total > LARGEST || headersLength + PRELUDE + TRAILER > total) throw new FrameError('A frame has an impossible length.')
      if (buffer.length < total) break
      if (view.getUint32(total - TRAILER) !== crc32(buffer.subarray(0, total - TRAILER))) {
        throw new FrameError('A frame is damaged.')
      }
      frames.push({
        headers: readHeaders(buffer.subarray(PRELUDE, PRELUDE + headersLength)),
        payload: buffer.slice(PRELUDE + headersLength, total - TRAILER),
      })
      buffer = buffer.subarray(total)
    }
    this.#rest = buffer.slice()
    return frames
  }

  /** Says that no more bytes come; throws if the last frame is not whole. */
  end(): void {
    if (this.#rest.length > 0) throw new FrameError('The stream ended inside a frame.')
  }
}

const PRELUDE = 12
const TRAILER = 4
/** AWS's limit on one message: 16 MiB of payload and 128 KiB of headers. */
const LARGEST = 16 * 1024 * 1024 + 128 * 1024 + PRELUDE + TRAILER

/** Length of a header's value by its type; strings and byte arrays carry theirs in front. */
const VALUE_LENGTH: Record<number, number> = { 0: 0, 1: 0, 2: 1, 3: 2, 4: 4, 5: 8, 8: 8, 9: 16 }
const BYTES = 6
const STRING = 7

/** Keeps the string headers: the protocol's own (`:event-type`, `:message-type`, …) are all strings. */
function readHeaders(bytes: Uint8Array): Record<string, string> {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const headers: Record<string, string> = {}
  let at = 0
  try {
    while (at < bytes.length) {
      const nameLength = view.getUint8(at)
      const name = decoder.decode(bytes.subarray(at + 1, at + 1 + nameLength))
      at += 1 + nameLength
      const type = view.getUint8(at)
      at += 1
      if (type === STRING || type === BYTES) {
        const length = view.getUint16(at)
        at += 2
        if (at + length > bytes.length) throw new FrameError('A header is longer than its frame.')
        if (type === STRING) headers[name] = decoder.decode(bytes.subarray(at, at + length))
        at += length
      } else {
        const length = VALUE_LENGTH[type]
        if (length === undefined) throw new FrameError(`A header has the unknown type ${type}.`)
        at += length
      }
    }
  } catch (reason) {
    if (reason instanceof FrameError) throw reason
    throw new FrameError('The headers of a frame cannot be read.')
  }
  return headers
}

function concat(first: Uint8Array, second: Uint8Array): Uint8Array {
  const both = new Uint8Array(first.length + second.length)
  both.set(first)
  both.set(second, first.length)
  return both
}

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1
  return crc
})

/** CRC-32 as in gzip (ISO 3309). */
export function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff
  for (const byte of bytes) crc = (crc >>> 8) ^ (CRC_TABLE[(crc ^ byte) & 0xff] ?? 0)
  return ~crc >>> 0
}
