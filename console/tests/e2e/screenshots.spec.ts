import type { Page } from '@playwright/test'
import { join } from 'node:path'
import type { State } from '../mock/state.ts'
import { expect, signIn, test } from './fixtures.ts'

const FOLDER = process.env['CRATON_SHOTS'] ?? ''
/** One part of what the mock server has: `CRATON_SHOT_ONLY=knowledge`. */
const ONLY = process.env['CRATON_SHOT_ONLY']

const PAGES: [string, string][] = [
  ['overview', '/'],
  ['jobs', '/jobs'],
  ['playground', '/playground'],
  ['models', '/models'],
  ['model-details', '/models?model=smollm2-135m-instruct'],
  ['scoring', '/scoring'],
  ['embeddings', '/embeddings'],
  ['profiles', '/inference-profiles'],
  ['profile', '/inference-profiles?profile=us.anthropic.claude-3-haiku-20240307-v1:0'],
  ['aliases', '/aliases'],
  ['quotas', '/quotas'],
  ['imported-models', '/imported-models'],
  ['import-jobs', '/imported-models?tab=jobs'],
  ['keys', '/keys'],
  ['accounts', '/accounts'],
  ['buckets', '/buckets'],
  ['users', '/users'],
  ['roles', '/roles'],
  ['policies', '/policies'],
  ['policy', '/policies?policy=arn:aws:iam::aws:policy/AdministratorAccess'],
  ['organization', '/organization'],
  ['why-denied', '/why-denied'],
  ['audit', '/audit'],
  ['kms', '/kms'],
  ['secrets', '/secrets'],
]

/** More pages, of what a server was given before: `CRATON_SHOT_PAGES="bucket=/buckets?bucket=models role=/roles?role=import"`. */
const MORE = (process.env['CRATON_SHOT_PAGES'] ?? '').split(/\s+/).filter(Boolean).map((entry): [string, string] => {
  const at = entry.indexOf('=')
  return [entry.slice(0, at), entry.slice(at + 1)]
})

/** Pictures of every page for people to look at: `CRATON_SHOTS=folder npx playwright test screenshots`. */
for (const scheme of ['light', 'dark'] as const) {
  for (const width of [1280, 390]) {
    test(`pictures, ${scheme}, ${width} px`, async ({ page, craton }) => {
      test.skip(FOLDER === '', 'CRATON_SHOTS names no folder')
      test.setTimeout(600_000)
      const shoot = (name: string, fullPage = false) =>
        page.screenshot({ path: join(FOLDER, `${name}-${scheme}-${width}.png`), animations: 'disabled', fullPage })
      await page.emulateMedia({ colorScheme: scheme })
      await page.setViewportSize({ width, height: width === 390 ? 844 : 900 })
      await page.goto(`${craton.url}/console/`)
      await expect(page.getByRole('button', { name: 'Sign in' })).toBeVisible()
      await shoot('sign-in')
      await signIn(page, craton)
      for (const [name, path] of ONLY === undefined ? [...PAGES, ...MORE] : []) {
        await page.goto(`${craton.url}/console${path}`)
        await page.waitForLoadState('networkidle')
        await shoot(name)
      }
      for (const part of [tunings, endpoints, knowledge, evaluations, imports]) {
        if (craton.mock && (ONLY ?? part.name) === part.name) await part(page, craton.url, shoot, craton.mock.state)
      }
      if (ONLY !== undefined) return
      if (craton.mock === undefined) await policyEditor(page, craton.url, shoot)
      if (process.env['CRATON_SHOT_BUCKET']) await upload(page, craton.url, process.env['CRATON_SHOT_BUCKET'], shoot)
      if (process.env['CRATON_MODELS'] !== '') await conversation(page, craton.url, shoot)
    })
  }
}

async function conversation(page: Page, url: string, shoot: (name: string) => Promise<Buffer>): Promise<void> {
  await page.goto(`${url}/console/playground?model=anthropic.claude-3-haiku-20240307-v1:0`)
  await page.getByText('Compare two models').click()
  const parameters = page.getByRole('button', { name: 'Parameters' })
  const folded = (await parameters.getAttribute('aria-expanded')) === 'false'
  if (folded) await parameters.click()
  await page.getByLabel('Max tokens').fill('24')
  if (folded) await parameters.click()
  const prompt = page.getByRole('textbox', { name: 'Prompt', exact: true })
  for (const text of ['What is granite made of?', 'And where is it found?']) {
    await prompt.fill(text)
    await prompt.press('Enter')
    await expect(page.getByRole('button', { name: 'Send' })).toBeVisible()
  }
  await shoot('playground-answers')
  await page.getByRole('button', { name: 'View as code' }).click()
  await shoot('playground-code')
}

