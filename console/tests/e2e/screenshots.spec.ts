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
      for (const [name, path] of PAGES) {
        await page.goto(`${craton.url}/console${path}`)
        await page.waitForLoadState('networkidle')
        await shoot(name)
      }
      await conversation(page, craton.url, shoot)
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
