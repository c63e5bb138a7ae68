import type { Page } from '@playwright/test'
import { bytes } from '../../src/ui/format.ts'
import { job, model } from '../mock/importState.ts'
import { expect, openPage, signIn, test } from './fixtures.ts'

test.beforeEach(({ craton }) => test.skip(!craton.mock, 'made-up imports'))

const ROLE = 'arn:aws:iam::111122223333:role/BedrockCMIExecutionRole-111122223333'
const KEY = 'arn:aws:kms:us-east-1:111122223333:key/6cd5d3bf-3d9b-4d1c-83d5-8df6284435a1'

async function fillSource(page: Page, s3Uri = 's3://model-artifacts-222233334444/mistral-model-weights/'): Promise<void> {
  await page.getByRole('button', { name: 'Import model' }).click()
  await page.getByLabel('S3 URI').fill(s3Uri)
  await page.getByLabel('Source account').fill('222233334444')
  await page.getByLabel('Execution role').fill(ROLE)
  await page.getByLabel('Model name').fill('mistral-01')
}

async function toStep(page: Page, title: string): Promise<void> {
  await page.getByRole('button', { name: 'Next', exact: true }).click()
  await expect(page.getByRole('heading', { level: 1, name: title })).toBeVisible()
}

test('a model of another account is imported from the wizard to its first answer', async ({ signedIn: page, craton }) => {
  const { imports } = craton.mock!.state
  imports.heldAt = 5
  await openPage(page, 'Imported models')
  await fillSource(page)
  await page.getByLabel('Job name').fill('cmi-job-01')
  await page.getByText('Q8_0: 8-bit integers (INT8)').click()
  await page.getByLabel('Bound').fill('labels=0.97')
  await page.getByLabel('Encryption key').fill(KEY)
  await page.getByRole('button', { name: 'Add tag' }).click()
  await page.getByLabel('Key of tag 1').fill('team')
  await page.getByLabel('Value of tag 1').fill('support')

  await toStep(page, 'Policies of each side')
  const accounts = page.getByRole('heading', { level: 2, name: /^Account/ })
  await expect(accounts).toHaveText([/^Account 222233334444/, /^Account 111122223333 this account/])
  await expect(page.getByRole('group', { name: 'Let the role read the bucket model-artifacts-222233334444', exact: true })).toContainText('AllowCrossAccountS3Access')
  await expect(page.getByRole('group', { name: 'Command: Let Amazon Bedrock assume the role for import jobs of this account' })).toContainText('aws iam update-assume-role-policy')

  await toStep(page, 'Checks')
  await expect(page.getByTestId('check-list')).toHaveAttribute('data-outcome', 'passed')
  await expect(page.getByText('Everything that the import needs is there.')).toBeVisible()
  await expect(page.getByTestId('doctor')).toContainText('Warning in config.json')
  await expect(page.getByText('7.24 billion').or(page.getByText('7.2 billion'))).toBeVisible()

  await toStep(page, 'Review and start')
  await expect(page.getByText('All checks passed')).toBeVisible()
  await page.getByRole('button', { name: 'Start import' }).click()

  await expect(page.getByRole('heading', { level: 1, name: 'cmi-job-01' })).toBeVisible()
  // Every step is seen before the next one is let through, so that there is time enough to tell a speed.
  for (let step = 5; step < 20; step++) {
    imports.heldAt = step
    await expect(page.getByText(`${bytes((step * 14_480_000_000) / 20)} of 14 GB`)).toBeVisible()
  }
  await expect(page.getByText(/B\/s, .* left/)).toBeVisible()
  expect(imports.created).toEqual([
    {
      quantization: 'Q8_0',
      bound: 'labels=0.97',
      body: {
        jobName: 'cmi-job-01',
        importedModelName: 'mistral-01',
        roleArn: ROLE,
        modelDataSource: { s3DataSource: { s3Uri: 's3://model-artifacts-222233334444/mistral-model-weights/' } },
        importedModelKmsKeyId: KEY,
        jobTags: [{ key: 'team', value: 'support' }],
        importedModelTags: [{ key: 'team', value: 'support' }],
        clientRequestToken: expect.stringMatching(/^[0-9a-f-]{36}$/),
      },
    },
  ])
  imports.heldAt = undefined

  await expect(page.getByText('The model is imported')).toBeVisible()
  await page.getByRole('button', { name: 'Open the model' }).click()
  await expect(page.getByRole('heading', { level: 1, name: 'mistral-01' })).toBeVisible()
  await expect(page.getByTestId('quality')).toContainText('equally likely')
  await page.getByRole('textbox', { name: 'Prompt', exact: true }).fill('Hello')
  await page.getByRole('button', { name: 'Send' }).click()
  await expect(page.locator('.craton-try [data-role=assistant]')).toContainText('mistral-01 says')
  await page.getByRole('button', { name: 'Open in the playground' }).click()
  await expect(page.getByRole('button', { name: /^Model/ })).toContainText('mistral-01')
})

