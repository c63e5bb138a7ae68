/** IAM's own operations, called as the AWS Query protocol wants it: form in, XML out. */
import { send } from './http.ts'

export interface User {
  name: string
  arn: string
}

export interface AccessKey {
  id: string
  userName: string
  active: boolean
  /** ISO 8601 */
  createdAt: string
}

export interface NewAccessKey extends AccessKey {
  /** Shown once. */
  secret: string
}

export async function listUsers(signal?: AbortSignal): Promise<User[]> {
  const users = await everyPage('ListUsers', {}, 'Users', signal)
  return users.map((user) => ({ name: text(user, 'UserName'), arn: text(user, 'Arn') }))
}

export async function createUser(userName: string): Promise<void> {
  await call('CreateUser', { UserName: userName })
}

/** Refused while the user has access keys. */
export async function deleteUser(userName: string): Promise<void> {
  await call('DeleteUser', { UserName: userName })
}

export async function listAccessKeys(userName: string, signal?: AbortSignal): Promise<AccessKey[]> {
  const keys = await everyPage('ListAccessKeys', { UserName: userName }, 'AccessKeyMetadata', signal)
  return keys.map(accessKey)
}

export async function createAccessKey(userName: string): Promise<NewAccessKey> {
  const answer = await call('CreateAccessKey', { UserName: userName })
  const key = answer.getElementsByTagName('AccessKey')[0]
  if (!key) throw new Error('The answer to CreateAccessKey has no AccessKey.')
  return { ...accessKey(key), secret: text(key, 'SecretAccessKey') }
}

export async function setAccessKeyActive(key: AccessKey, active: boolean): Promise<void> {
  const Status = active ? 'Active' : 'Inactive'
  await call('UpdateAccessKey', { UserName: key.userName, AccessKeyId: key.id, Status })
}

export async function deleteAccessKey(key: AccessKey): Promise<void> {
  await call('DeleteAccessKey', { UserName: key.userName, AccessKeyId: key.id })
}

async function everyPage(
  action: string,
  parameters: Record<string, string>,
  list: string,
  signal?: AbortSignal,
): Promise<Element[]> {
  const members: Element[] = []
  let marker: string | undefined
  do {
    const answer = await call(action, marker ? { ...parameters, Marker: marker } : parameters, signal)
    members.push(...(answer.getElementsByTagName(list)[0]?.children ?? []))
    marker = answer.getElementsByTagName('Marker')[0]?.textContent || undefined
  } while (marker)
  return members
}

async function call(action: string, parameters: Record<string, string>, signal?: AbortSignal): Promise<Document> {
  const form = { Action: action, Version: '2010-05-08', ...parameters }
  const response = await send('/', { method: 'POST', form, service: 'iam', signal })
  return new DOMParser().parseFromString(await response.text(), 'application/xml')
}

function accessKey(element: Element): AccessKey {
  return {
    id: text(element, 'AccessKeyId'),
    userName: text(element, 'UserName'),
    active: text(element, 'Status') === 'Active',
    createdAt: text(element, 'CreateDate'),
  }
}

function text(element: Element, child: string): string {
  return element.getElementsByTagName(child)[0]?.textContent ?? ''
}
