import type { Page } from '@playwright/test'
import { join } from 'node:path'
import { expect, signIn, test } from './fixtures.ts'

const FOLDER = process.env['CRATON_SHOTS'] ?? ''

const PAGES: [string, string][] = [
  ['overview', '/'],
  ['jobs', '/jobs'],
  ['playground', '/playground'],
  ['models', '/models'],
  ['model-details', '/models?model=smollm2-135m-instruct'],
  ['aliases', '/aliases'],
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
      const shoot = (name: string) =>
        page.screenshot({ path: join(FOLDER, `${name}-${scheme}-${width}.png`), animations: 'disabled' })
      await page.emulateMedia({ colorScheme: scheme })
      await page.setViewportSize({ width, height: width === 390 ? 844 : 900 })
      await page.goto(`${craton.url}/console/`)
      await expect(page.getByRole('button', { name: 'Sign in' })).toBeVisible()
      await shoot('sign-in')
      await signIn(page, craton)
      for (const [name, path] of [...PAGES, ...MORE]) {
        await page.goto(`${craton.url}/console${path}`)
        await page.waitForLoadState('networkidle')
        await shoot(name)
      }
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