test('a missing grant is named, linked to its explanation, and gone once it is put', async ({ signedIn: page, craton }) => {
  const { imports } = craton.mock!.state
  imports.granted = false
  await openPage(page, 'Imported models')
  await fillSource(page)
  await toStep(page, 'Policies of each side')
  await toStep(page, 'Checks')
  const list = page.getByTestId('check-list')
  await expect(list).toHaveAttribute('data-outcome', 'failed')
  await expect(list).toContainText('no resource-based policy allows the s3:ListBucket action')
  await expect(list).toContainText('Put the bucket policy of step 1')
  await expect(list.getByRole('link', { name: /Why was it denied/ })).toHaveAttribute('href', /\/console\/why-denied\?request=8b1d6a52-/)
  await expect(page.getByTestId('check-examine')).toHaveAttribute('data-outcome', 'skipped')
  imports.granted = true
  await page.getByRole('button', { name: 'Check again' }).click()
  await expect(list).toHaveAttribute('data-outcome', 'passed')
})

test('an import with failed checks starts only when that is confirmed, and tells what is missing', async ({ signedIn: page, craton }) => {
  const { imports } = craton.mock!.state
  imports.granted = false
  await openPage(page, 'Imported models')
  await fillSource(page)
  await toStep(page, 'Policies of each side')
  await toStep(page, 'Checks')
  await expect(page.getByTestId('check-list')).toHaveAttribute('data-outcome', 'failed')
  await toStep(page, 'Review and start')
  await page.getByRole('button', { name: 'Start import' }).click()
  await expect(page.getByText('Confirm that it may start, or go back to the checks.').first()).toBeVisible()
  expect(imports.created).toEqual([])
  await page.getByText('Start it anyway').click()
  await page.getByRole('button', { name: 'Start import' }).click()
  await expect(page.getByTestId('failure')).toContainText('Amazon Bedrock does not have access to the S3 location')
  await expect(page.getByTestId('failure')).toContainText('s3:ListBucket')

  imports.granted = true
  await page.getByRole('button', { name: 'Check and import again' }).click()
  await expect(page.getByTestId('check-list')).toHaveAttribute('data-outcome', 'passed')
})

test('checks that were not run of this very draft do not count', async ({ signedIn: page, craton }) => {
  await openPage(page, 'Imported models')
  await fillSource(page)
  await toStep(page, 'Policies of each side')
  await toStep(page, 'Checks')
  await expect(page.getByTestId('check-list')).toHaveAttribute('data-outcome', 'passed')
  await toStep(page, 'Review and start')
  await expect(page.getByText('All checks passed')).toBeVisible()
  await page.goto(`${craton.url}/console/imported-models?import=review`)
  await expect(page.getByText('The checks were not run')).toBeVisible()
  await page.getByRole('button', { name: 'Run the checks' }).click()
  await expect(page.getByTestId('check-list')).toHaveAttribute('data-outcome', 'passed')
})

