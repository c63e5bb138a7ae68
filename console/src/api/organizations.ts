/** The organization: accounts, units, and the policies that limit them. */
import { awsJson, everyItem } from './awsJson.ts'
import { ApiError } from './http.ts'

const PAGES = { from: 'NextToken', to: 'NextToken' }
const SCP = 'SERVICE_CONTROL_POLICY'

export interface Organization {
  Id: string
  MasterAccountId: string
  Arn: string
}

/** An account or a unit, with what is below it. */
export interface Node {
  id: string
  name: string
  kind: 'root' | 'unit' | 'account'
  children: Node[]
}

export interface ServicePolicy {
  Id: string
  Arn: string
  Name: string
  Description?: string
  AwsManaged: boolean
}

/** The organization; `undefined` where the account is in none. */
export async function describeOrganization(signal?: AbortSignal): Promise<Organization | undefined> {
  try {
    return (await awsJson<{ Organization: Organization }>('organizations', 'DescribeOrganization', {}, signal)).Organization
  } catch (reason) {
    if (ApiError.from(reason).code === 'AWSOrganizationsNotInUseException') return undefined
    throw reason
  }
}

export async function createOrganization(): Promise<void> {
  await awsJson('organizations', 'CreateOrganization', { FeatureSet: 'ALL' })
}

/** The tree of units and accounts below the root. */
export async function readTree(signal?: AbortSignal): Promise<Node[]> {
  const roots = await every<{ Id: string; Name: string }>('ListRoots', {}, 'Roots', signal)
  return Promise.all(roots.map(async (root) => below({ id: root.Id, name: root.Name, kind: 'root', children: [] }, signal)))
}

async function below(node: Node, signal?: AbortSignal): Promise<Node> {
  const parent = { ParentId: node.id }
  const [units, accounts] = await Promise.all([
    every<{ Id: string; Name: string }>('ListOrganizationalUnitsForParent', parent, 'OrganizationalUnits', signal),
    every<{ Id: string; Name: string }>('ListAccountsForParent', parent, 'Accounts', signal),
  ])
  const children = await Promise.all(
    units.map((unit) => below({ id: unit.Id, name: unit.Name, kind: 'unit', children: [] }, signal)),
  )
  const leaves = accounts.map((one): Node => ({ id: one.Id, name: one.Name, kind: 'account', children: [] }))
  return { ...node, children: [...children, ...leaves] }
}

export async function createUnit(ParentId: string, Name: string): Promise<void> {
  await awsJson('organizations', 'CreateOrganizationalUnit', { ParentId, Name })
}

export async function createMemberAccount(AccountName: string, Email: string): Promise<void> {
  await awsJson('organizations', 'CreateAccount', { AccountName, Email })
}

export async function moveAccount(AccountId: string, DestinationParentId: string): Promise<void> {
  const [parent] = await every<{ Id: string }>('ListParents', { ChildId: AccountId }, 'Parents')
  if (!parent) throw new Error(`The account ${AccountId} has no parent.`)
  await awsJson('organizations', 'MoveAccount', { AccountId, SourceParentId: parent.Id, DestinationParentId })
}

export async function enableServicePolicies(RootId: string): Promise<void> {
  try {
    await awsJson('organizations', 'EnablePolicyType', { RootId, PolicyType: SCP })
  } catch (reason) {
    if (ApiError.from(reason).code !== 'PolicyTypeAlreadyEnabledException') throw reason
  }
}

export function listServicePolicies(signal?: AbortSignal): Promise<ServicePolicy[]> {
  return every('ListPolicies', { Filter: SCP }, 'Policies', signal)
}

export function servicePoliciesOf(TargetId: string, signal?: AbortSignal): Promise<ServicePolicy[]> {
  return every('ListPoliciesForTarget', { TargetId, Filter: SCP }, 'Policies', signal)
}

export async function servicePolicyText(PolicyId: string, signal?: AbortSignal): Promise<string> {
  return (await awsJson<{ Policy: { Content: string } }>('organizations', 'DescribePolicy', { PolicyId }, signal)).Policy.Content
}

export async function createServicePolicy(Name: string, Description: string, Content: string): Promise<void> {
  await awsJson('organizations', 'CreatePolicy', { Name, Description, Content, Type: SCP })
}

export async function saveServicePolicy(PolicyId: string, Content: string): Promise<void> {
  await awsJson('organizations', 'UpdatePolicy', { PolicyId, Content })
}

export async function deleteServicePolicy(PolicyId: string): Promise<void> {
  await awsJson('organizations', 'DeletePolicy', { PolicyId })
}

export async function attachServicePolicy(PolicyId: string, TargetId: string): Promise<void> {
  await awsJson('organizations', 'AttachPolicy', { PolicyId, TargetId })
}

export async function detachServicePolicy(PolicyId: string, TargetId: string): Promise<void> {
  await awsJson('organizations', 'DetachPolicy', { PolicyId, TargetId })
}

function every<T>(operation: string, input: object, list: string, signal?: AbortSignal): Promise<T[]> {
  return everyItem('organizations', operation, input, list, PAGES, signal)
}
