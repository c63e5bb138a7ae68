import { expect, openPage, signIn, test } from './fixtures.ts'

test('the catalogue is searched and filtered', async ({ signedIn: page, craton }) => {
  await openPage(page, 'Model catalogue')
  if (!craton.mock) {
    await expect(page.getByRole('listitem').first()).toBeVisible()
    return
  }
  await page.getByLabel('Find models').fill('cohere')
  await expect(page.getByRole('heading', { level: 1 })).toContainText('(1/5)')
  await page.getByLabel('Find models').fill('')
  await page.getByRole('button', { name: /^Show/ }).click()
  await page.getByRole('option', { name: 'Downloaded' }).click()
  await expect(page.getByRole('heading', { level: 1 })).toContainText('(3/5)')
  await page.getByRole('button', { name: 'SmolLM2 135M Instruct', exact: true }).click()
  await expect(page.getByRole('dialog')).toContainText('craton models pull smollm2-135m-instruct')
})

test('the template of a model that is here is verified anew', async ({ signedIn: page, craton }) => {
  await page.goto(`${craton.url}/console/models?model=smollm2-135m-instruct`)
  const dialog = page.getByRole('dialog')
  const asked = page.waitForRequest((request) => request.method() === 'POST' && request.url().endsWith('/models/smollm2-135m-instruct/verify-template'))
  await dialog.getByRole('button', { name: 'Verify template' }).click()
  await asked
  await expect(dialog.getByRole('status').filter({ hasText: 'looked at just now' })).toBeVisible()
  if (!craton.mock) return
  await page.goto(`${craton.url}/console/models?model=mistral-small-24b-instruct-2501`)
  await expect(dialog).toContainText('another vendor’s, not of mistral-v7')
  await expect(dialog.getByRole('button', { name: 'Verify template' })).toHaveCount(0)
})

test('a download demands the terms, shows its progress and ends with a usable model', async ({ signedIn: page, craton }) => {
  test.skip(!craton.mock, 'downloads')
  await openPage(page, 'Model catalogue')
  await page.getByRole('button', { name: 'Download Gemma 3 270M' }).click()
  const start = page.getByRole('dialog').getByRole('button', { name: 'Download' })
  await expect(start).toBeDisabled()
  await page.getByText('I have read and accept the terms').click()
  await start.click()
  await expect(page.getByText(/\d+ MB of 253 MB/)).toBeVisible()
  await expect(page.getByText('Gemma 3 270M was downloaded.')).toBeVisible()
  await expect(page.getByRole('button', { name: 'Try Gemma 3 270M in the playground' })).toBeVisible()
})