test('what the doctor finds is told with file and fix', async ({ signedIn: page }) => {
  await openPage(page, 'Imported models')
  await fillSource(page, 's3://model-artifacts-222233334444/broken/')
  await toStep(page, 'Policies of each side')
  await toStep(page, 'Checks')
  const doctor = page.getByTestId('doctor')
  await expect(doctor).toContainText('Error in tokenizer_config.json')
  await expect(doctor).toContainText('The model has no chat template.')
  await expect(doctor).toContainText('or as chat_template.jinja')
  // The worst first.
  await expect(doctor).toContainText(/Error.*Error.*Note/s)
})

test('what cannot be sent is said beside its field, and the draft outlasts a look at another page', async ({ signedIn: page }) => {
  await openPage(page, 'Imported models')
  await page.getByRole('button', { name: 'Import model' }).click()
  await page.getByRole('button', { name: 'Next', exact: true }).click()
  await expect(page.getByText('A folder in a bucket: s3://BUCKET/PREFIX/').first()).toBeVisible()
  await page.getByLabel('Execution role').fill('arn:aws:iam::222233334444:role/import')
  await expect(page.getByText('The role must be of this account, 111122223333').first()).toBeVisible()
  await page.getByLabel('S3 URI').fill('s3://models/a/')
  await openPage(page, 'Model catalogue')
  await openPage(page, 'Imported models')
  await page.getByRole('button', { name: 'Import model' }).click()
  await expect(page.getByLabel('S3 URI')).toHaveValue('s3://models/a/')
  await page.getByRole('button', { name: 'Cancel' }).click()
  await page.getByRole('button', { name: 'Import model' }).click()
  await expect(page.getByLabel('S3 URI')).toHaveValue('')
})

test('an import is cancelled', async ({ signedIn: page, craton }) => {
  craton.mock!.state.imports.heldAt = 5
  await openPage(page, 'Imported models')
  await fillSource(page)
  await page.getByLabel('Job name').fill('to-be-cancelled')
  await page.goto(`${craton.url}/console/imported-models?import=review`)
  await page.getByText('Start it anyway').click()
  await page.getByRole('button', { name: 'Start import' }).click()
  await page.getByRole('button', { name: 'Cancel to-be-cancelled' }).click()
  await expect(page.getByTestId('failure')).toContainText('The import was cancelled.')
})

test('jobs are found by name and status, and lead to their models', async ({ signedIn: page }) => {
  await openPage(page, 'Imported models')
  await page.getByRole('tab', { name: 'Import jobs' }).click()
  const table = page.getByRole('table', { name: 'Import jobs' })
  await expect(table.getByRole('row')).toHaveCount(4)
  await page.getByLabel('Find import jobs').fill('unfit')
  await expect(table.getByRole('row')).toHaveCount(2)
  await page.getByLabel('Find import jobs').fill('no such job')
  await expect(table).toContainText('No import job matches')
  await page.getByLabel('Find import jobs').fill('')
  await page.getByRole('button', { name: /^Status/ }).click()
  await page.getByRole('option', { name: 'Completed' }).click()
  await expect(table.getByRole('row')).toHaveCount(2)
  await table.getByRole('link', { name: 'support-mistral' }).click()
  await expect(page.getByRole('heading', { level: 1, name: 'support-mistral' })).toBeVisible()
  await expect(page.getByText('attention slides over is not kept')).toBeVisible()
})

test('a failed job shows what is missing and what the doctor found', async ({ signedIn: page, craton }) => {
  await page.goto(`${craton.url}/console/imported-models?job=aaaaaaaaaaa3`)
  await expect(page.getByTestId('failure')).toContainText('`FalconForCausalLM` is not supported')
  await expect(page.getByTestId('doctor')).toContainText('model-00002-of-00002.safetensors')
})

