import type { IncomingMessage, ServerResponse } from 'node:http'
import { HttpError } from './api.ts'

const NAMESPACE = 'http://s3.amazonaws.com/doc/2006-03-01/'
const BUCKETS = ['rental-policies', 'batches', 'evals']
const KEY = 'arn:aws:kms:us-east-1:111122223333:key/6cd5d3bf-3d9b-4d1c-83d5-8df6284435a1'

/** Buckets to choose from, the first of which is encrypted under a customer's key. */
export function s3(request: IncomingMessage, url: URL, response: ServerResponse): void {
  const bucket = decodeURIComponent(url.pathname.slice(1))
  if (request.method === 'GET' && bucket === '') {
    const rows = BUCKETS.map((name) => `<Bucket><Name>${name}</Name><BucketRegion>us-east-1</BucketRegion><CreationDate>2026-05-01T08:00:00Z</CreationDate></Bucket>`)
    return xml(response, 'ListAllMyBucketsResult', `<Buckets>${rows.join('')}</Buckets>`)
  }
  if (request.method === 'GET' && url.searchParams.has('encryption')) {
    const rule = bucket === BUCKETS[0] ? `<SSEAlgorithm>aws:kms</SSEAlgorithm><KMSMasterKeyID>${KEY}</KMSMasterKeyID>` : '<SSEAlgorithm>AES256</SSEAlgorithm>'
    return xml(response, 'ServerSideEncryptionConfiguration', `<Rule><ApplyServerSideEncryptionByDefault>${rule}</ApplyServerSideEncryptionByDefault></Rule>`)
  }
  if (request.method === 'GET' && url.searchParams.has('list-type')) {
    const prefix = url.searchParams.get('prefix') ?? ''
    const contents = `<Contents><Key>${encodeURIComponent(`${prefix}late-returns.md`)}</Key><Size>812</Size><ETag>"a7f3"</ETag><LastModified>2026-05-02T08:00:00Z</LastModified></Contents>`
    return xml(response, 'ListBucketResult', contents)
  }
  throw new HttpError(501, 'NotImplemented', 'Buckets are only listed')
}

function xml(response: ServerResponse, element: string, content: string): void {
  response.writeHead(200, { 'content-type': 'application/xml' })
  response.end(`<${element} xmlns="${NAMESPACE}">${content}</${element}>`)
}
