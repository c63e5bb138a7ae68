import type { IncomingMessage, ServerResponse } from 'node:http'
import { HttpError } from './api.ts'
import { json } from './server.ts'
import { ACCOUNT } from './state.ts'

const KEY = {
  KeyId: '6cd5d3bf-3d9b-4d1c-83d5-8df6284435a1',
  Arn: `arn:aws:kms:us-east-1:${ACCOUNT}:key/6cd5d3bf-3d9b-4d1c-83d5-8df6284435a1`,
  KeyState: 'Enabled',
  KeyManager: 'CUSTOMER',
  CreationDate: 1_777_881_600,
}

/** One key, to choose from. */
export function kms(request: IncomingMessage, response: ServerResponse): void {
  switch (String(request.headers['x-amz-target']).split('.')[1]) {
    case 'ListKeys':
      return json(response, 200, { Keys: [{ KeyId: KEY.KeyId, KeyArn: KEY.Arn }] })
    case 'ListAliases':
      return json(response, 200, { Aliases: [{ AliasName: 'alias/models', TargetKeyId: KEY.KeyId }] })
    case 'DescribeKey':
      return json(response, 200, { KeyMetadata: KEY })
    default:
      throw new HttpError(501, 'NotImplemented', 'Only keys are listed')
  }
}
