/** KMS's keys. */
import { awsJson, everyItem } from './awsJson.ts'

const PAGES = { from: 'NextMarker', to: 'Marker' }

export interface Key {
  KeyId: string
  Arn: string
  Description?: string
  KeyState: 'Enabled' | 'Disabled' | 'PendingDeletion' | string
  KeyManager: 'CUSTOMER' | 'AWS'
  /** Seconds since 1970, as the other times. */
  CreationDate: number
  DeletionDate?: number
  KeySpec?: string
}

export interface KeyRow extends Key {
  aliases: string[]
}

export interface Grant {
  GrantId: string
  Name?: string
  GranteePrincipal: string
  Operations: string[]
  CreationDate?: number
}

export interface Rotation {
  KeyRotationEnabled: boolean
  RotationPeriodInDays?: number
  NextRotationDate?: number
}

export async function listKeys(signal?: AbortSignal): Promise<KeyRow[]> {
  const [keys, aliases] = await Promise.all([
    everyItem<{ KeyId: string }>('kms', 'ListKeys', {}, 'Keys', PAGES, signal),
    everyItem<{ AliasName: string; TargetKeyId?: string }>('kms', 'ListAliases', {}, 'Aliases', PAGES, signal),
  ])
  return Promise.all(
    keys.map(async ({ KeyId }) => ({
      ...(await describeKey(KeyId, signal)),
      aliases: aliases.filter((alias) => alias.TargetKeyId === KeyId).map((alias) => alias.AliasName),
    })),
  )
}

export async function describeKey(KeyId: string, signal?: AbortSignal): Promise<Key> {
  return (await awsJson<{ KeyMetadata: Key }>('kms', 'DescribeKey', { KeyId }, signal)).KeyMetadata
}

/** Makes a key and, where one is given, its alias. */
export async function createKey(alias: string, Description: string): Promise<void> {
  const { KeyMetadata } = await awsJson<{ KeyMetadata: Key }>('kms', 'CreateKey', Description ? { Description } : {})
  if (alias) await awsJson('kms', 'CreateAlias', { AliasName: `alias/${alias}`, TargetKeyId: KeyMetadata.KeyId })
}

export async function keyPolicy(KeyId: string, signal?: AbortSignal): Promise<string> {
  return (await awsJson<{ Policy: string }>('kms', 'GetKeyPolicy', { KeyId, PolicyName: 'default' }, signal)).Policy
}

export async function saveKeyPolicy(KeyId: string, Policy: string): Promise<void> {
  await send('PutKeyPolicy', { KeyId, PolicyName: 'default', Policy })
}

export function rotation(KeyId: string, signal?: AbortSignal): Promise<Rotation> {
  return awsJson('kms', 'GetKeyRotationStatus', { KeyId }, signal)
}

export async function setRotation(KeyId: string, on: boolean): Promise<void> {
  await send(on ? 'EnableKeyRotation' : 'DisableKeyRotation', { KeyId })
}

export async function rotateNow(KeyId: string): Promise<void> {
  await send('RotateKeyOnDemand', { KeyId })
}

export async function setEnabled(KeyId: string, on: boolean): Promise<void> {
  await send(on ? 'EnableKey' : 'DisableKey', { KeyId })
}

export async function scheduleDeletion(KeyId: string, PendingWindowInDays: number): Promise<void> {
  await send('ScheduleKeyDeletion', { KeyId, PendingWindowInDays })
}

/** Takes a scheduled deletion back. The key stays disabled, as in AWS. */
export async function cancelDeletion(KeyId: string): Promise<void> {
  await send('CancelKeyDeletion', { KeyId })
}

export function listGrants(KeyId: string, signal?: AbortSignal): Promise<Grant[]> {
  return everyItem('kms', 'ListGrants', { KeyId }, 'Grants', PAGES, signal)
}

export async function revokeGrant(KeyId: string, GrantId: string): Promise<void> {
  await send('RevokeGrant', { KeyId, GrantId })
}

/** For operations that answer nothing, not even `{}`. */
async function send(operation: string, input: object): Promise<void> {
  await awsJson('kms', operation, input)
}
