/** S3's buckets and objects, called as S3 wants it: the bucket and the key in the path, XML in and out. */
import { ApiError, send, sendJson, type Call } from './http.ts'
import { children, escapeXml, parseXml, textOf } from './xml.ts'

export interface Bucket {
  name: string
  region: string
  /** ISO 8601 */
  createdAt: string
}

export interface ObjectRow {
  key: string
  size: number
  etag: string
  storageClass: string
  modifiedAt: string
}

/** One page of what stands below a prefix: objects, and the next level of prefixes. */
export interface Listing {
  objects: ObjectRow[]
  prefixes: string[]
  /** Carries on where this page ended. */
  next: string | undefined
}

export interface VersionRow {
  key: string
  versionId: string
  latest: boolean
  deleteMarker: boolean
  size: number
  modifiedAt: string
}

export interface ObjectFacts {
  size: number
  contentType: string
  etag: string
  modifiedAt: string
  versionId: string | undefined
  encryption: string
  keyArn: string | undefined
  checksum: string | undefined
  metadata: [string, string][]
}

export type Tags = [string, string][]

export interface PublicAccessBlock {
  BlockPublicAcls: boolean
  IgnorePublicAcls: boolean
  BlockPublicPolicy: boolean
  RestrictPublicBuckets: boolean
}

export async function listBuckets(signal?: AbortSignal): Promise<Bucket[]> {
  const found: Bucket[] = []
  let token = ''
  do {
    const root = await xml('/', query({ 'max-buckets': '1000', ...(token ? { 'continuation-token': token } : {}) }), {}, signal)
    const [list] = children(root, 'Buckets')
    for (const one of list ? children(list, 'Bucket') : []) {
      found.push({ name: textOf(one, 'Name'), region: textOf(one, 'BucketRegion'), createdAt: textOf(one, 'CreationDate') })
    }
    token = textOf(root, 'ContinuationToken')
  } while (token)
  return found
}

export async function createBucket(name: string, versioned: boolean): Promise<void> {
  const { region } = await sendJson<{ region: string }>('/craton/v1/status')
  const body =
    region === 'us-east-1'
      ? undefined
      : `<CreateBucketConfiguration xmlns="${NAMESPACE}"><LocationConstraint>${escapeXml(region)}</LocationConstraint></CreateBucketConfiguration>`
  await s3(bucketPath(name), '', { method: 'PUT', ...(body ? { body } : {}) })
  if (versioned) await setVersioning(name, true)
}

export async function deleteBucket(name: string): Promise<void> {
  await s3(bucketPath(name), '', { method: 'DELETE' })
}

export async function listObjects(bucket: string, prefix: string, token?: string, signal?: AbortSignal): Promise<Listing> {
  const parameters = {
    'list-type': '2',
    delimiter: '/',
    prefix,
    'encoding-type': 'url',
    ...(token ? { 'continuation-token': token } : {}),
  }
  const root = await xml(bucketPath(bucket), query(parameters), {}, signal)
  return {
    objects: children(root, 'Contents').map((one) => ({
      key: decode(textOf(one, 'Key')),
      size: Number(textOf(one, 'Size')),
      etag: textOf(one, 'ETag'),
      storageClass: textOf(one, 'StorageClass'),
      modifiedAt: textOf(one, 'LastModified'),
    })),
    prefixes: children(root, 'CommonPrefixes').map((one) => decode(textOf(one, 'Prefix'))),
    next: textOf(root, 'NextContinuationToken') || undefined,
  }
}

/** All versions of one key, the latest first. */
export async function listVersions(bucket: string, key: string, signal?: AbortSignal): Promise<VersionRow[]> {
  const root = await xml(bucketPath(bucket), query({ versions: '', prefix: key, 'encoding-type': 'url' }), {}, signal)
  return versionsIn(root).filter((one) => one.key === key)
}

/** Deletes everything in a bucket, versions and unfinished uploads included; tells how many are gone after each step. */
export async function emptyBucket(bucket: string, onProgress: (deleted: number) => void): Promise<void> {
  let deleted = 0
  for (;;) {
    const root = await xml(bucketPath(bucket), query({ versions: '', 'encoding-type': 'url' }))
    const rows = versionsIn(root)
    if (rows.length === 0) break
    await deleteObjects(bucket, rows)
    deleted += rows.length
    onProgress(deleted)
  }
  const uploads = await xml(bucketPath(bucket), query({ uploads: '' }))
  for (const one of children(uploads, 'Upload')) {
    await s3(objectPath(bucket, textOf(one, 'Key')), query({ uploadId: textOf(one, 'UploadId') }), { method: 'DELETE' })
  }
}

