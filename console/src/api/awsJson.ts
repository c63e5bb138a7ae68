/** The AWS JSON protocol: the operation is named by a header. */
import { sendJson } from './http.ts'

const SERVICES = {
  kms: { target: 'TrentService', version: '1.1' },
  secretsmanager: { target: 'secretsmanager', version: '1.1' },
  sagemaker: { target: 'SageMaker', version: '1.1' },
  organizations: { target: 'AWSOrganizationsV20161128', version: '1.1' },
  cloudtrail: { target: 'com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101', version: '1.1' },
} as const

export type JsonService = keyof typeof SERVICES

export async function awsJson<T>(
  service: JsonService,
  operation: string,
  input: object = {},
  signal?: AbortSignal,
): Promise<T> {
  const { target, version } = SERVICES[service]
  const headers = { 'content-type': `application/x-amz-json-${version}`, 'x-amz-target': `${target}.${operation}` }
  return sendJson<T>('/', { method: 'POST', body: JSON.stringify(input), headers, service, signal })
}

/** The items of all pages: `token` names the member that carries on, `list` the one with the items. */
export async function everyItem<T>(
  service: JsonService,
  operation: string,
  input: object,
  list: string,
  token: { from: string; to: string },
  signal?: AbortSignal,
): Promise<T[]> {
  const found: T[] = []
  let next: string | undefined
  do {
    const page = await awsJson<Record<string, unknown>>(
      service,
      operation,
      next === undefined ? input : { ...input, [token.to]: next },
      signal,
    )
    found.push(...((page[list] as T[] | undefined) ?? []))
    next = (page[token.from] as string | undefined) || undefined
  } while (next !== undefined)
  return found
}

/** AWS JSON's times are seconds since 1970. */
export function isoOf(seconds: number | undefined): string | undefined {
  return seconds === undefined ? undefined : new Date(seconds * 1000).toISOString()
}