test('a download is followed by asking where the event stream does not come through', async ({ signedIn: page, craton }) => {
  test.skip(!craton.mock, 'downloads')
  await page.route('**/craton/v1/jobs/*/events', (route) => route.abort())
  await openPage(page, 'Model catalogue')
  await page.getByRole('button', { name: 'Download Mistral Small 24B Instruct 2501' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Download' }).click()
  await expect(page.getByText('Mistral Small 24B Instruct 2501 was downloaded.')).toBeVisible()
})

test('a download is cancelled', async ({ signedIn: page, craton }) => {
  test.skip(!craton.mock, 'downloads')
  await openPage(page, 'Model catalogue')
  await page.getByRole('button', { name: 'Download Mistral Small 24B Instruct 2501' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Download' }).click()
  await page.getByRole('button', { name: 'Cancel the download of Mistral Small 24B Instruct 2501' }).click()
  await expect(page.getByText('The download of Mistral Small 24B Instruct 2501 was cancelled.')).toBeVisible()
  await openPage(page, 'Jobs')
  await expect(page.getByRole('table', { name: 'Jobs' })).toContainText('Cancelled')
})

test('a download of a source that cannot be read says why and what to do', async ({ signedIn: page }) => {
  await openPage(page, 'Model catalogue')
  await page.getByRole('button', { name: 'Download another model' }).click()
  await page.getByRole('dialog').getByLabel('Source').fill('file:/nowhere/model.gguf')
  await page.getByRole('dialog').getByRole('button', { name: 'Download' }).click()
  await expect(page.getByText(/The download of file:\/nowhere\/model\.gguf failed: Cannot read .* Hint: /)).toBeVisible()
})

test('a model is removed only after a confirmation', async ({ signedIn: page, craton }) => {
  test.skip(!craton.mock, 'removes files')
  await openPage(page, 'Model catalogue')
  await page.getByRole('button', { name: 'Remove SmolLM2 135M Instruct' }).click()
  await expect(page.getByRole('dialog')).toContainText('anthropic.claude-3-haiku')
  await page.getByRole('dialog').getByRole('button', { name: 'Remove' }).click()
  await expect(page.getByRole('button', { name: 'Download SmolLM2 135M Instruct' })).toBeVisible()
})

test('an alias is pointed at another model and taken back', async ({ signedIn: page, craton }) => {
  test.skip(!craton.mock, 'changes aliases')
  const id = 'anthropic.claude-3-haiku-20240307-v1:0'
  await openPage(page, 'Model aliases')
  await page.getByRole('button', { name: `Change ${id}` }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByLabel('An OpenAI-compatible server').check()
  await dialog.getByLabel('Base URL').fill('http://127.0.0.1:8000/v1')
  await dialog.getByLabel('Model there').fill('mistral-small')
  await dialog.getByRole('button', { name: 'Save' }).click()
  const row = page.getByRole('row').filter({ hasText: id })
  await expect(row).toContainText('mistral-small at http://127.0.0.1:8000/v1')
  await page.getByRole('button', { name: `Reset ${id}` }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Reset' }).click()
  await expect(row).toContainText('smollm2-135m-instruct')
})

test('a pool is made, shows its members and is removed', async ({ signedIn: page, craton }) => {
  test.skip(!craton.mock, 'makes a pool')
  await openPage(page, 'Pools')
  await page.getByRole('button', { name: 'Add pool' }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByLabel('Name').fill('chat')
  await dialog.getByRole('button', { name: 'Add member' }).click()
  for (const at of [1, 2]) {
    await dialog.getByLabel(`Base URL of member ${at}`).fill(`http://gpu-${at}:8000/v1`)
    await dialog.getByLabel(`Model there of member ${at}`).fill('qwen')
  }
  await dialog.getByRole('button', { name: 'Save' }).click()
  const members = page.getByRole('table', { name: 'Members of chat' })
  await expect(members.getByRole('row').filter({ hasText: 'http://gpu-1:8000/v1' })).toContainText('3 of 64')
  await expect(members.getByRole('row').filter({ hasText: 'http://gpu-2:8000/v1' })).toContainText('Left alone')
  await expect(page.getByText('1 of 2 down')).toBeVisible()
  await page.getByRole('button', { name: 'Remove chat' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Remove' }).click()
  await expect(page.getByText('No pools')).toBeVisible()
})

test('who cannot change the shared models is not offered to', async ({ page, craton }) => {
  test.skip(!craton.mock, 'another account')
  if (craton.mock) craton.mock.state.managesDeployment = false
  await signIn(page, craton)
  await openPage(page, 'Model catalogue')
  await expect(page.getByRole('button', { name: 'Try SmolLM2 135M Instruct in the playground' })).toBeVisible()
  await expect(page.getByRole('button', { name: /^(Download|Remove|Unload) / })).toHaveCount(0)
  await openPage(page, 'Model aliases')
  await page.getByRole('button', { name: 'Add alias' }).click()
  await expect(page.getByLabel('An OpenAI-compatible server')).toBeDisabled()
})

test('a loaded model tells what it is doing, on its card and in its details', async ({ signedIn: page, craton }) => {
  test.skip(!craton.mock, 'needs a loaded model')
  await openPage(page, 'Model catalogue')
  await expect(page.getByText('2 answering, 0 waiting, 212.7 tokens/s, first token 41 ms')).toBeVisible()
  await page.getByRole('button', { name: 'SmolLM2 135M Instruct', exact: true }).click()
  const live = page.getByRole('dialog').getByTestId('live')
  await expect(live).toContainText('41 ms, 95 % within 187 ms')
  await expect(live).toContainText('tuned by job 01234567')
  if (craton.mock) craton.mock.state.loaded[0]!.queued = 7
  await expect(live).toContainText('Requests that wait7')
})

test('a quota is set for an account, shows its use and is reset', async ({ signedIn: page, craton }) => {
  test.skip(!craton.mock, 'changes quotas')
  await openPage(page, 'Quotas')
  await page.getByRole('button', { name: 'Set quota' }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByLabel('Account id').fill('999999999999')
  await dialog.getByLabel('Requests a minute').fill('0')
  await expect(dialog.getByRole('button', { name: 'Save' })).toBeDisabled()
  await dialog.getByLabel('Requests a minute').fill('60')
  await dialog.getByLabel('Tokens a minute').fill('20000')
  await dialog.getByRole('button', { name: 'Save' }).click()
  await expect(dialog).toContainText('There is no account')
  await dialog.getByLabel('Account id').fill('111122223333')
  await dialog.getByRole('button', { name: 'Save' }).click()
  const row = page.getByRole('table', { name: 'Quotas' }).getByRole('row').filter({ hasText: '111122223333' })
  await expect(row).toContainText('20,000')
  const use = page.getByRole('table', { name: 'Present use' })
  await expect(use).toContainText('15 of 60 left')
  await expect(use).toContainText('-120 of 20,000 left')
  await page.getByRole('button', { name: 'Reset 111122223333' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Reset' }).click()
  await expect(page.getByText('No account has a quota of its own')).toBeVisible()
})

test('quotas are of the management account alone', async ({ page, craton }) => {
  test.skip(!craton.mock, 'another account')
  if (craton.mock) craton.mock.state.managesDeployment = false
  await signIn(page, craton)
  await openPage(page, 'Quotas')
  await expect(page.getByText('Quotas belong to the management account')).toBeVisible()
})

test('a model is quantized with a bound, a name and tasks of one’s own', async ({ signedIn: page, craton }) => {
  test.skip(!craton.mock, 'makes models')
  await openPage(page, 'Model catalogue')
  await page.getByRole('button', { name: 'Quantize SmolLM2 135M Instruct' }).click()
  const dialog = page.getByRole('dialog')
  const start = dialog.getByRole('button', { name: 'Quantize', exact: true })
  await dialog.getByLabel('Bound').fill('labels=all')
  await expect(start).toBeDisabled()
  await dialog.getByLabel('Bound').fill('labels=0.9')
  await dialog.getByLabel('Name of the new model').fill('smollm2-small')
  await dialog.getByRole('button', { name: /^Tasks of your own/ }).click()
  await dialog.getByLabel('Tasks', { exact: true }).fill('{"text": "Fine.", "labels": ["good", "bad"]}')
  await dialog.getByText('Pack weights again that are quantized already').click()
  await start.click()
  await expect(page.getByText('SmolLM2 135M Instruct is kept in fewer bits')).toBeVisible()
  expect(craton.mock?.state.quantizations).toEqual([
    {
      source: 'smollm2-135m-instruct',
      to: 'q8_0',
      bound: 'labels=0.9',
      name: 'smollm2-small',
      tasks: [{ text: 'Fine.', labels: ['good', 'bad'] }],
      allowRequantize: true,
    },
  ])
})
