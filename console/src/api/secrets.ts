/** Secrets Manager's secrets. */
import { awsJson, everyItem } from './awsJson.ts'

const PAGES = { from: 'NextToken', to: 'NextToken' }

export interface Secret {
  ARN: string
  Name: string
  Description?: string
  KmsKeyId?: string
  /** Seconds since 1970, as the other times. */
  CreatedDate?: number
  LastChangedDate?: number
  LastAccessedDate?: number
  /** Set while the secret waits for its deletion. */
  DeletedDate?: number
}

export interface Version {
  VersionId: string
  VersionStages?: string[]
  CreatedDate?: number
}

export interface Value {
  SecretString?: string
  /** Base64 */
  SecretBinary?: string
  VersionId: string
}

export function listSecrets(signal?: AbortSignal): Promise<Secret[]> {
  return everyItem('secretsmanager', 'ListSecrets', { IncludePlannedDeletion: true }, 'SecretList', PAGES, signal)
}

export async function createSecret(input: {
  Name: string
  SecretString: string
  Description?: string
  KmsKeyId?: string
}): Promise<void> {
  await awsJson('secretsmanager', 'CreateSecret', { ...input, ClientRequestToken: crypto.randomUUID() })
}

export function secretValue(SecretId: string, VersionId?: string): Promise<Value> {
  return awsJson('secretsmanager', 'GetSecretValue', VersionId ? { SecretId, VersionId } : { SecretId })
}

export async function putSecretValue(SecretId: string, SecretString: string): Promise<void> {
  await awsJson('secretsmanager', 'PutSecretValue', { SecretId, SecretString, ClientRequestToken: crypto.randomUUID() })
}

export function listVersions(SecretId: string, signal?: AbortSignal): Promise<Version[]> {
  return everyItem('secretsmanager', 'ListSecretVersionIds', { SecretId, IncludeDeprecated: true }, 'Versions', PAGES, signal)
}

/** The resource policy; empty where there is none. */
export async function secretPolicy(SecretId: string, signal?: AbortSignal): Promise<string> {
  const answer = await awsJson<{ ResourcePolicy?: string }>('secretsmanager', 'GetResourcePolicy', { SecretId }, signal)
  return answer.ResourcePolicy ?? ''
}

/** Sets the resource policy; an empty text removes it. */
export async function saveSecretPolicy(SecretId: string, ResourcePolicy: string): Promise<void> {
  if (ResourcePolicy.trim() === '') await awsJson('secretsmanager', 'DeleteResourcePolicy', { SecretId })
  else await awsJson('secretsmanager', 'PutResourcePolicy', { SecretId, ResourcePolicy, BlockPublicPolicy: true })
}

export async function deleteSecret(SecretId: string, RecoveryWindowInDays: number): Promise<void> {
  await awsJson('secretsmanager', 'DeleteSecret', { SecretId, RecoveryWindowInDays })
}

export async function restoreSecret(SecretId: string): Promise<void> {
  await awsJson('secretsmanager', 'RestoreSecret', { SecretId })
}