async function tunings(page: Page, url: string, shoot: (name: string, fullPage?: boolean) => Promise<Buffer>): Promise<void> {
  const model = 'model=smollm2-135m-instruct'
  for (const [name, query] of [
    ['tuning-models', ''],
    ['tuning-model', model],
    ['tuning-form', `${model}&start=1`],
    ['tuning-report', `${model}&job=job-of-tuning`],
  ]) {
    await page.goto(`${url}/console/tuning?${query}`)
    await page.waitForLoadState('networkidle')
    await shoot(name ?? '', true)
  }
}

async function endpoints(page: Page, url: string, shoot: (name: string, fullPage?: boolean) => Promise<Buffer>): Promise<void> {
  for (const [name, query] of [
    ['endpoints', ''],
    ['endpoints-sagemaker', 'tab=sagemaker'],
    ['endpoint', 'endpoint=retail-assistant'],
    ['endpoint-failed', 'endpoint=gemma-trial'],
    ['deploy', 'deploy=smollm2-135m-instruct'],
    ['deploy-too-large', 'deploy=mistral-small-24b-instruct-2501'],
    ['deploy-terms', 'deploy=gemma-3-270m-it'],
  ]) {
    await page.goto(`${url}/console/endpoints?${query}`)
    await expect(page.getByRole('heading', { level: 1 })).toBeVisible()
    await page.waitForLoadState('networkidle')
    await shoot(name ?? '', true)
  }
  await page.goto(`${url}/console/endpoints?deploy=smollm2-135m-instruct`)
  await page.getByText('For InvokeEndpoint;').click()
  await page.getByRole('button', { name: 'Advanced settings' }).click()
  await page.getByText('The number of instances follows the work').click()
  await page.getByText('Another role').click()
  await shoot('deploy-advanced', true)
  await page.goto(`${url}/console/endpoints?endpoint=retail-assistant`)
  await page.getByRole('button', { name: 'Delete' }).click()
  await shoot('endpoint-delete')
  const arn = 'arn:aws:sagemaker:us-east-1:111122223333:endpoint/retail-assistant'
  await page.goto(`${url}/console/playground?model=${encodeURIComponent(arn)}&with=smollm2-135m-instruct`)
  await page.getByRole('textbox', { name: 'Prompt', exact: true }).fill('How much is a shirt of $50 with 20 % off?')
  await page.getByRole('button', { name: 'Send' }).click()
  await expect(page.getByRole('table', { name: 'The latest answers compared' }).getByText('finished')).toHaveCount(2)
  await shoot('playground-endpoints', true)
}

