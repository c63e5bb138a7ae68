/** IAM's own operations, called as the AWS Query protocol wants it: form in, XML out. */
import { everyMember, query } from './query.ts'
import { children, textOf as text } from './xml.ts'

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
  const users = await everyMember('iam', 'ListUsers', {}, 'Users', signal)
  return users.map((user) => ({ name: text(user, 'UserName'), arn: text(user, 'Arn') }))
}

export async function createUser(userName: string): Promise<void> {
  await query('iam', 'CreateUser', { UserName: userName })
}

/** Refused while the user has access keys. */
export async function deleteUser(userName: string): Promise<void> {
  await query('iam', 'DeleteUser', { UserName: userName })
}

export async function listAccessKeys(userName: string, signal?: AbortSignal): Promise<AccessKey[]> {
  const keys = await everyMember('iam', 'ListAccessKeys', { UserName: userName }, 'AccessKeyMetadata', signal)
  return keys.map(accessKey)
}

export async function createAccessKey(userName: string): Promise<NewAccessKey> {
  const answer = await query('iam', 'CreateAccessKey', { UserName: userName })
  const key = children(answer, 'AccessKey')[0]
  if (!key) throw new Error('The answer to CreateAccessKey has no AccessKey.')
  return { ...accessKey(key), secret: text(key, 'SecretAccessKey') }
}

export async function setAccessKeyActive(key: AccessKey, active: boolean): Promise<void> {
  const Status = active ? 'Active' : 'Inactive'
  await query('iam', 'UpdateAccessKey', { UserName: key.userName, AccessKeyId: key.id, Status })
}

export async function deleteAccessKey(key: AccessKey): Promise<void> {
  await query('iam', 'DeleteAccessKey', { UserName: key.userName, AccessKeyId: key.id })
}

function accessKey(element: Element): AccessKey {
  return {
    id: text(element, 'AccessKeyId'),
    userName: text(element, 'UserName'),
    active: text(element, 'Status') === 'Active',
    createdAt: text(element, 'CreateDate'),
  }
}
