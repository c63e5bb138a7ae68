import { expect, openPage, signIn, test } from './fixtures.ts'

test('a good key signs in and the secret stays nowhere in the browser', async ({ page, craton, context }) => {
  await signIn(page, craton)
  await expect(page.getByRole('heading', { level: 1, name: 'Overview' })).toBeVisible()
  const kept = await page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie]))
  expect(kept).not.toContain(craton.secretAccessKey)
  const cookie = (await context.cookies()).find(({ name }) => name === 'craton_session')
  expect(cookie).toMatchObject({ httpOnly: true, sameSite: 'Strict' })
})

test('a first visit asks the server nothing that it must refuse', async ({ page, craton }) => {
  const refused: string[] = []
  page.on('response', (response) => {
    if (response.status() >= 400) refused.push(`${response.status()} ${response.url()}`)
  })
  await page.goto(`${craton.url}/console/`)
  await expect(page.getByLabel('Access key ID')).toBeFocused()
  await expect(page).toHaveTitle('Sign in · Craton')
  expect(refused).toEqual([])
})

test('a wrong secret is refused with the reason and the request id', async ({ page, craton }) => {
  await page.goto(`${craton.url}/console/`)
  await page.getByLabel('Access key ID').fill(craton.accessKeyId)
  await page.getByLabel('Secret access key').fill('wrong')
  await page.getByLabel('Secret access key').press('Enter')
  await expect(page.getByText('Could not sign in')).toBeVisible()
  await expect(page.getByTestId('error')).toContainText(/request \S+/)
  await expect(page.getByRole('button', { name: 'Sign in' })).toBeVisible()
})

test('a session survives a reload of any page and ends with the sign-out', async ({ page, craton }) => {
  await signIn(page, craton, '/jobs')
  await expect(page.getByRole('heading', { level: 1, name: 'Jobs' })).toBeVisible()
  await page.reload()
  await expect(page.getByRole('heading', { level: 1, name: 'Jobs' })).toBeVisible()
  await page.getByRole('button', { name: /admin|root/i }).click()
  await page.getByRole('menuitem', { name: 'Sign out' }).click()
  await expect(page.getByRole('button', { name: 'Sign in' })).toBeVisible()
  await page.reload()
  await expect(page.getByRole('button', { name: 'Sign in' })).toBeVisible()
})

test('a session that the server forgot leads back to the sign-in', async ({ signedIn: page, context }) => {
  await openPage(page, 'Accounts')
  await context.clearCookies()
  await page.getByRole('link', { name: 'Model catalogue' }).click()
  await expect(page.getByText('Your session has ended')).toBeVisible()
  await expect(page.getByLabel('Access key ID')).toBeVisible()
})
