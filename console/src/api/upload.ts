/** Uploading files to S3 with progress: in one piece, or in parts where the file is large. */
import { ApiError, marks } from './http.ts'
import { objectPath, query, s3 } from './s3.ts'
import { escapeXml, parseXml, textOf } from './xml.ts'

/** Files larger than this go in parts. */
const ONE_PIECE = 16 << 20
/** S3 takes at most so many parts. */
const MOST_PARTS = 10_000

export interface Upload {
  /** Ends when the object is there. */
  done: Promise<void>
  /** Ends the upload; what was sent is removed. */
  cancel: () => void
}

/** Starts to upload `file` as `key`; `onProgress` gets the bytes that were sent. */
export function upload(bucket: string, key: string, file: File, onProgress: (bytes: number) => void): Upload {
  const stop = new AbortController()
  const done = file.size <= ONE_PIECE ? inOnePiece(bucket, key, file, onProgress, stop.signal) : inParts(bucket, key, file, onProgress, stop.signal)
  return { done, cancel: () => stop.abort() }
}

async function inOnePiece(bucket: string, key: string, file: File, onProgress: (bytes: number) => void, signal: AbortSignal): Promise<void> {
  await put(objectPath(bucket, key), file, typeOf(file), onProgress, signal)
}

async function inParts(bucket: string, key: string, file: File, onProgress: (bytes: number) => void, signal: AbortSignal): Promise<void> {
  const path = objectPath(bucket, key)
  const started = await s3(path, query({ uploads: '' }), { method: 'POST', headers: { 'content-type': typeOf(file) }, signal })
  const uploadId = textOf(parseXml(await started.text()).documentElement, 'UploadId')
  const size = partSize(file.size)
  const parts: string[] = []
  try {
    for (let number = 1, start = 0; start < file.size; number += 1, start += size) {
      const part = file.slice(start, start + size)
      const target = path + query({ partNumber: String(number), uploadId })
      const etag = await put(target, part, '', (sent) => onProgress(start + sent), signal)
      parts.push(`<Part><PartNumber>${number}</PartNumber><ETag>${escapeXml(etag)}</ETag></Part>`)
    }
    const body = `<CompleteMultipartUpload>${parts.join('')}</CompleteMultipartUpload>`
    const completed = await s3(path, query({ uploadId }), { method: 'POST', body, signal })
    const root = parseXml(await completed.text()).documentElement
    // S3 may have answered 200 before it found out that it could not.
    if (root.tagName === 'Error') throw new ApiError(200, textOf(root, 'Code'), textOf(root, 'Message'))
  } catch (reason) {
    await s3(path, query({ uploadId }), { method: 'DELETE' }).catch(() => undefined)
    throw reason
  }
}

/** Parts as large as one piece, or larger where there would be too many. */
export function partSize(size: number): number {
  return Math.max(ONE_PIECE, Math.ceil(size / MOST_PARTS))
}

/** Browsers tell the progress of an upload through XMLHttpRequest alone. Gives the ETag. */
function put(path: string, body: Blob, type: string, onProgress: (bytes: number) => void, signal: AbortSignal): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest()
    const abort = () => request.abort()
    signal.addEventListener('abort', abort, { once: true })
    request.open('PUT', path)
    for (const [name, value] of Object.entries(marks('PUT', 's3'))) request.setRequestHeader(name, value)
    if (type) request.setRequestHeader('content-type', type)
    request.upload.onprogress = (event) => onProgress(event.loaded)
    request.onload = () => {
      signal.removeEventListener('abort', abort)
      if (request.status < 300) return resolve(request.getResponseHeader('etag') ?? '')
      const root = parseXml(request.responseText).documentElement
      const id = request.getResponseHeader('x-amz-request-id') ?? undefined
      const message = textOf(root, 'Message') || request.statusText
      reject(new ApiError(request.status, textOf(root, 'Code') || `HTTP ${request.status}`, message, undefined, id))
    }
    request.onerror = () => reject(new ApiError(0, 'NoAnswer', 'The server did not answer.'))
    request.onabort = () => reject(new ApiError(0, 'Cancelled', 'The upload was cancelled.'))
    if (signal.aborted) return reject(new ApiError(0, 'Cancelled', 'The upload was cancelled.'))
    request.send(body)
  })
}

function typeOf(file: File): string {
  return file.type || 'application/octet-stream'
}
