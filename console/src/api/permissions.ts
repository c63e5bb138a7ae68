/** IAM's policies, and the users, groups and roles that have them. */
import { everyMember, query } from './query.ts'
import { children, textOf } from './xml.ts'

export interface Policy {
  arn: string
  name: string
  path: string
  description: string
  defaultVersion: string
  attachments: number
  /** True for policies that AWS made: they cannot be changed. */
  managedByAws: boolean
  /** ISO 8601 */
  updatedAt: string
}

export interface PolicyVersion {
  id: string
  isDefault: boolean
  createdAt: string
}

/** Who can have policies. */
export type Kind = 'user' | 'group' | 'role'

export interface Holder {
  kind: Kind
  name: string
  arn: string
  id: string
  path: string
  createdAt: string
}

export interface Role extends Holder {
  description: string
  /** The trust policy, as JSON text. */
  trust: string
  /** Seconds. */
  maxSession: number
  boundary: string
}

export interface Attachment {
  name: string
  arn: string
}

export async function listPolicies(scope: 'Local' | 'AWS' | 'All', signal?: AbortSignal): Promise<Policy[]> {
  return (await everyMember('iam', 'ListPolicies', { Scope: scope }, 'Policies', signal)).map(policy)
}

export async function getPolicy(arn: string, signal?: AbortSignal): Promise<Policy> {
  const [found] = children(await query('iam', 'GetPolicy', { PolicyArn: arn }, signal), 'Policy')
  if (!found) throw new Error('The answer to GetPolicy has no Policy.')
  return policy(found)
}

export async function createPolicy(name: string, description: string, document: string): Promise<void> {
  await query('iam', 'CreatePolicy', {
    PolicyName: name,
    PolicyDocument: document,
    ...(description ? { Description: description } : {}),
  })
}

export async function listPolicyVersions(arn: string, signal?: AbortSignal): Promise<PolicyVersion[]> {
  const all = await everyMember('iam', 'ListPolicyVersions', { PolicyArn: arn }, 'Versions', signal)
  return all.map((one) => ({
    id: textOf(one, 'VersionId'),
    isDefault: textOf(one, 'IsDefaultVersion') === 'true',
    createdAt: textOf(one, 'CreateDate'),
  }))
}

export async function policyDocument(arn: string, version: string, signal?: AbortSignal): Promise<string> {
  const answer = await query('iam', 'GetPolicyVersion', { PolicyArn: arn, VersionId: version }, signal)
  return document(children(answer, 'PolicyVersion')[0], 'Document')
}

/** Makes a new version the policy's default. Of five versions the oldest that is not the default makes room. */
export async function savePolicy(arn: string, text: string): Promise<void> {
  const versions = await listPolicyVersions(arn)
  if (versions.length >= 5) {
    const oldest = versions.filter((one) => !one.isDefault).sort((a, b) => a.createdAt.localeCompare(b.createdAt))[0]
    if (oldest) await query('iam', 'DeletePolicyVersion', { PolicyArn: arn, VersionId: oldest.id })
  }
  await query('iam', 'CreatePolicyVersion', { PolicyArn: arn, PolicyDocument: text, SetAsDefault: 'true' })
}

export async function setDefaultVersion(arn: string, version: string): Promise<void> {
  await query('iam', 'SetDefaultPolicyVersion', { PolicyArn: arn, VersionId: version })
}

/** Deletes a policy that nobody has any more, with all its versions. */
export async function deletePolicy(arn: string): Promise<void> {
  for (const version of await listPolicyVersions(arn)) {
    if (!version.isDefault) await query('iam', 'DeletePolicyVersion', { PolicyArn: arn, VersionId: version.id })
  }
  await query('iam', 'DeletePolicy', { PolicyArn: arn })
}

export async function entitiesOf(arn: string, signal?: AbortSignal): Promise<{ kind: Kind; name: string }[]> {
  const found: { kind: Kind; name: string }[] = []
  for (const [kind, filter, list, name] of [
    ['user', 'User', 'PolicyUsers', 'UserName'],
    ['group', 'Group', 'PolicyGroups', 'GroupName'],
    ['role', 'Role', 'PolicyRoles', 'RoleName'],
  ] as const) {
    const all = await everyMember('iam', 'ListEntitiesForPolicy', { PolicyArn: arn, EntityFilter: filter }, list, signal)
    found.push(...all.map((one) => ({ kind, name: textOf(one, name) })))
  }
  return found
}

export async function listRoles(signal?: AbortSignal): Promise<Role[]> {
  return (await everyMember('iam', 'ListRoles', {}, 'Roles', signal)).map(role)
}

export async function getRole(name: string, signal?: AbortSignal): Promise<Role> {
  const [found] = children(await query('iam', 'GetRole', { RoleName: name }, signal), 'Role')
  if (!found) throw new Error('The answer to GetRole has no Role.')
  return role(found)
}

export async function createRole(name: string, description: string, trust: string): Promise<void> {
  await query('iam', 'CreateRole', {
    RoleName: name,
    AssumeRolePolicyDocument: trust,
    ...(description ? { Description: description } : {}),
  })
}

export async function saveTrust(role: string, text: string): Promise<void> {
  await query('iam', 'UpdateAssumeRolePolicy', { RoleName: role, PolicyDocument: text })
}

export async function listHolders(kind: 'user' | 'group', signal?: AbortSignal): Promise<Holder[]> {
  const list = kind === 'user' ? 'Users' : 'Groups'
  return (await everyMember('iam', `List${list}`, {}, list, signal)).map((one) => holder(one, kind))
}

