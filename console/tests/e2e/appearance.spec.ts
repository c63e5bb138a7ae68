import { expect, signIn, test } from './fixtures.ts'

const PATHS = ['/', '/jobs', '/playground', '/scoring', '/embeddings', '/models', '/inference-profiles', '/inference-profiles?tab=application', '/batches?create=1', '/endpoints', '/tuning', '/imported-models', '/imported-models?tab=jobs', '/imported-models?import=source', '/knowledge-bases', '/knowledge-bases?create=details', '/evaluations', '/evaluations?create=details', '/evaluations?judge=', '/aliases', '/keys', '/accounts']
/** Pages of what only the mock server has. */
const MADE_UP = [
  '/inference-profiles?profile=us.anthropic.claude-3-haiku-20240307-v1:0',
  '/tuning?model=smollm2-135m-instruct',
  '/tuning?model=smollm2-135m-instruct&start=1',
  '/tuning?model=smollm2-135m-instruct&job=job-of-tuning',
  '/endpoints?deploy=smollm2-135m-instruct',
  '/endpoints?endpoint=retail-assistant',
  '/models?model=smollm2-135m-instruct',
  '/imported-models?model=support-mistral', '/imported-models?job=import-unfit',
  '/knowledge-bases?kb=KBRENTAL01',
  '/knowledge-bases?kb=KBRENTAL01&add=1',
  '/knowledge-bases?kb=KBRENTAL01&test=1',
  '/knowledge-bases?kb=KBRENTAL01&source=DSPOLICIES',
  '/knowledge-bases?kb=KBRENTAL01&source=DSPOLICIES&tab=syncs',
  '/knowledge-bases?kb=KBRENTAL01&source=DSPOLICIES&job=JOB0000002',
  `/knowledge-bases?kb=KBRENTAL01&source=DSPOLICIES&document=${encodeURIComponent('s3://rental-policies/current/fleet/damage-handling.pdf')}`,
  '/evaluations?job=evalhybrid10',
  '/evaluations?job=evalhybrid10&tab=records',
  '/evaluations?job=evalhybrid10&tab=records&record=2.1',
  '/evaluations?job=evalhybrid10&tab=details',
  '/evaluations?job=evalrunning1',
  '/evaluations?compare=evalhybrid10,evalsemantic',
  '/evaluations?judge=amazon.nova-micro-v1:0',
]
/** Pages of services that the mock server does not have. */
const SERVED = ['/buckets', '/users', '/roles', '/policies', '/organization', '/why-denied', '/audit', '/kms', '/secrets']

test('the theme is changed and remembered', async ({ signedIn: page }) => {
  const background = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor)
  const light = await background()
  await page.getByRole('button', { name: 'Theme' }).click()
  await page.getByRole('menuitemcheckbox', { name: 'Dark' }).click()
  await expect(page.locator('body.awsui-dark-mode')).toHaveCount(1)
  expect(await background()).not.toBe(light)
  await page.reload()
  await expect(page.locator('body.awsui-dark-mode')).toHaveCount(1)
})

test('no page is wider than a phone of 390 px', async ({ page, craton }) => {
  await page.setViewportSize({ width: 390, height: 844 })
  await signIn(page, craton)
  for (const path of craton.mock ? [...PATHS, ...MADE_UP] : [...PATHS, ...SERVED]) {
    await page.goto(`${craton.url}/console${path}`)
    await expect(page.getByRole('heading', { level: 1 })).toBeVisible()
    await page.waitForLoadState('networkidle')
    const { content, shown } = await page.evaluate(() => ({
      content: document.documentElement.scrollWidth,
      shown: document.documentElement.clientWidth,
    }))
    expect(content, `${path} scrolls sideways`).toBeLessThanOrEqual(shown)
  }
})

test('the navigation opens and follows on a phone', async ({ page, craton }) => {
  await page.setViewportSize({ width: 390, height: 844 })
  await signIn(page, craton)
  await page.getByRole('button', { name: 'Open navigation' }).click()
  await page.getByRole('link', { name: 'Access keys' }).click()
  await expect(page.getByRole('heading', { level: 1, name: 'Access keys' })).toBeVisible()
  await expect(page.getByRole('button', { name: 'Close navigation' })).toBeHidden()
})

test('the policy refuses inline scripts and the pages need none', async ({ page, craton }) => {
  const answer = await page.goto(`${craton.url}/console/`)
  const policy = answer?.headers()['content-security-policy'] ?? ''
  expect(policy).toContain("default-src 'none'")
  expect(policy).not.toMatch(/unsafe-(inline|eval)/)
})

test('an unknown page says so', async ({ page, craton }) => {
  await signIn(page, craton, '/nothing-here')
  await expect(page.getByText('There is no such page')).toBeVisible()
})
