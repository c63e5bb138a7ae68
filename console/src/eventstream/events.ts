import { ApiError } from '../api/http.ts'
import { FrameReader, type Frame } from './frames.ts'

/** The frames of an answer as they arrive; ends the request when nobody wants them any more. */
export async function* framesOf(response: Response): AsyncGenerator<Frame> {
  if (!response.body) return
  const frames = new FrameReader()
  const body = response.body.getReader()
  try {
    for (;;) {
      const { done, value } = await body.read()
      if (done) break
      yield* frames.push(value)
    }
    frames.end()
  } finally {
    await body.cancel().catch(() => undefined)
  }
}

/** The JSON in a frame; throws where the frame is an exception instead of an event. */
export function bodyOf(frame: Frame, requestId?: string): unknown {
  const body = JSON.parse(new TextDecoder().decode(frame.payload) || '{}') as { message?: string }
  if (frame.headers[':message-type'] === 'event') return body
  const code = frame.headers[':exception-type'] ?? frame.headers[':error-code'] ?? 'InternalServerException'
  const message = body.message ?? frame.headers[':error-message'] ?? 'The answer broke off.'
  throw new ApiError(200, code.charAt(0).toUpperCase() + code.slice(1), message, undefined, requestId)
}
