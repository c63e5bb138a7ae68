import { expect, openPage, signIn, test } from './fixtures.ts'

test.beforeEach(({ craton }) => test.skip(craton.mock !== undefined, 'needs a real server'))

test('a model is deployed, asked, compared with itself under its own name, measured and deleted', async ({ page, craton }) => {
  test.slow()
  const name = `console-${Date.now()}`
  await signIn(page, craton)
  await openPage(page, 'Model catalogue')
  await page.getByRole('button', { name: /^Show/ }).click()
  await page.getByRole('option', { name: 'Downloaded' }).click()
  await page.getByLabel('Find models').fill('smollm2-135m-instruct')
  await page.getByRole('button', { name: /^Deploy SmolLM2 135M/ }).first().click()
  await expect(page.getByTestId('fit')).toContainText('It fits')
  await page.getByLabel('Endpoint name').fill(name)
  await page.getByRole('button', { name: 'Deploy', exact: true }).click()
  await expect(page.getByRole('heading', { level: 1, name })).toBeVisible()
  await expect(page.getByText('In service', { exact: true })).toBeVisible()

  await page.getByRole('button', { name: 'Open in playground' }).click()
  await page.getByText('Compare two models').click()
  await page.getByRole('button', { name: /^Model 2/ }).click()
  await page.getByPlaceholder('Find a model or an AWS id').filter({ visible: true }).fill('smollm2')
  await page.getByRole('option').filter({ visible: true }).first().click()
  await page.getByLabel('Max tokens').fill('8')
  await page.getByRole('textbox', { name: 'Prompt', exact: true }).fill('Hello!')
  await page.getByRole('button', { name: 'Send' }).click()
  const table = page.getByRole('table', { name: 'The latest answers compared' })
  for (const row of [1, 2]) await expect(table.getByRole('row').nth(row)).toContainText(/finished|cut at max tokens/)
  await expect(table.getByRole('row').nth(1)).toContainText(name)

  await page.goto(`${craton.url}/console/endpoints?endpoint=${name}`)
  const variants = page.getByRole('table', { name: 'Variants' })
  await expect(variants.getByRole('row').nth(1)).toContainText('smollm2-135m-instruct')
  await expect(variants.getByRole('row').nth(1)).toContainText(/\d+ ms|\d+\.\d+ s/)
  await page.getByRole('button', { name: 'Delete' }).click()
  const dialog = page.getByRole('dialog')
  await expect(dialog).toContainText(name)
  await dialog.getByLabel('To delete it, type confirm').fill('confirm')
  await dialog.getByRole('button', { name: 'Delete' }).click()
  await expect(page.getByRole('heading', { level: 1, name: 'Endpoints' })).toBeVisible()
  await expect(page.getByRole('link', { name })).toHaveCount(0)
})

test('a name that is taken is refused in AWS’s words', async ({ page, craton }) => {
  const name = `console-taken-${Date.now()}`
  await signIn(page, craton)
  for (const again of [false, true]) {
    await page.goto(`${craton.url}/console/endpoints?deploy=smollm2-135m-instruct`)
    await page.getByLabel('Endpoint name').fill(name)
    await page.getByRole('button', { name: 'Deploy', exact: true }).click()
    if (again) await expect(page.getByTestId('error')).toContainText('already existing')
    else await expect(page.getByRole('heading', { level: 1, name })).toBeVisible()
  }
  await page.goto(`${craton.url}/console/endpoints?endpoint=${name}`)
  await page.getByRole('button', { name: 'Delete' }).click()
  await page.getByRole('dialog').getByLabel('To delete it, type confirm').fill('confirm')
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click()
  await expect(page.getByRole('heading', { level: 1, name: 'Endpoints' })).toBeVisible()
})
