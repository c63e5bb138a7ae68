import type { Page } from '@playwright/test'
import { expect, openPage, test } from './fixtures.ts'

const AWS_ID = process.env['CRATON_E2E_ALIAS'] ?? 'anthropic.claude-3-haiku-20240307-v1:0'

async function ask(page: Page, prompt: string): Promise<void> {
  await page.getByRole('textbox', { name: 'Prompt', exact: true }).fill(prompt)
  await page.getByRole('button', { name: 'Send' }).click()
}

async function chooseModel(page: Page, label: string, option: string): Promise<void> {
  await page.getByRole('button', { name: new RegExp(`^${label}`) }).click()
  await page.getByPlaceholder('Find a model or an AWS id').filter({ visible: true }).fill(option)
  await page.getByRole('option', { name: option }).filter({ visible: true }).first().click()
}

test('an answer streams in, with token counts and speed', async ({ signedIn: page }) => {
  await openPage(page, 'Playground')
  // Without chance and with much room: an answer that is at its end already cannot be stopped.
  await page.getByLabel('Temperature').fill('0')
  await page.getByLabel('Max tokens').fill('2000')
  await ask(page, 'Tell me a long story about granite.')
  const answer = page.locator('[data-role=assistant]')
  await expect(answer).not.toBeEmpty()
  const early = (await answer.textContent())?.length ?? 0
  await expect.poll(async () => (await answer.textContent())?.length, { intervals: [20] }).toBeGreaterThan(early)
  await page.getByRole('button', { name: 'Stop' }).click()
  await expect(page.getByTestId('figures')).toContainText('stopped by you')

  await page.getByLabel('Max tokens').fill('8')
  await ask(page, 'And now a short one.')
  await expect(page.getByTestId('figures').last()).toContainText(/tokens in · \d+ out · .*first text after/)
})

test('stopping closes the connection so that the model stops', async ({ signedIn: page, craton }) => {
  test.skip(!craton.mock, 'looks into the mock server')
  await openPage(page, 'Playground')
  await ask(page, 'long')
  await expect(page.locator('[data-role=assistant]')).not.toBeEmpty()
  await page.getByRole('button', { name: 'Stop' }).click()
  await expect.poll(() => craton.mock?.state.converse[0]?.aborted).toBe(true)
})

test('the request carries exactly the parameters that were set and the earlier turns', async ({ signedIn: page, craton }) => {
  test.skip(!craton.mock, 'looks into the mock server')
  await openPage(page, 'Playground')
  await page.getByLabel('System prompt', { exact: true }).fill('Be brief.')
  await page.getByLabel('Temperature').fill('0')
  await page.getByLabel('Max tokens').fill('')
  await page.getByLabel('Stop sequences').fill('END')
  await ask(page, 'One')
  await expect(page.getByTestId('figures')).toContainText('finished')
  await ask(page, 'Two')
  await expect(page.getByTestId('figures')).toHaveCount(2)
  const [first, second] = craton.mock?.state.converse ?? []
  expect(first?.body).toEqual({
    messages: [{ role: 'user', content: [{ text: 'One' }] }],
    system: [{ text: 'Be brief.' }],
    inferenceConfig: { temperature: 0, stopSequences: ['END'] },
  })
  expect((second?.body as { messages: unknown[] }).messages).toHaveLength(3)
})

test('values that no model takes are refused before they are sent', async ({ signedIn: page }) => {
  await openPage(page, 'Playground')
  await page.getByRole('textbox', { name: 'Prompt', exact: true }).fill('Hello')
  await page.getByLabel('Temperature').fill('7')
  await expect(page.getByText('A number from 0 to 1, or empty')).toBeVisible()
  await expect(page.getByRole('button', { name: 'Send' })).toBeDisabled()
})

test('the model that stands in for an AWS id is named', async ({ signedIn: page }) => {
  await openPage(page, 'Playground')
  await chooseModel(page, 'Model', AWS_ID)
  await page.getByLabel('Max tokens').fill('8')
  await ask(page, 'Who are you?')
  await expect(page.getByTestId('served-by')).toContainText(`stands in for ${AWS_ID}`)
})

