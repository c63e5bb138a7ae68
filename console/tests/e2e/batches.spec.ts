import type { Page } from '@playwright/test'
import { expect, openPage, test } from './fixtures.ts'

test.beforeEach(({ craton }) => test.skip(!craton.mock, 'made-up batches'))

const ROLE = 'arn:aws:iam::111122223333:role/Batcher'

async function create(page: Page, name: string): Promise<void> {
  await page.getByRole('button', { name: 'Create batch' }).first().click()
  await page.getByLabel('Job name').fill(name)
  await page.getByLabel('Model', { exact: true }).fill('anthropic.claude-3-haiku-20240307-v1:0')
  await page.getByText('The same body for every chat model.').click()
  await page.getByLabel('Input', { exact: true }).fill('s3://batches/in/')
  await page.getByLabel('Output', { exact: true }).fill('s3://batches/out/')
  await page.getByLabel('Role', { exact: true }).fill(ROLE)
  await page.keyboard.press('Escape')
  await page.getByRole('button', { name: 'Create batch' }).click()
  await expect(page.getByRole('heading', { level: 1, name })).toBeVisible()
}

test('a batch is started, seen to go on and to end', async ({ signedIn: page, craton }) => {
  const { state } = craton.mock!
  await openPage(page, 'Batch inference')
  await expect(page.getByText('No batches yet')).toBeVisible()
  await create(page, 'calls-of-may')
  expect(state.batches[0]).toMatchObject({ modelInvocationType: 'Converse', roleArn: ROLE, inputUri: 's3://batches/in/' })
  await expect(page.getByText('300 of 1,200').first()).toBeVisible()
  await expect(page.getByRole('table', { name: 'Records with errors' })).toContainText('calls.jsonl:7')
  Object.assign(state.batches[0]!, {
    status: 'PartiallyCompleted',
    processedRecordCount: 900,
    message: 'The time of the job is over.',
    endedAt: '2026-05-05T10:00:00Z',
  })
  await expect(page.getByText('Partially completed')).toBeVisible()
  await expect(page.getByTestId('failure')).toHaveText('The time of the job is over.')
  await expect(page.getByRole('button', { name: 'Stop calls-of-may' })).toHaveCount(0)
  await page.getByRole('link', { name: 'Batch inference', exact: true }).first().click()
  const row = page.getByRole('row').filter({ hasText: 'calls-of-may' })
  await expect(row).toContainText('900 of 1,200')
  await page.getByRole('searchbox', { name: 'Find batches' }).fill('other')
  await expect(page.getByText('No batch matches')).toBeVisible()
})

test('a batch has an end of its own and tags, and its results are downloaded', async ({ signedIn: page, craton }) => {
  const { state } = craton.mock!
  await openPage(page, 'Batch inference')
  await page.getByRole('button', { name: 'Create batch' }).first().click()
  await page.getByLabel('Hours').fill('12')
  await expect(page.getByText('A whole number of hours from 24 to 168')).toBeVisible()
  await page.getByLabel('Hours').fill('48')
  await page.getByRole('button', { name: 'Add tag' }).click()
  await page.getByLabel('Key of tag 1').fill('team')
  await page.getByLabel('Job name').fill('tagged')
  await page.getByLabel('Model', { exact: true }).fill('anthropic.claude-3-haiku-20240307-v1:0')
  await page.getByLabel('Input', { exact: true }).fill('s3://batches/in/')
  await page.getByLabel('Output', { exact: true }).fill('s3://batches/out/')
  await page.getByLabel('Role', { exact: true }).fill(ROLE)
  await page.keyboard.press('Escape')
  const asked = page.waitForRequest((request) => request.method() === 'POST' && request.url().endsWith('/model-invocation-job'))
  await page.getByRole('button', { name: 'Create batch' }).click()
  expect((await asked).postDataJSON()).toMatchObject({ timeoutDurationInHours: 48, tags: [{ key: 'team', value: '' }] })
  await expect(page.getByRole('heading', { level: 1, name: 'tagged' })).toBeVisible()
  Object.assign(state.batches[0]!, { status: 'Completed', resultFiles: ['deep/calls.jsonl.out'], endedAt: '2026-05-04T11:00:00Z' })
  const results = page.getByRole('table', { name: 'Results' })
  await expect(results).toContainText('deep/calls.jsonl.out')
  await page.route('**/batches/out/*/deep/calls.jsonl.out', (route) => route.fulfill({ body: '{"recordId": "1"}\n' }))
  const download = page.waitForEvent('download')
  await results.getByRole('button', { name: 'Download deep/calls.jsonl.out' }).click()
  expect((await download).suggestedFilename()).toBe('calls.jsonl.out')
})

test('a batch is stopped', async ({ signedIn: page }) => {
  await openPage(page, 'Batch inference')
  await create(page, 'too-many')
  await page.getByRole('button', { name: 'Stop too-many' }).click()
  await expect(page.getByText('Stopped')).toBeVisible()
})

test('what is wrong with a batch is told before it is asked for', async ({ signedIn: page, craton }) => {
  await openPage(page, 'Batch inference')
  await page.getByRole('button', { name: 'Create batch' }).first().click()
  await page.getByLabel('Role', { exact: true }).fill('arn:aws:iam::999999999999:role/Batcher')
  await page.keyboard.press('Escape')
  await page.getByRole('button', { name: 'Create batch' }).click()
  await expect(page.getByText('A model id, an ARN or an inference profile')).toBeVisible()
  await expect(page.getByText('The role must be of this account, 111122223333')).toBeVisible()
  expect(craton.mock!.state.batches).toEqual([])
})