test('long lists come page by page', async ({ signedIn: page, craton }) => {
  const { imports } = craton.mock!.state
  imports.models = Array.from({ length: 60 }, (_, index) => model(`dddddddddd${String(index).padStart(2, '0')}`, `model-${index}`, 'F16'))
  imports.jobs = Array.from({ length: 30 }, (_, index) => job(`eeeeeeeeee${String(index).padStart(2, '0')}`, `job-${index}`, 'Completed'))
  await openPage(page, 'Imported models')
  const table = page.getByRole('table', { name: 'Imported models' })
  await expect(table.getByRole('row')).toHaveCount(26)
  await page.getByRole('button', { name: 'Next page of imported models' }).click()
  await expect(table).toContainText('model-49')
  await page.getByRole('button', { name: 'Next page of imported models' }).click()
  await expect(table.getByRole('row')).toHaveCount(11)
  await expect(page.getByRole('button', { name: 'Next page of imported models' })).toBeDisabled()
  await page.getByRole('button', { name: 'Previous page of imported models' }).click()
  await expect(table).toContainText('model-25')
  await page.getByLabel('Find imported models').fill('model-1')
  await expect(table.getByRole('row')).toHaveCount(12)
  await page.getByRole('tab', { name: 'Import jobs' }).click()
  await page.getByRole('button', { name: 'Page 2 of import jobs' }).click()
  await expect(page.getByRole('table', { name: 'Import jobs' }).getByRole('row')).toHaveCount(6)
})

test('empty lists say what to do', async ({ page, craton }) => {
  Object.assign(craton.mock!.state.imports, { jobs: [], models: [] })
  await signIn(page, craton, '/imported-models')
  await expect(page.getByText('No imported models yet')).toBeVisible()
  await page.getByRole('tab', { name: 'Import jobs' }).click()
  await expect(page.getByText('No import jobs yet')).toBeVisible()
  await page.getByRole('table', { name: 'Import jobs' }).getByRole('link', { name: 'Import a model' }).click()
  await expect(page.getByLabel('S3 URI')).toBeVisible()
})

test('a model is deleted only when its name was typed', async ({ signedIn: page }) => {
  await openPage(page, 'Imported models')
  await page.getByRole('link', { name: 'tiny-qwen' }).click()
  await expect(page.getByTestId('quality')).toContainText('were not measured: the exact form does not fit in memory.')
  await page.getByRole('button', { name: 'Delete', exact: true }).click()
  const dialog = page.getByRole('dialog')
  await expect(dialog.getByRole('button', { name: 'Delete' })).toBeDisabled()
  await dialog.getByLabel("Type the model's name").fill('tiny-qwen')
  await dialog.getByRole('button', { name: 'Delete' }).click()
  await expect(page.getByRole('link', { name: 'tiny-qwen' })).toHaveCount(0)
  await expect(page.getByRole('link', { name: 'support-mistral' })).toBeVisible()
})

test('the model page has code for each client, and the playground offers the model', async ({ signedIn: page, craton }) => {
  await page.goto(`${craton.url}/console/imported-models?model=support-mistral`)
  const arn = 'arn:aws:bedrock:us-east-1:111122223333:imported-model/bbbbbbbbbbb1'
  await page.getByRole('tab', { name: 'boto3 InvokeModel' }).click()
  await expect(page.getByRole('group', { name: 'Code for boto3 InvokeModel' })).toContainText(`modelId="${arn}"`)
  await page.getByRole('tab', { name: 'Python (openai)' }).click()
  await expect(page.getByRole('group', { name: 'Code for Python (openai)' })).toContainText(`base_url="${craton.url}/v1"`)
  await openPage(page, 'Playground')
  await page.getByRole('button', { name: /^Model/ }).click()
  await expect(page.getByRole('option', { name: 'support-mistral' })).toBeVisible()
})

test('a model without a chat template carries texts on and is no choice of the playground', async ({ signedIn: page }) => {
  await openPage(page, 'Imported models')
  await page.getByRole('button', { name: 'Try base-qwen' }).click()
  await expect(page.getByText('no, it continues texts')).toBeVisible()
  await page.getByLabel('Text to carry on').fill('Granite is a rock that')
  await page.getByRole('button', { name: 'Carry on' }).click()
  await expect(page.getByTestId('continued')).toHaveText('Granite is a rock that cools slowly, deep in the ground.')
  await openPage(page, 'Playground')
  await page.getByRole('button', { name: /^Model/ }).click()
  await expect(page.getByRole('option', { name: /base-qwen/ })).toHaveAttribute('aria-disabled', 'true')
})
