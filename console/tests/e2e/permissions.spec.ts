import { expect, openPage, test } from './fixtures.ts'

test.beforeEach(({ craton }) => test.skip(craton.mock !== undefined, 'needs a real server'))

test('a policy is written, checked, attached to a role, changed and deleted', async ({ signedIn: page }) => {
  const name = `Console${Date.now()}`
  await openPage(page, 'Policies')
  await page.getByRole('button', { name: 'Create policy' }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByLabel('Policy name').fill(name)
  const editor = dialog.getByRole('textbox', { name: 'Policy document' })
  await editor.fill('{"Version": "2012-10-17", "Statement": [{"Effect": "Maybe", "Action": "s3:GetObject", "Resource": "*"}]}')
  await expect(dialog.getByTestId('findings')).toContainText('Syntax errors in policy.')
  await expect(dialog.getByTestId('findings')).toContainText('`Maybe` is not an effect')
  await dialog.getByRole('button', { name: 'Create' }).click()
  await expect(dialog.getByTestId('error')).toContainText('MalformedPolicyDocument')
  await editor.fill('{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]}')
  await expect(dialog.getByTestId('findings')).toContainText('Valid')
  await dialog.getByRole('button', { name: 'Create' }).click()
  await expect(page.getByRole('link', { name })).toBeVisible()

  await openPage(page, 'Roles')
  await page.getByRole('button', { name: 'Create role' }).click()
  await dialog.getByLabel('Role name').fill(name)
  await dialog.getByRole('button', { name: 'Create' }).click()
  await page.getByRole('link', { name }).click()
  await page.getByRole('button', { name: 'Attach policy' }).click()
  await dialog.getByRole('button', { name: 'Policy' }).click()
  await page.getByRole('option', { name }).click()
  await dialog.getByRole('button', { name: 'Attach' }).click()
  await page.getByRole('table', { name: 'Permissions' }).getByRole('link', { name }).click()

  await expect(page.getByRole('table', { name: 'Attached to' })).toContainText(name)
  const document = page.getByRole('textbox', { name: 'Policy document' })
  await document.fill('{"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "*", "Resource": "*"}]}')
  await page.getByRole('button', { name: 'Save' }).click()
  await expect(page.getByRole('table', { name: 'Versions' })).toContainText('v2')

  await openPage(page, 'Roles')
  await page.getByRole('button', { name: `Delete ${name}` }).click()
  await dialog.getByRole('button', { name: 'Delete' }).click()
  await expect(page.getByRole('link', { name })).toHaveCount(0)
  await openPage(page, 'Policies')
  await page.getByRole('button', { name: `Delete ${name}` }).click()
  await dialog.getByRole('button', { name: 'Delete' }).click()
  await expect(page.getByRole('link', { name })).toHaveCount(0)
})

test('a denial stands in the audit log and is explained', async ({ signedIn: page }) => {
  const requestId = await page.evaluate(async () => {
    const session = await (await fetch('/craton/v1/console/session')).json()
    const form = { Action: 'AssumeRole', Version: '2011-06-15', RoleArn: 'arn:aws:iam::999999999999:role/none', RoleSessionName: 'console' }
    const answer = await fetch('/', {
      method: 'POST',
      body: new URLSearchParams(form),
      headers: { 'x-craton-service': 'sts', 'x-craton-csrf': session.csrfToken },
    })
    return answer.headers.get('x-amzn-requestid') ?? ''
  })
  await openPage(page, 'Audit log')
  await page.getByRole('button', { name: 'Details of AssumeRole' }).first().click()
  await page.getByRole('button', { name: 'Why was it refused?' }).click()
  await expect(page.getByRole('heading', { level: 1, name: 'Why denied' })).toBeVisible()
  await expect(page.getByText('is not authorized to perform: sts:AssumeRole').first()).toBeVisible()
  await expect(page.getByText(requestId).first()).toBeVisible()

  await page.getByRole('tab', { name: 'Who can' }).click()
  await page.getByLabel('Action').fill('iam:ListUsers')
  await page.getByLabel('Resource').fill('*')
  await page.getByRole('button', { name: 'Find' }).click()
  await expect(page.getByRole('table', { name: 'Who can' })).toContainText(':user/admin')
})

test('users and groups share policies', async ({ signedIn: page }) => {
  const name = `console-${Date.now()}`
  await openPage(page, 'Users and groups')
  await page.getByRole('button', { name: 'Create user' }).click()
  await page.getByRole('dialog').getByLabel('User name').fill(name)
  await page.getByRole('dialog').getByRole('button', { name: 'Create' }).click()
  await page.getByRole('tab', { name: 'Groups' }).click()
  await page.getByRole('button', { name: 'Create group' }).click()
  await page.getByRole('dialog').getByLabel('Group name').fill(name)
  await page.getByRole('dialog').getByRole('button', { name: 'Create' }).click()
  await page.getByRole('link', { name }).click()
  await page.getByRole('button', { name: 'Choose a user' }).click()
  await page.getByRole('option', { name }).click()
  await page.getByRole('button', { name: 'Add', exact: true }).click()
  await page.getByRole('table', { name: 'Users' }).getByRole('link', { name }).click()
  await expect(page.getByRole('table', { name: 'Groups' })).toContainText(name)
  await page.getByRole('button', { name: `Remove ${name}` }).click()
  await openPage(page, 'Users and groups')
  await page.getByRole('button', { name: `Delete ${name}` }).first().click()
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click()
  await page.getByRole('tab', { name: 'Groups' }).click()
  await page.getByRole('button', { name: `Delete ${name}` }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click()
  await expect(page.getByRole('link', { name })).toHaveCount(0)
})