async function knowledge(page: Page, url: string, shoot: (name: string, fullPage?: boolean) => Promise<Buffer>): Promise<void> {
  const kb = 'kb=KBRENTAL01'
  const document = (name: string) => `${kb}&source=DSPOLICIES&document=${encodeURIComponent(`s3://rental-policies/current/${name}`)}`
  for (const [name, query] of [
    ['knowledge-bases', ''],
    ['knowledge-base', kb],
    ['knowledge-base-failed', 'kb=KBARCHIVE1'],
    ['knowledge-add-source', `${kb}&add=1`],
    ['knowledge-documents', `${kb}&source=DSPOLICIES`],
    ['knowledge-notices', `${kb}&source=DSNOTICES0`],
    ['knowledge-syncs', `${kb}&source=DSPOLICIES&tab=syncs`],
    ['knowledge-sync', `${kb}&source=DSPOLICIES&job=JOB0000002`],
    ['knowledge-failed-document', document('fleet/inspection-scan-2019.pdf')],
    ['knowledge-readers', document('hr/parental-leave.docx')],
  ]) {
    await page.goto(`${url}/console/knowledge-bases?${query}`)
    await expect(page.getByRole('heading', { level: 1 })).toBeVisible()
    await page.waitForLoadState('networkidle')
    await shoot(name ?? '', true)
  }
  await page.goto(`${url}/console/knowledge-bases?${document('fleet/damage-handling.pdf')}`)
  await page.getByRole('list', { name: 'Chunks' }).getByRole('button').nth(2).click()
  await shoot('knowledge-chunks', true)

  await page.goto(`${url}/console/knowledge-bases?create=details`)
  const next = () => page.getByRole('button', { name: 'Next', exact: true }).click()
  await expect(page.getByLabel('Knowledge base name')).toBeVisible()
  await shoot('knowledge-create-details', true)
  await next()
  await page.getByLabel('S3 URI').fill('s3://rental-policies/current/')
  await page.keyboard.press('Escape')
  await page.getByText('Hierarchical chunking').click()
  await shoot('knowledge-create-source', true)
  await next()
  await page.getByLabel('Embedding model', { exact: true }).click()
  await shoot('knowledge-create-models')
  await page.getByRole('option', { name: /titan-embed-text-v2/ }).first().click()
  await next()
  await shoot('knowledge-create-review', true)

  await page.goto(`${url}/console/knowledge-bases?${kb}&test=1`)
  await page.waitForLoadState('networkidle')
  await shoot('knowledge-test-empty', true)
  const settings = page.getByRole('button', { name: 'Settings' })
  const folded = (await settings.getAttribute('aria-expanded')) === 'false'
  if (folded) await settings.click()
  await page.getByRole('button', { name: 'Add condition' }).click()
  await page.getByLabel('Attribute of condition 1').fill('department')
  await page.keyboard.press('Escape')
  await page.getByLabel('Value of condition 1').fill('customer-service')
  await shoot('knowledge-settings', true)
  if (folded) await settings.click()
  await page.getByRole('textbox', { name: 'Prompt', exact: true }).fill('How late may a car be returned without a charge?')
  await page.getByRole('button', { name: 'Send' }).click()
  await expect(page.getByTestId('summary')).toBeVisible()
  await page.getByTestId('answer').getByRole('button').first().focus()
  await shoot('knowledge-answer', true)
  await page.getByRole('button', { name: 'Why it is here' }).first().click()
  await shoot('knowledge-ranking', true)
  await page.getByRole('button', { name: 'View as code' }).click()
  await shoot('knowledge-code')
  await page.keyboard.press('Escape')
  await page.goto(`${url}/console/knowledge-bases?${kb}`)
  await page.getByRole('button', { name: 'Delete', exact: true }).click()
  await shoot('knowledge-delete')
}

async function evaluations(page: Page, url: string, shoot: (name: string, fullPage?: boolean) => Promise<Buffer>): Promise<void> {
  for (const [name, query] of [
    ['evaluations', ''],
    ['evaluation-report', 'job=evalhybrid10'],
    ['evaluation-records', 'job=evalhybrid10&tab=records'],
    ['evaluation-record', 'job=evalhybrid10&tab=records&metric=Builtin.Faithfulness&record=14.1'],
    ['evaluation-details', 'job=evalhybrid10&tab=details'],
    ['evaluation-running', 'job=evalrunning1'],
    ['evaluation-failed', 'job=evalbroken01'],
    ['evaluation-same-model', 'job=evalsamemode'],
    ['evaluation-compare', 'compare=evalhybrid10,evalsemantic'],
    ['evaluation-passport', 'judge=amazon.nova-micro-v1:0'],
    ['evaluation-no-passport', 'judge=smollm2-135m-instruct'],
  ]) {
    await page.goto(`${url}/console/evaluations?${query}`)
    await expect(page.getByRole('heading', { level: 1 })).toBeVisible()
    await page.waitForLoadState('networkidle')
    await shoot(name ?? '', true)
  }
  const next = () => page.getByRole('button', { name: 'Next', exact: true }).click()
  const write = async (field: string, text: string) => {
    await page.getByLabel(field, { exact: true }).fill(text)
    await page.keyboard.press('Escape')
  }
  await page.goto(`${url}/console/evaluations?create=details&base=KBRENTAL01`)
  await expect(page.getByLabel('Evaluation name')).toBeVisible()
  await shoot('evaluation-create-details', true)
  await next()
  await page.getByText('Try several settings').click()
  await write('Generator', 'anthropic.claude-3-haiku-20240307-v1:0')
  await shoot('evaluation-create-system', true)
  await next()
  await write('Judge', 'amazon.nova-micro-v1:0')
  await page.getByRole('button', { name: 'Add custom metric' }).click()
  await expect(page.getByTestId('passport-state')).toBeVisible()
  await shoot('evaluation-create-metrics', true)
  await next()
  await write('Dataset', 's3://evals/in/dev1-eval.jsonl')
  await write('Results', 's3://evals/out/')
  await page.getByRole('button', { name: 'What a line looks like' }).click()
  await shoot('evaluation-create-data', true)
  await next()
  await shoot('evaluation-create-review', true)
  await page.goto(`${url}/console/evaluations?job=evalhybrid10`)
  await page.getByRole('button', { name: 'Calibrate the judge' }).click()
  await shoot('evaluation-calibrate')
}

