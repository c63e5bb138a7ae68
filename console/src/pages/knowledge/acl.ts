/** Access lists of documents, as they are read. */
import type { AclMembership, DocumentAcl } from '../../api/retrieval.ts'

export interface Named {
  kind: 'user' | 'group'
  id: string
}

export interface Access {
  /** Nobody is named: whoever may ask may read it. */
  open: boolean
  allowed: Named[]
  denied: Named[]
}

export function accessOf({ allowList, denyList }: DocumentAcl): Access {
  const [allowed, denied] = [namedIn(allowList), namedIn(denyList)]
  return { open: allowed.length === 0 && denied.length === 0, allowed, denied }
}

/** Everybody a list names: users first, each once. */
function namedIn(list: AclMembership | undefined): Named[] {
  const conditions = list?.conditions ?? []
  const of = (kind: Named['kind'], ids: string[]) => [...new Set(ids)].map((id): Named => ({ kind, id }))
  return [
    ...of('user', conditions.flatMap(({ users = [] }) => users.map(({ id }) => id))),
    ...of('group', conditions.flatMap(({ groups = [] }) => groups.map(({ id }) => id))),
  ]
}
