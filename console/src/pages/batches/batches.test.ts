import { describe, expect, test } from 'vitest'
import { BATCH_STATUSES } from '../../api/batches.ts'
import { faults, newDraft, requestOf, type Draft } from './draft.ts'
import { isOver, percentOf, placeOf, recordsText, STATUSES } from './status.ts'

const ACCOUNT = '111122223333'
const GOOD: Draft = {
  ...newDraft(new Date('2026-05-04T08:12:09Z')),
  modelId: 'anthropic.claude-3-haiku-20240307-v1:0',
  roleArn: `arn:aws:iam::${ACCOUNT}:role/Batcher`,
  inputUri: 's3://batches/in/calls.jsonl',
  outputUri: 's3://batches/out/',
}

describe('draft', () => {
  test('a whole form has no fault and asks for what it says', () => {
    expect(faults(GOOD, ACCOUNT)).toEqual({})
    expect(GOOD.jobName).toBe('batch-20260504-081209')
    expect(requestOf({ ...GOOD, kmsKey: ' alias/batches ', modelId: ' m ' })).toEqual({
      jobName: 'batch-20260504-081209',
      modelId: 'm',
      roleArn: GOOD.roleArn,
      invocationType: 'InvokeModel',
      inputUri: GOOD.inputUri,
      outputUri: GOOD.outputUri,
      kmsKeyId: 'alias/batches',
    })
    expect(requestOf(GOOD)).not.toHaveProperty('kmsKeyId')
    const tags = [{ key: 'team', value: 'calls' }]
    const more = { ...GOOD, timeout: ' 48 ', inputOwner: ACCOUNT, outputOwner: '444455556666', tags }
    expect(faults(more, ACCOUNT)).toEqual({})
    expect(requestOf(more)).toMatchObject({ timeoutHours: 48, inputOwner: ACCOUNT, outputOwner: '444455556666', tags })
    for (const absent of ['timeoutHours', 'inputOwner', 'outputOwner', 'tags']) expect(requestOf(GOOD)).not.toHaveProperty(absent)
  })

  test('a tag needs a key', () => {
    expect(Object.keys(faults({ ...GOOD, tags: [{ key: ' ', value: 'x' }] }, ACCOUNT))).toEqual(['tags'])
  })

  test.each([
    ['jobName', '-batch'],
    ['modelId', ' '],
    ['inputUri', 'https://batches/in'],
    ['inputUri', 's3://Batches/in'],
    ['outputUri', 's3://batches//out'],
    ['outputUri', ''],
    ['roleArn', `arn:aws:sts::${ACCOUNT}:role/x`],
    ['roleArn', 'arn:aws:iam::444455556666:role/x'],
    ['kmsKey', 'my-key'],
    ['timeout', '12'],
    ['timeout', '200'],
    ['timeout', 'a day'],
    ['inputOwner', '12'],
    ['outputOwner', 'me'],
  ] as const)('%s cannot be `%s`', (field, value) => {
    expect(Object.keys(faults({ ...GOOD, [field]: value }, ACCOUNT))).toEqual([field])
  })
})

describe('status', () => {
  test('every status has a text, and five are ends', () => {
    expect(Object.keys(STATUSES)).toEqual([...BATCH_STATUSES])
    expect(BATCH_STATUSES.filter(isOver)).toEqual(['Completed', 'PartiallyCompleted', 'Failed', 'Stopped', 'Expired'])
  })

  test('nothing is told of records before they are counted', () => {
    expect(percentOf({ processedRecordCount: 0, totalRecordCount: 0 })).toBeUndefined()
    expect(percentOf({ processedRecordCount: 2, totalRecordCount: 3 })).toBe(66)
    expect(recordsText(undefined, undefined)).toBe('–')
    expect(recordsText(1200, 50000)).toBe('1,200 of 50,000')
  })
})

test('results are read from the bucket and the folder of their URI', () => {
  expect(placeOf('s3://batches/out/abc/')).toEqual({ bucket: 'batches', prefix: 'out/abc/' })
  expect(placeOf('s3://batches')).toEqual({ bucket: 'batches', prefix: '' })
})