/** Deletes objects, or versions of objects, a thousand in one call. */
export async function deleteObjects(bucket: string, targets: { key: string; versionId?: string }[]): Promise<void> {
  for (let start = 0; start < targets.length; start += 1000) {
    const entries = targets.slice(start, start + 1000).map(({ key, versionId }) => {
      const version = versionId ? `<VersionId>${escapeXml(versionId)}</VersionId>` : ''
      return `<Object><Key>${escapeXml(key)}</Key>${version}</Object>`
    })
    const body = `<Delete xmlns="${NAMESPACE}">${entries.join('')}<Quiet>true</Quiet></Delete>`
    const root = await xml(bucketPath(bucket), query({ delete: '' }), {
      method: 'POST',
      body,
      headers: { 'x-amz-checksum-sha256': await sha256(body) },
    })
    const [refused] = children(root, 'Error')
    if (refused) {
      const hint = `The object is \`${textOf(refused, 'Key')}\`.`
      throw new ApiError(200, textOf(refused, 'Code'), textOf(refused, 'Message'), hint)
    }
  }
}

/** Makes the empty object that stands for a folder. */
export async function createFolder(bucket: string, prefix: string): Promise<void> {
  await s3(objectPath(bucket, prefix), '', { method: 'PUT', body: '' })
}

export async function objectFacts(bucket: string, key: string, version?: string, signal?: AbortSignal): Promise<ObjectFacts> {
  const { headers } = await s3(objectPath(bucket, key), version ? query({ versionId: version }) : '', {
    method: 'HEAD',
    headers: { 'x-amz-checksum-mode': 'ENABLED' },
    ...(signal ? { signal } : {}),
  })
  const checksum = [...headers.entries()].find(([name]) => /^x-amz-checksum-(crc|sha)/.test(name))
  return {
    size: Number(headers.get('content-length')),
    contentType: headers.get('content-type') ?? '',
    etag: headers.get('etag') ?? '',
    modifiedAt: new Date(headers.get('last-modified') ?? '').toISOString(),
    versionId: headers.get('x-amz-version-id') ?? undefined,
    encryption: headers.get('x-amz-server-side-encryption') ?? '',
    keyArn: headers.get('x-amz-server-side-encryption-aws-kms-key-id') ?? undefined,
    checksum: checksum && `${checksum[0].slice('x-amz-checksum-'.length).toUpperCase()} ${checksum[1]}`,
    metadata: [...headers.entries()]
      .filter(([name]) => name.startsWith('x-amz-meta-'))
      .map(([name, value]) => [name.slice('x-amz-meta-'.length), value]),
  }
}

/** The bytes of an object, for the browser to save. */
export async function download(bucket: string, key: string, version?: string): Promise<Blob> {
  const response = await s3(objectPath(bucket, key), version ? query({ versionId: version }) : '', {})
  return response.blob()
}

export async function objectTags(bucket: string, key: string, signal?: AbortSignal): Promise<Tags> {
  return tagsIn(await xml(objectPath(bucket, key), query({ tagging: '' }), {}, signal))
}

/** The bucket policy; empty where there is none. */
export async function bucketPolicy(bucket: string, signal?: AbortSignal): Promise<string> {
  const response = await orNone(s3(bucketPath(bucket), query({ policy: '' }), signal ? { signal } : {}), 'NoSuchBucketPolicy')
  return response ? response.text() : ''
}

/** Sets the bucket policy; an empty text removes it. */
export async function saveBucketPolicy(bucket: string, text: string): Promise<void> {
  const remove = text.trim() === ''
  await s3(bucketPath(bucket), query({ policy: '' }), remove ? { method: 'DELETE' } : { method: 'PUT', body: text })
}

export async function publicAccessBlock(bucket: string, signal?: AbortSignal): Promise<PublicAccessBlock> {
  const root = await orNone(
    xml(bucketPath(bucket), query({ publicAccessBlock: '' }), {}, signal),
    'NoSuchPublicAccessBlockConfiguration',
  )
  const is = (name: string) => root !== undefined && textOf(root, name) === 'true'
  return {
    BlockPublicAcls: is('BlockPublicAcls'),
    IgnorePublicAcls: is('IgnorePublicAcls'),
    BlockPublicPolicy: is('BlockPublicPolicy'),
    RestrictPublicBuckets: is('RestrictPublicBuckets'),
  }
}

export async function savePublicAccessBlock(bucket: string, block: PublicAccessBlock): Promise<void> {
  const members = Object.entries(block).map(([name, value]) => `<${name}>${value}</${name}>`)
  const body = `<PublicAccessBlockConfiguration xmlns="${NAMESPACE}">${members.join('')}</PublicAccessBlockConfiguration>`
  await put(bucket, 'publicAccessBlock', body)
}

