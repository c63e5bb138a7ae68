import type { Kind } from '../../api/permissions.ts'

/** The path of the page of a user, group or role. */
export function holderPath(kind: Kind, name: string): string {
  return kind === 'role' ? `/roles?role=${encodeURIComponent(name)}` : `/users?${kind}=${encodeURIComponent(name)}`
}