test('two models answer side by side', async ({ signedIn: page, craton }) => {
  await openPage(page, 'Playground')
  await page.getByText('Compare two models').click()
  await page.getByLabel('Max tokens').fill('8')
  if (craton.mock) await chooseModel(page, 'Model 2', 'Qwen2.5 1.5B Instruct')
  await ask(page, 'Compare yourselves.')
  const logs = page.getByRole('log')
  await expect(logs).toHaveCount(2)
  for (const index of [0, 1]) {
    await expect(logs.nth(index).getByTestId('figures')).toContainText('tokens in')
  }
  if (craton.mock) await expect(logs.nth(1).locator('[data-role=assistant]')).toContainText('qwen2.5-1.5b-instruct says')
})

test('a model that cannot chat is refused with the reason, what to do and the request id', async ({ signedIn: page, craton }) => {
  test.skip(craton.mock !== undefined, 'asks a real model')
  await page.goto(`${craton.url}/console/playground?model=all-minilm-l6-v2`)
  await ask(page, 'Hello')
  await expect(page.getByTestId('error')).toContainText(
    /does not generate text\. `craton models list` shows .*ValidationException · request [0-9a-f-]{36}/,
  )
})

test('an answer that breaks off keeps its text and says why', async ({ signedIn: page, craton }) => {
  test.skip(!craton.mock, 'needs an engine that fails')
  await openPage(page, 'Playground')
  await ask(page, 'fail, please')
  await expect(page.getByText('The engine stopped in the middle')).toBeVisible()
  await expect(page.getByTestId('error')).toContainText('ModelStreamErrorException')
  await expect(page.locator('[data-role=assistant]')).toContainText('says: you asked')
})

test('the code view shows the current request in three languages and copies it', async ({ signedIn: page, craton, context }) => {
  await context.grantPermissions(['clipboard-read', 'clipboard-write'], { origin: craton.url })
  await openPage(page, 'Playground')
  await page.getByLabel('System prompt', { exact: true }).fill("Don't ramble.")
  await page.getByLabel('Temperature').fill('0.3')
  await page.getByRole('textbox', { name: 'Prompt', exact: true }).fill('What is granite?')
  await page.getByRole('button', { name: 'View as code' }).click()
  const dialog = page.getByRole('dialog')

  await expect(dialog.getByLabel('Code for Python (boto3)')).toContainText(`endpoint_url="${craton.url}"`)
  await expect(dialog.getByLabel('Code for Python (boto3)')).toContainText('inferenceConfig={"temperature": 0.3, "maxTokens": 512}')
  await dialog.getByRole('tab', { name: 'AWS CLI' }).click()
  await expect(dialog.getByLabel('Code for AWS CLI')).toContainText('aws bedrock-runtime converse')
  await expect(dialog.getByLabel('Code for AWS CLI')).toContainText(`--system '[{"text":"Don'\\''t ramble."}]'`)
  await dialog.getByRole('tab', { name: 'curl (OpenAI)' }).click()
  await expect(dialog.getByLabel('Code for curl (OpenAI)')).toContainText('"content": "What is granite?"')
  await dialog.getByRole('tabpanel').getByRole('button', { name: 'Copy' }).click()
  expect(await page.evaluate(() => navigator.clipboard.readText())).toContain('/v1/chat/completions')
})

