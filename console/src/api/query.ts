/** The AWS Query protocol: form in, XML out. */
import { send } from './http.ts'
import { children, parseXml, textOf } from './xml.ts'

const VERSIONS = { iam: '2010-05-08', sts: '2011-06-15' } as const

/** Calls an operation and gives its `…Result` element. */
export async function query(
  service: keyof typeof VERSIONS,
  action: string,
  parameters: Record<string, string>,
  signal?: AbortSignal,
): Promise<Element> {
  const form = { Action: action, Version: VERSIONS[service], ...parameters }
  const response = await send('/', { method: 'POST', form, service, signal })
  const root = parseXml(await response.text()).documentElement
  return children(root, `${action}Result`)[0] ?? root
}

/** The members of `list` on all pages of an operation. */
export async function everyMember(
  service: keyof typeof VERSIONS,
  action: string,
  parameters: Record<string, string>,
  list: string,
  signal?: AbortSignal,
): Promise<Element[]> {
  const found: Element[] = []
  let marker = ''
  do {
    const result = await query(service, action, marker ? { ...parameters, Marker: marker } : parameters, signal)
    found.push(...members(result, list))
    marker = textOf(result, 'Marker')
  } while (marker)
  return found
}

/** The members of a list inside `element`. */
export function members(element: Element, list: string): Element[] {
  return children(element, list).flatMap((one) => children(one, 'member'))
}