async function imports(page: Page, url: string, shoot: (name: string, fullPage?: boolean) => Promise<Buffer>, state: State): Promise<void> {
  const whole = async (name: string) => {
    await page.waitForLoadState('networkidle')
    await page.evaluate(() => window.scrollTo(0, 0))
    await shoot(name, true)
  }
  for (const [name, query] of [
    ['imported-model', 'model=support-mistral'],
    ['imported-base-model', 'model=base-qwen'],
    ['import-completed', 'job=aaaaaaaaaaa1'],
    ['import-denied', 'job=aaaaaaaaaaa2'],
    ['import-unfit', 'job=aaaaaaaaaaa3'],
    ['import-empty-source', 'import=source'],
  ]) {
    await page.goto(`${url}/console/imported-models?${query}`)
    await whole(name ?? '')
  }
  await page.getByLabel('S3 URI').fill('s3://model-artifacts-222233334444/mistral-model-weights/')
  await page.getByLabel('Source account').fill('222233334444')
  await page.getByLabel('Key of the source').fill('arn:aws:kms:us-east-1:222233334444:key/b5b6e052-fb27-4dbb-bf0d-daf3375a9fda')
  await page.getByLabel('Execution role').fill('arn:aws:iam::111122223333:role/BedrockCMIExecutionRole-111122223333')
  await page.getByLabel('Model name').fill('mistral-01')
  await page.getByLabel('Encryption key').fill('alias/models')
  await page.getByRole('button', { name: 'Add tag' }).click()
  await page.getByLabel('Key of tag 1').fill('team')
  await whole('import-source')
  state.imports.granted = false
  for (const step of ['policies', 'checks', 'review']) {
    await page.goto(`${url}/console/imported-models?import=${step}`)
    await whole(`import-${step}`)
  }
  state.imports.granted = true
  await page.goto(`${url}/console/imported-models?import=checks`)
  await whole('import-checks-passed')
  state.imports.heldAt = 4
  await page.getByRole('button', { name: 'Next', exact: true }).click()
  await page.getByRole('button', { name: 'Start import' }).click()
  await expect(page.getByText('2.9 GB of 14 GB')).toBeVisible()
  state.imports.heldAt = 11
  await expect(page.getByText('8.0 GB of 14 GB')).toBeVisible()
  await shoot('import-running')
  state.imports.heldAt = undefined
}

async function policyEditor(page: Page, url: string, shoot: (name: string) => Promise<Buffer>): Promise<void> {
  await page.goto(`${url}/console/policies`)
  await page.getByRole('button', { name: 'Create policy' }).click()
  const editor = page.getByRole('textbox', { name: 'Policy document' })
  await editor.fill(
    '{\n  "Version": "2012-10-17",\n  "Statement": [{ "Effect": "Allow", "Action": "GetObject", "Resource": "*" }]\n}',
  )
  await expect(page.getByTestId('findings')).toContainText('column')
  await shoot('policy-editor-error')
  await editor.fill(
    '{\n  "Version": "2012-10-17",\n  "Statement": [{ "Effect": "Allow", "Action": "s3:GetObjcet", "Resource": "*" }]\n}',
  )
  await expect(page.getByTestId('findings')).toContainText('Did you mean')
  await shoot('policy-editor-warning')
}

async function upload(page: Page, url: string, bucket: string, shoot: (name: string) => Promise<Buffer>): Promise<void> {
  await page.goto(`${url}/console/buckets?bucket=${bucket}`)
  await page.waitForLoadState('networkidle')
  await page.getByTestId('files').setInputFiles([
    { name: 'notes.txt', mimeType: 'text/plain', buffer: Buffer.from('granite') },
    { name: 'weights.bin', mimeType: 'application/octet-stream', buffer: Buffer.alloc(48 << 20, 7) },
  ])
  await expect(page.getByText('weights.bin').first()).toBeVisible()
  await shoot('upload-running')
  await expect(page.getByRole('table', { name: 'Objects' })).toContainText('weights.bin')
  await shoot('upload-done')
  await page.getByRole('button', { name: 'Details of weights.bin' }).click()
  await page.waitForLoadState('networkidle')
  await shoot('object-details')
  await page.goto(`${url}/console/buckets?bucket=${bucket}`)
  await page.getByRole('tab', { name: 'Permissions' }).click()
  await page.waitForLoadState('networkidle')
  await shoot('bucket-permissions')
  await page.getByRole('tab', { name: 'Properties' }).click()
  await page.waitForLoadState('networkidle')
  await shoot('bucket-properties')
}