test('repetition, priority and cache are set, and a loop and the cache are told', async ({ signedIn: page, craton }) => {
  test.skip(!craton.mock, 'looks into the mock server')
  await openPage(page, 'Playground')
  await page.getByLabel('System prompt', { exact: true }).fill('Be brief.')
  await page.getByLabel('Max tokens').fill('')
  await page.getByRole('button', { name: 'Repetition, order and cache' }).click()
  await page.getByLabel('Never repeat so many tokens').fill('300')
  await expect(page.getByText('A whole number from 1 to 256, or empty')).toBeVisible()
  await page.getByLabel('Never repeat so many tokens').fill('3')
  await page.getByLabel('What the prompt says counts').uncheck()
  await page.getByLabel('Detect loops').check()
  await page.getByLabel('Deterministic').check()
  await page.getByRole('button', { name: /^Priority/ }).click()
  await page.getByRole('option', { name: /^Low/ }).click()
  await page.getByRole('button', { name: /^Cache point/ }).click()
  await page.getByRole('option', { name: 'After the system prompt' }).click()
  await ask(page, 'loop, please')
  await expect(page.getByTestId('figures')).toContainText('ended, as it repeated itself')
  await expect(page.getByTestId('figures')).toContainText('23 tokens in')
  await expect(page.getByTestId('figures')).toContainText('15 from the cache')
  expect(craton.mock?.state.converse[0]?.body).toEqual({
    messages: [{ role: 'user', content: [{ text: 'loop, please' }] }],
    system: [{ text: 'Be brief.' }, { cachePoint: { type: 'default' } }],
    additionalModelRequestFields: {
      no_repeat_ngram_size: 3,
      no_repeat_ngram_scope: 'output',
      loop_detection: true,
      priority: 'low',
      deterministic: true,
    },
    additionalModelResponseFieldPaths: ['/stop_reason_detail'],
  })
})

test('a request beyond the quota is told when it can be sent again', async ({ signedIn: page, craton }) => {
  test.skip(!craton.mock, 'needs a quota that is used up')
  await openPage(page, 'Playground')
  await ask(page, 'busy?')
  await expect(page.getByTestId('error')).toContainText('The server can take it again in 12 s.')
})

test('an answer of a schema, sampling and the details of a loop are asked for', async ({ signedIn: page, craton }) => {
  test.skip(!craton.mock, 'looks into the mock server')
  await openPage(page, 'Playground')
  await page.getByLabel('Max tokens').fill('')
  await page.getByRole('button', { name: 'More sampling' }).click()
  await page.getByLabel('Top K').fill('40')
  await page.getByLabel('Seed').fill('7')
  await page.getByRole('button', { name: 'Form of the answer' }).click()
  await page.getByRole('button', { name: /^The answer is/ }).click()
  await page.getByRole('option', { name: 'JSON of a schema' }).click()
  await page.getByRole('textbox', { name: 'Prompt', exact: true }).fill('Order two cups of tea.')
  await expect(page.getByRole('button', { name: 'Send' })).toBeDisabled()
  await page.getByLabel('JSON schema').fill('{"type": "object"}')
  await page.getByRole('button', { name: 'Repetition, order and cache' }).click()
  await page.getByLabel('Detect loops').check()
  await page.getByLabel('Copies that are a loop').fill('3')
  await page.getByRole('button', { name: 'Send' }).click()
  await expect(page.getByTestId('figures')).toBeVisible()
  expect(craton.mock?.state.converse[0]?.body).toEqual({
    messages: [{ role: 'user', content: [{ text: 'Order two cups of tea.' }] }],
    outputConfig: { textFormat: { type: 'json_schema', structure: { jsonSchema: { name: 'answer', schema: '{"type": "object"}' } } } },
    additionalModelRequestFields: { top_k: 40, seed: 7, loop_detection: { repeats: 3 } },
    additionalModelResponseFieldPaths: ['/stop_reason_detail'],
  })
})

test('the tokens of a prompt are counted before it is sent', async ({ signedIn: page, craton }) => {
  await openPage(page, 'Playground')
  const count = page.getByRole('button', { name: 'Count tokens' })
  await expect(count).toBeDisabled()
  await page.getByRole('textbox', { name: 'Prompt', exact: true }).fill('What is granite?')
  await count.click()
  await expect(page.getByText(/The conversation with this prompt: [\d,]+ tokens for /)).toBeVisible()
  if (craton.mock) await expect(page.getByText('1,234 tokens for')).toBeVisible()
})
