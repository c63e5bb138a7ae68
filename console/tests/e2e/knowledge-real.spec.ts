import { Account } from '../real/account.ts'
import { expect, openPage, signIn, test } from './fixtures.ts'

test.beforeEach(({ craton }) => test.skip(craton.mock !== undefined, 'needs a real server'))

const LATE = `# Late returns 🚗

A car may be returned up to 59 minutes late without a charge. From the 60th minute on, a late fee of €25 is due for every hour that has begun.

A customer who calls before the agreed time may extend the rental by up to three days. The extension costs the daily rate of the contract.
`
const LEAVE = `# Parental leave

Every employee may take 16 weeks of parental leave at full pay. The leave is announced to the department eight weeks before it begins, on form HR-31.
`

test('a bucket becomes a knowledge base that answers, and keeps from a reader what is not theirs', async ({ page, craton }) => {
  test.slow()
  const stamp = Date.now()
  const [bucket, name, reader, group] = [`console-kb-${stamp}`, `console-${stamp}`, `reader-${stamp}`, `hr-${stamp}`]
  const account = await Account.signIn(craton.url, craton.accessKeyId, craton.secretAccessKey)
  await account.s3('PUT', `/${bucket}`)
  await account.s3('PUT', `/${bucket}/current/late-returns.md`, LATE)
  await account.s3('PUT', `/${bucket}/current/hr/parental-leave.md`, LEAVE)
  const sidecar = { metadataAttributes: { department: 'hr', year: 2026 }, accessControlList: [{ name: group, type: 'GROUP', access: 'ALLOW' }] }
  await account.s3('PUT', `/${bucket}/current/hr/parental-leave.md.metadata.json`, JSON.stringify(sidecar))
  await account.s3('PUT', `/${bucket}/current/broken.pdf`, '%PDF-1.7 broken')
  await account.iam('CreateUser', { UserName: reader })
  await account.iam('CreateGroup', { GroupName: group })
  await account.iam('AddUserToGroup', { UserName: reader, GroupName: group })

  await signIn(page, craton, `/buckets?bucket=${bucket}&prefix=current/`)
  await page.getByRole('button', { name: 'Create knowledge base' }).click()
  const next = page.getByRole('button', { name: 'Next', exact: true })
  await page.getByLabel('Knowledge base name').fill(name)
  await next.click()
  await expect(page.getByLabel('S3 URI')).toHaveValue(`s3://${bucket}/current/`)
  await page.getByLabel('Data source name').fill('files')
  await next.click()
  await page.getByLabel('Embedding model', { exact: true }).click()
  await page.getByRole('option', { name: /titan-embed-text-v2/ }).first().click()
  await next.click()
  await page.getByRole('button', { name: 'Create knowledge base' }).click()
  await expect(page.getByRole('heading', { level: 1, name: /^Sync of/ })).toBeVisible()
  await expect(page.getByText('Complete', { exact: true })).toBeVisible()
  await expect(page.getByTestId('statistics')).toContainText('New, indexed2')
  await expect(page.getByTestId('statistics')).toContainText('Failed1')

  await page.getByRole('link', { name: 'files', exact: true }).click()
  const documents = page.getByRole('table', { name: 'Documents' })
  await expect(documents.getByRole('row').filter({ hasText: 'broken.pdf' })).toContainText('Failed')
  await expect(documents.getByRole('row').filter({ hasText: 'late-returns.md' })).toContainText('Indexed')
  await documents.getByRole('link', { name: /parental-leave/ }).click()
  await expect(page.getByTestId('acl')).toContainText(group)
  await page.getByLabel('May this user read it?').fill(reader)
  await page.getByRole('button', { name: 'Check' }).click()
  await expect(page.getByText(`${reader} may read it`)).toBeVisible()
  await page.getByRole('link', { name: 'files', exact: true }).click()
  await documents.getByRole('link', { name: /late-returns/ }).click()
  const text = page.getByRole('region', { name: 'Text of the document' })
  await expect(text).toContainText('Late returns 🚗')
  await page.getByRole('list', { name: 'Chunks' }).getByRole('button').first().click()
  await expect(text.locator('[data-chosen="true"]').first()).toBeVisible()

  await page.getByRole('link', { name, exact: true }).click()
  await page.getByRole('button', { name: 'Test knowledge base' }).click()
  const ask = async (question: string) => {
    await page.getByRole('textbox', { name: 'Prompt', exact: true }).fill(question)
    await page.getByRole('button', { name: 'Send' }).click()
    await expect(page.getByRole('button', { name: 'Send' })).toBeVisible()
  }
  await ask('How late may a car be returned without a charge?')
  const answer = page.getByTestId('answer')
  await expect(answer).toContainText('A car may be returned up to 59 minutes late without a charge.')
  await answer.getByRole('button', { name: /^Supported by passage/ }).first().focus()
  await expect(answer.locator('.craton-cited[data-pointed="true"]').first()).toContainText('59 minutes')
  const passages = page.getByRole('list', { name: 'Passages' })
  await expect(passages.locator('.craton-cited[data-pointed="true"]').first()).toContainText('59 minutes')
  await passages.getByRole('button', { name: 'Why it is here' }).first().click()
  await expect(passages.getByRole('table', { name: 'Ranks' }).first()).toContainText('BM25')
  // The administrator is not of the group.
  await page.getByRole('button', { name: 'Start over' }).click()
  await page.getByText('The passages alone, best first.').click()
  await ask('How many weeks of parental leave are there?')
  await expect(page.getByTestId('summary')).toBeVisible()
  await expect(passages.getByRole('link', { name: 'parental-leave.md' })).toHaveCount(0)
  await page.getByRole('button', { name: 'Start over' }).click()
  await page.getByLabel('Ask as').fill(reader)
  await page.keyboard.press('Escape')
  await ask('How many weeks of parental leave are there?')
  await expect(passages.getByRole('link', { name: 'parental-leave.md' }).first()).toBeVisible()
  // Out of the group, the passage is gone with the next question.
  await account.iam('RemoveUserFromGroup', { UserName: reader, GroupName: group })
  await page.getByRole('button', { name: 'Start over' }).click()
  await ask('How many weeks of parental leave are there?')
  await expect(page.getByTestId('summary')).toBeVisible()
  await expect(passages.getByRole('link', { name: 'parental-leave.md' })).toHaveCount(0)

  await page.getByRole('button', { name: 'Start over' }).click()
  await page.getByLabel('Ask as').fill('')
  await page.keyboard.press('Escape')
  await page.getByText('A model answers out of the passages').click()
  await ask('How late may a car be returned without a charge?')
  await expect(answer).toBeVisible()
  await expect(page.getByTestId('error')).toHaveCount(0)

  await openPage(page, 'Knowledge bases')
  await page.getByRole('link', { name, exact: true }).click()
  await page.getByRole('button', { name: 'Delete', exact: true }).click()
  await page.getByRole('dialog').getByLabel('To delete it, type confirm').fill('confirm')
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click()
  await expect(page.getByRole('heading', { level: 1, name: 'Knowledge bases' })).toBeVisible()
  await expect(page.getByRole('link', { name, exact: true })).toHaveCount(0)
})

