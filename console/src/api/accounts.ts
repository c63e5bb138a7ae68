import { sendJson } from './http.ts'
import type { Items } from './list.ts'

export interface Account {
  accountId: string
  /** True for the first account of the deployment, which alone sees the others. */
  management: boolean
  /** ISO 8601 */
  createdAt: string
}

/** Shown once: the server keeps the secret encrypted and does not tell it again. */
export interface NewAccount {
  accountId: string
  accessKeyId: string
  secretAccessKey: string
}

export async function listAccounts(signal?: AbortSignal): Promise<Account[]> {
  const answer = await sendJson<Items<Account>>('/craton/v1/accounts', { signal })
  return answer.items
}

/** Without an id the server chooses one. */
export function createAccount(accountId: string | undefined): Promise<NewAccount> {
  return sendJson('/craton/v1/accounts', { method: 'POST', json: accountId ? { accountId } : {} })
}
