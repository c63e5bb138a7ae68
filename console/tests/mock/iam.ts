import type { ServerResponse } from 'node:http'
import type { AccessKey } from '../../src/api/iam.ts'
import { ROLE } from './importState.ts'
import { ACCOUNT, type State } from './state.ts'

/** IAM's Query protocol for the operations that the console calls. */
export function iam(state: State, body: string, response: ServerResponse): void {
  const form = new URLSearchParams(body)
  const action = form.get('Action') ?? ''
  const user = form.get('UserName') ?? ''
  const key = state.accessKeys.find((one) => one.id === form.get('AccessKeyId'))
  switch (action) {
    case 'ListUsers':
      return xml(response, action, `<Users>${state.users.map(userXml).join('')}</Users><IsTruncated>false</IsTruncated>`)
    case 'CreateUser':
      if (state.users.includes(user)) return fault(response, 409, 'EntityAlreadyExists', `User with name ${user} already exists.`)
      state.users.push(user)
      return xml(response, action, `<User>${userXml(user)}</User>`)
    case 'DeleteUser':
      if (state.accessKeys.some((one) => one.userName === user)) {
        return fault(response, 409, 'DeleteConflict', 'Cannot delete entity, must delete access keys first.')
      }
      state.users = state.users.filter((one) => one !== user)
      return xml(response, action, '')
    case 'ListAccessKeys': {
      const members = state.accessKeys.filter((one) => one.userName === user).map((one) => `<member>${keyXml(one)}</member>`)
      return xml(response, action, `<AccessKeyMetadata>${members.join('')}</AccessKeyMetadata><IsTruncated>false</IsTruncated>`)
    }
    case 'CreateAccessKey': {
      const existing = state.accessKeys.filter((one) => one.userName === user)
      if (existing.length >= 2) {
        return fault(response, 409, 'LimitExceeded', 'Cannot exceed quota for AccessKeysPerUser: 2')
      }
      const id = `AKIANEW${String(state.accessKeys.length).padStart(13, '0')}`
      const made: AccessKey = { id, userName: user, active: true, createdAt: '2026-05-04T10:00:00Z' }
      state.accessKeys.push(made)
      return xml(response, action, `<AccessKey>${keyXml(made)}<SecretAccessKey>new-secret/${id}</SecretAccessKey></AccessKey>`)
    }
    case 'UpdateAccessKey':
      if (key) key.active = form.get('Status') === 'Active'
      return xml(response, action, '')
    case 'DeleteAccessKey':
      state.accessKeys = state.accessKeys.filter((one) => one !== key)
      return xml(response, action, '')
    case 'ListRoles':
      return xml(response, action, `<Roles>${roleXml()}</Roles><IsTruncated>false</IsTruncated>`)
    case 'CreateRole': {
      const role = form.get('RoleName') ?? ''
      if (state.endpoints.roles.includes(role)) return fault(response, 409, 'EntityAlreadyExists', `Role with name ${role} already exists.`)
      state.endpoints.roles.push(role)
      return xml(response, action, '')
    }
    case 'PutRolePolicy':
      state.knowledge.rolePolicies.push({ role: form.get('RoleName') ?? '', name: form.get('PolicyName') ?? '', document: form.get('PolicyDocument') ?? '' })
      return xml(response, action, '')
    case 'GetRole': {
      const role = form.get('RoleName') ?? ''
      if (!state.endpoints.roles.includes(role)) {
        return fault(response, 404, 'NoSuchEntity', `The role with name ${role} cannot be found.`)
      }
      const arn = `arn:aws:iam::${ACCOUNT}:role/${role}`
      return xml(response, action, `<Role><Path>/</Path><RoleName>${role}</RoleName><RoleId>AROAMOCK</RoleId><Arn>${arn}</Arn></Role>`)
    }
    default:
      return fault(response, 501, 'NotImplemented', `\`${action}\` is not implemented`)
  }
}

function userXml(name: string): string {
  return `<member><Path>/</Path><UserName>${name}</UserName><Arn>arn:aws:iam::${ACCOUNT}:user/${name}</Arn></member>`
}

function roleXml(): string {
  return `<member><Path>/</Path><RoleName>BedrockCMIExecutionRole-${ACCOUNT}</RoleName><RoleId>AROAMOCK</RoleId><Arn>${ROLE}</Arn><CreateDate>2026-05-04T08:00:00Z</CreateDate><AssumeRolePolicyDocument>%7B%7D</AssumeRolePolicyDocument></member>`
}

function keyXml(key: AccessKey): string {
  const status = key.active ? 'Active' : 'Inactive'
  return `<UserName>${key.userName}</UserName><AccessKeyId>${key.id}</AccessKeyId><Status>${status}</Status><CreateDate>${key.createdAt}</CreateDate>`
}

const NAMESPACE = 'https://iam.amazonaws.com/doc/2010-05-08/'

function xml(response: ServerResponse, action: string, result: string): void {
  response.writeHead(200, { 'content-type': 'text/xml' })
  response.end(`<${action}Response xmlns="${NAMESPACE}"><${action}Result>${result}</${action}Result></${action}Response>`)
}

function fault(response: ServerResponse, status: number, code: string, message: string): void {
  const requestId = String(response.getHeader('x-amzn-requestid'))
  response.writeHead(status, { 'content-type': 'text/xml' })
  response.end(
    `<ErrorResponse xmlns="${NAMESPACE}"><Error><Type>Sender</Type><Code>${code}</Code><Message>${message}</Message></Error><RequestId>${requestId}</RequestId></ErrorResponse>`,
  )
}