test('documents are put in directly, and a name that is taken is refused', async ({ page, craton }) => {
  test.slow()
  const name = `console-direct-${Date.now()}`
  await signIn(page, craton, '/knowledge-bases?create=details')
  const next = page.getByRole('button', { name: 'Next', exact: true })
  await page.getByLabel('Knowledge base name').fill(name)
  await next.click()
  await page.getByText('Documents that you put in one by one').click()
  await page.getByLabel('Data source name').fill('notices')
  await next.click()
  await page.getByLabel('Embedding model', { exact: true }).click()
  await page.getByRole('option', { name: /titan-embed-text-v2/ }).first().click()
  await next.click()
  await page.getByRole('button', { name: 'Create knowledge base' }).click()
  await page.getByRole('link', { name: 'notices', exact: true }).click()
  await page.getByRole('button', { name: 'Add document' }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByLabel('Document ID').fill('winter-tyres')
  await dialog.getByLabel('Text').fill('Winter tyres are on every car from October to Easter.')
  await dialog.getByRole('button', { name: 'Add' }).click()
  const row = page.getByRole('table', { name: 'Documents' }).getByRole('row').filter({ hasText: 'winter-tyres' })
  await expect(row).toContainText('Indexed')
  await page.getByRole('button', { name: 'Delete winter-tyres' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click()
  await expect(row).toHaveCount(0)
})
