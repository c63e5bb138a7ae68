import { ApiError } from '../../api/http.ts'
import { createRole, getRole } from '../../api/permissions.ts'
import { ROLE_NAME, TRUST } from './draft.ts'

/** The role that endpoints are made as where no other was chosen: made at its first use. Gives its ARN. */
export async function endpointRole(): Promise<string> {
  try {
    return (await getRole(ROLE_NAME)).arn
  } catch (reason) {
    if (ApiError.from(reason).code !== 'NoSuchEntity') throw reason
  }
  await createRole(ROLE_NAME, 'Endpoints of models', TRUST)
  return (await getRole(ROLE_NAME)).arn
}
