import { expect, openPage, test } from './fixtures.ts'

test('texts are embedded and compared', async ({ signedIn: page, craton }) => {
  test.skip(!craton.mock, 'needs an embedding model')
  await openPage(page, 'Embeddings')
  const start = page.getByRole('button', { name: 'Embed', exact: true })
  await expect(start).toBeDisabled()
  await page.getByLabel('Texts', { exact: true }).fill('A cat sits on the mat.\nA cat is on the mat.\nInterest rates rise.')
  await start.click()
  const rows = page.getByRole('table', { name: 'Vectors' }).getByRole('row')
  await expect(rows).toHaveCount(4)
  await expect(rows.nth(1)).toContainText('1.000')
  await page.getByLabel('Numbers of a vector').fill('2')
  await start.click()
  await expect(page.getByText('2 numbers each; 3 tokens read.')).toBeVisible()
})