/** `Enabled`, `Suspended`, or empty where the bucket never had versions. */
export async function versioning(bucket: string, signal?: AbortSignal): Promise<string> {
  return textOf(await xml(bucketPath(bucket), query({ versioning: '' }), {}, signal), 'Status')
}

export async function setVersioning(bucket: string, on: boolean): Promise<void> {
  const status = on ? 'Enabled' : 'Suspended'
  const body = `<VersioningConfiguration xmlns="${NAMESPACE}"><Status>${status}</Status></VersioningConfiguration>`
  await put(bucket, 'versioning', body)
}

/** The default encryption: `AES256`, or `aws:kms` with a key. */
export async function encryption(bucket: string, signal?: AbortSignal): Promise<{ algorithm: string; key: string }> {
  const root = await xml(bucketPath(bucket), query({ encryption: '' }), {}, signal)
  const of = (name: string) => root.getElementsByTagName(name)[0]?.textContent ?? ''
  return { algorithm: of('SSEAlgorithm'), key: of('KMSMasterKeyID') }
}

/** Encrypts new objects under a KMS key, or under Craton's own where none is given. */
export async function setEncryption(bucket: string, key: string): Promise<void> {
  const rule = key
    ? `<SSEAlgorithm>aws:kms</SSEAlgorithm><KMSMasterKeyID>${escapeXml(key)}</KMSMasterKeyID>`
    : '<SSEAlgorithm>AES256</SSEAlgorithm>'
  const inner = `<ApplyServerSideEncryptionByDefault>${rule}</ApplyServerSideEncryptionByDefault><BucketKeyEnabled>${key !== ''}</BucketKeyEnabled>`
  const body = `<ServerSideEncryptionConfiguration xmlns="${NAMESPACE}"><Rule>${inner}</Rule></ServerSideEncryptionConfiguration>`
  await put(bucket, 'encryption', body)
}

/** The path of a bucket. */
export function bucketPath(bucket: string): string {
  return `/${encodeURIComponent(bucket)}`
}

/** The path of an object: each part of the key is encoded, the slashes are kept. */
export function objectPath(bucket: string, key: string): string {
  const parts = key.split('/')
  if (parts.some((part) => part === '.' || part === '..')) {
    const hint = 'Use `aws s3api`, which sends the key as it is.'
    throw new ApiError(0, 'ConsoleError', `Browsers cannot ask for the key \`${key}\`: they resolve its dots.`, hint)
  }
  return `${bucketPath(bucket)}/${parts.map(encodeURIComponent).join('/')}`
}

export const NAMESPACE = 'http://s3.amazonaws.com/doc/2006-03-01/'

export function query(parameters: Record<string, string>): string {
  return `?${new URLSearchParams(parameters).toString()}`
}

/** Calls S3. */
export function s3(path: string, search: string, call: Call): Promise<Response> {
  return send(path + search, { ...call, service: 's3' })
}

async function xml(path: string, search: string, call: Call = {}, signal?: AbortSignal): Promise<Element> {
  const response = await s3(path, search, { ...call, ...(signal ? { signal } : {}) })
  return parseXml(await response.text()).documentElement
}

async function put(bucket: string, what: string, body: string): Promise<void> {
  await s3(bucketPath(bucket), query({ [what]: '' }), { method: 'PUT', body, headers: { 'x-amz-checksum-sha256': await sha256(body) } })
}

/** `undefined` where the server says with `code` that there is none. */
async function orNone<T>(answer: Promise<T>, code: string): Promise<T | undefined> {
  try {
    return await answer
  } catch (reason) {
    if (ApiError.from(reason).code === code) return undefined
    throw reason
  }
}

function versionsIn(root: Element): VersionRow[] {
  return [...root.children]
    .filter((one) => one.tagName === 'Version' || one.tagName === 'DeleteMarker')
    .map((one) => ({
      key: decode(textOf(one, 'Key')),
      versionId: textOf(one, 'VersionId'),
      latest: textOf(one, 'IsLatest') === 'true',
      deleteMarker: one.tagName === 'DeleteMarker',
      size: Number(textOf(one, 'Size') || 0),
      modifiedAt: textOf(one, 'LastModified'),
    }))
}

function tagsIn(root: Element): Tags {
  const [set] = children(root, 'TagSet')
  return (set ? children(set, 'Tag') : []).map((tag) => [textOf(tag, 'Key'), textOf(tag, 'Value')])
}

function decode(text: string): string {
  return decodeURIComponent(text.replace(/\+/g, '%20'))
}

async function sha256(text: string): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text))
  return btoa(String.fromCharCode(...new Uint8Array(digest)))
}
