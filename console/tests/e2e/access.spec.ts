import { expect, openPage, test } from './fixtures.ts'

test('an access key is made, shown once, switched off and deleted', async ({ signedIn: page }) => {
  await openPage(page, 'Access keys')
  const table = page.getByRole('table', { name: 'IAM access keys' })
  await expect(table.getByRole('row').nth(1)).toContainText('Active')
  await page.getByRole('button', { name: 'Create access key' }).click()
  const dialog = page.getByRole('dialog')
  await expect(dialog).toContainText('does not show the secret part again')
  const id = /AKIA[A-Z0-9]{16}/.exec((await dialog.textContent()) ?? '')?.[0] ?? ''
  await dialog.getByRole('button', { name: 'I have kept it' }).click()

  await page.getByRole('button', { name: `Deactivate ${id}` }).click()
  await expect(table.getByRole('row').filter({ hasText: id })).toContainText('Inactive')
  await page.getByRole('button', { name: `Delete ${id}` }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click()
  await expect(table).not.toContainText(id)
})

test('a user is made with a key of its own and deleted', async ({ signedIn: page }) => {
  await openPage(page, 'Access keys')
  const table = page.getByRole('table', { name: 'IAM access keys' })
  await page.getByRole('button', { name: 'Create user' }).click()
  await page.getByRole('dialog').getByLabel('User name').fill('console-user')
  await page.getByRole('dialog').getByRole('button', { name: 'Create' }).click()
  await expect(table).toContainText('This user has no access keys')
  await page.getByRole('button', { name: 'Create access key' }).click()
  await expect(page.getByRole('dialog')).toContainText('New access key of console-user')
  await page.getByRole('button', { name: 'I have kept it' }).click()

  await page.getByRole('button', { name: 'Delete the user console-user' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click()
  await expect(page.getByTestId('error')).toContainText('DeleteConflict')
  await page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click()
  await page.getByRole('button', { name: /^Delete AKIA/ }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click()
  await expect(table).toContainText('This user has no access keys')
  await page.getByRole('button', { name: 'Delete the user console-user' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click()
  await expect(page.getByRole('button', { name: 'Delete the user admin' })).toBeDisabled()
})

test('a third access key is refused with the reason from IAM', async ({ signedIn: page, craton }) => {
  test.skip(!craton.mock, 'leaves keys behind')
  await openPage(page, 'Access keys')
  await page.getByRole('button', { name: 'Create access key' }).click()
  await page.getByRole('button', { name: 'I have kept it' }).click()
  await page.getByRole('button', { name: 'Create access key' }).click()
  await expect(page.getByText('Cannot exceed quota for AccessKeysPerUser: 2')).toBeVisible()
})

test('an API key is made, shown once and deleted', async ({ signedIn: page }) => {
  await openPage(page, 'Access keys')
  await page.getByRole('button', { name: 'Create API key' }).click()
  await page.getByRole('dialog').getByLabel('Name').fill('console-test')
  await page.getByRole('dialog').getByRole('button', { name: 'Create' }).click()
  await expect(page.getByRole('dialog')).toContainText(/sk-craton-|ABSK/)
  await page.getByRole('button', { name: 'I have kept it' }).click()
  await page.getByRole('button', { name: 'Delete console-test' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click()
  await expect(page.getByRole('button', { name: 'Delete console-test' })).toHaveCount(0)
})

test('an account is made and its administrator key shown once', async ({ signedIn: page, craton }) => {
  test.skip(!craton.mock, 'accounts cannot be deleted')
  await openPage(page, 'Accounts')
  await page.getByRole('button', { name: 'Create account' }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByLabel('Account id').fill('12')
  await expect(dialog.getByRole('button', { name: 'Create' })).toBeDisabled()
  await dialog.getByLabel('Account id').fill('222233334444')
  await dialog.getByRole('button', { name: 'Create' }).click()
  await expect(page.getByRole('dialog')).toContainText('Administrator of account 222233334444')
  await expect(page.getByRole('dialog')).toContainText('AKIAOTHERACCOUNT0000')
  await page.getByRole('button', { name: 'I have kept it' }).click()
  await expect(page.getByRole('table', { name: 'Accounts' })).toContainText('222233334444')
})

test('an account that may not see accounts is told whose they are', async ({ signedIn: page, craton }) => {
  test.skip(!craton.mock, 'needs another account')
  const error = { code: 'Denied', message: 'not authorized', requestId: 'r-1' }
  await page.route('**/craton/v1/accounts', (route) => route.fulfill({ status: 403, json: { error } }))
  await page.getByRole('link', { name: 'Accounts' }).click()
  await expect(page.getByText('Accounts belong to the management account')).toBeVisible()
})