export async function attachedPolicies(kind: Kind, name: string, signal?: AbortSignal): Promise<Attachment[]> {
  const action = `ListAttached${word(kind)}Policies`
  const all = await everyMember('iam', action, named(kind, name), 'AttachedPolicies', signal)
  return all.map((one) => ({ name: textOf(one, 'PolicyName'), arn: textOf(one, 'PolicyArn') }))
}

export async function inlinePolicies(kind: Kind, name: string, signal?: AbortSignal): Promise<string[]> {
  const all = await everyMember('iam', `List${word(kind)}Policies`, named(kind, name), 'PolicyNames', signal)
  return all.map((one) => one.textContent ?? '')
}

export async function inlinePolicy(kind: Kind, name: string, policy: string, signal?: AbortSignal): Promise<string> {
  const answer = await query('iam', `Get${word(kind)}Policy`, { ...named(kind, name), PolicyName: policy }, signal)
  return document(answer, 'PolicyDocument')
}

export async function saveInlinePolicy(kind: Kind, name: string, policy: string, text: string): Promise<void> {
  await query('iam', `Put${word(kind)}Policy`, { ...named(kind, name), PolicyName: policy, PolicyDocument: text })
}

export async function deleteInlinePolicy(kind: Kind, name: string, policy: string): Promise<void> {
  await query('iam', `Delete${word(kind)}Policy`, { ...named(kind, name), PolicyName: policy })
}

export async function attach(kind: Kind, name: string, arn: string): Promise<void> {
  await query('iam', `Attach${word(kind)}Policy`, { ...named(kind, name), PolicyArn: arn })
}

export async function detach(kind: Kind, name: string, arn: string): Promise<void> {
  await query('iam', `Detach${word(kind)}Policy`, { ...named(kind, name), PolicyArn: arn })
}

/** Sets the permissions boundary of a role; an empty ARN removes it. */
export async function setRoleBoundary(name: string, arn: string): Promise<void> {
  if (arn) await query('iam', 'PutRolePermissionsBoundary', { RoleName: name, PermissionsBoundary: arn })
  else await query('iam', 'DeleteRolePermissionsBoundary', { RoleName: name })
}

/** Deletes a role after taking its policies away. */
export async function deleteRole(name: string): Promise<void> {
  for (const { arn } of await attachedPolicies('role', name)) await detach('role', name, arn)
  for (const policy of await inlinePolicies('role', name)) await deleteInlinePolicy('role', name, policy)
  await query('iam', 'DeleteRole', { RoleName: name })
}

export async function createGroup(name: string): Promise<void> {
  await query('iam', 'CreateGroup', { GroupName: name })
}

export async function deleteGroup(name: string): Promise<void> {
  for (const user of await usersOfGroup(name)) await leaveGroup(user, name)
  for (const { arn } of await attachedPolicies('group', name)) await detach('group', name, arn)
  for (const policy of await inlinePolicies('group', name)) await deleteInlinePolicy('group', name, policy)
  await query('iam', 'DeleteGroup', { GroupName: name })
}

export async function usersOfGroup(name: string, signal?: AbortSignal): Promise<string[]> {
  return (await everyMember('iam', 'GetGroup', { GroupName: name }, 'Users', signal)).map((one) => textOf(one, 'UserName'))
}

export async function groupsOfUser(name: string, signal?: AbortSignal): Promise<string[]> {
  const all = await everyMember('iam', 'ListGroupsForUser', { UserName: name }, 'Groups', signal)
  return all.map((one) => textOf(one, 'GroupName'))
}

export async function joinGroup(user: string, group: string): Promise<void> {
  await query('iam', 'AddUserToGroup', { UserName: user, GroupName: group })
}

export async function leaveGroup(user: string, group: string): Promise<void> {
  await query('iam', 'RemoveUserFromGroup', { UserName: user, GroupName: group })
}

function word(kind: Kind): string {
  return { user: 'User', group: 'Group', role: 'Role' }[kind]
}

function named(kind: Kind, name: string): Record<string, string> {
  return { [`${word(kind)}Name`]: name }
}

function policy(element: Element): Policy {
  const arn = textOf(element, 'Arn')
  return {
    arn,
    name: textOf(element, 'PolicyName'),
    path: textOf(element, 'Path'),
    description: textOf(element, 'Description'),
    defaultVersion: textOf(element, 'DefaultVersionId'),
    attachments: Number(textOf(element, 'AttachmentCount') || 0),
    managedByAws: arn.startsWith('arn:aws:iam::aws:'),
    updatedAt: textOf(element, 'UpdateDate'),
  }
}

function holder(element: Element, kind: Kind): Holder {
  const of = word(kind)
  return {
    kind,
    name: textOf(element, `${of}Name`),
    arn: textOf(element, 'Arn'),
    id: textOf(element, `${of}Id`),
    path: textOf(element, 'Path'),
    createdAt: textOf(element, 'CreateDate'),
  }
}

function role(element: Element): Role {
  const [boundary] = children(element, 'PermissionsBoundary')
  return {
    ...holder(element, 'role'),
    description: textOf(element, 'Description'),
    trust: document(element, 'AssumeRolePolicyDocument'),
    maxSession: Number(textOf(element, 'MaxSessionDuration') || 3600),
    boundary: boundary ? textOf(boundary, 'PermissionsBoundaryArn') : '',
  }
}

/** IAM answers documents URL-encoded. */
function document(element: Element | undefined, child: string): string {
  return element ? decodeURIComponent(textOf(element, child).replace(/\+/g, '%20')) : ''
}

