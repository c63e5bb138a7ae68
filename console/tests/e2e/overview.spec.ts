import { expect, test } from './fixtures.ts'

test('the overview shows health, settings and requests', async ({ signedIn: page }) => {
  await expect(page.getByText('Answering', { exact: true }).first()).toBeVisible()
  await expect(page.getByRole('heading', { name: 'Models in memory' })).toBeVisible()
  await expect(page.getByRole('heading', { name: 'Recent requests' })).toBeVisible()
  await page.getByRole('button', { name: 'Settings in force' }).click()
  await expect(page.getByText('Data directory')).toBeVisible()
})

test('requests are filtered by text and by outcome, and open to their details', async ({ signedIn: page, craton }) => {
  test.skip(!craton.mock, 'needs known requests')
  const table = page.getByRole('table', { name: 'Recent requests' })
  await expect(table.getByRole('row')).toHaveCount(7)
  await page.getByPlaceholder('Find by operation').fill('throttling')
  await expect(table.getByRole('row')).toHaveCount(2)
  await table.getByRole('button', { name: 'Details of InvokeModel' }).click()
  await expect(page.getByRole('dialog')).toContainText('429 ThrottlingException')
  await expect(page.getByRole('dialog')).toContainText('8b1c6a52')
})

test('a model forgets the prompts of the account', async ({ signedIn: page, craton }) => {
  test.skip(!craton.mock, 'needs a loaded model')
  await page.getByRole('button', { name: 'Forget the prompts of smollm2-135m-instruct' }).click()
  await expect(page.getByText('smollm2-135m-instruct forgot the prompts of this account.')).toBeVisible()
  await expect(page.getByRole('table', { name: 'Models in memory' })).toContainText('nothing')
})

test('a model is unloaded from memory', async ({ signedIn: page, craton }) => {
  test.skip(!craton.mock, 'needs a loaded model')
  await page.getByRole('button', { name: 'Unload smollm2-135m-instruct' }).click()
  await expect(page.getByText('No model is loaded')).toBeVisible()
})

test('a server that stops answering is said so and the last figures stay', async ({ signedIn: page, craton }) => {
  test.skip(!craton.mock, 'needs a server that can be broken')
  await expect(page.getByText('Answering', { exact: true }).first()).toBeVisible()
  await page.route('**/craton/v1/status', (route) => route.abort())
  await expect(page.getByText("Could not read the server's status")).toBeVisible({ timeout: 10_000 })
  await expect(page.getByText('Last known figures')).toBeVisible()
})

test('requests tell what came from the cache and what they waited for, in columns of choice', async ({ signedIn: page, craton }) => {
  test.skip(!craton.mock, 'needs known requests')
  const table = page.getByRole('table', { name: 'Recent requests' })
  const row = table.getByRole('row').filter({ hasText: 'ConverseStream' })
  await expect(row).toContainText('40 of 52')
  await expect(row).toContainText('smollm2-135m-instruct, replica 1')
  await expect(table).not.toContainText('it repeated itself')
  await page.getByRole('button', { name: 'Columns' }).click()
  await page.getByRole('dialog').getByLabel('Ended because').click()
  await page.getByRole('dialog').getByRole('button', { name: 'Show' }).click()
  await expect(row).toContainText('it repeated itself')
  await page.reload()
  await expect(row).toContainText('it repeated itself')
  await table.getByRole('button', { name: 'Details of ConverseStream' }).click()
  await expect(page.getByRole('dialog')).toContainText('First token after')
})

test('models in memory tell their latest answers and the profile in use', async ({ signedIn: page, craton }) => {
  test.skip(!craton.mock, 'needs a loaded model')
  const row = page.getByRole('table', { name: 'Models in memory' }).getByRole('row').filter({ hasText: 'smollm2' })
  for (const told of ['187 ms', '48 ms', '60 %', '48 MB in 6 beginnings', '3.4', 'tuned']) await expect(row).toContainText(told)
})
