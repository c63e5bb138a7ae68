import { expect, openPage, test } from './fixtures.ts'

test('texts are scored, the likeliest first', async ({ signedIn: page, craton }) => {
  await openPage(page, 'Scoring')
  await page.getByRole('button', { name: 'Score', exact: true }).click()
  await expect(page.getByText('What the texts are answers to')).toBeVisible()
  await page.getByLabel('System prompt').fill('Is the review good or bad?')
  await page.getByLabel('Message', { exact: true }).fill('Never again.')
  await page.getByLabel('Texts', { exact: true }).fill('excellent\nbad')
  await page.getByRole('button', { name: 'Score', exact: true }).click()
  const scores = page.getByRole('table', { name: 'Scores' })
  await expect(scores.getByRole('row')).toHaveCount(3)
  await expect(scores).toContainText('%')
  if (!craton.mock) return
  await expect(scores.getByRole('row').nth(1)).toContainText('bad')
  expect(craton.mock.state.scores[0]).toEqual({
    model: 'smollm2-135m-instruct',
    system: 'Is the review good or bad?',
    messages: [{ role: 'user', content: 'Never again.' }],
    continuations: ['excellent', 'bad'],
    normalize: 'none',
  })
  await page.getByText('Only the likeliest is wanted').click()
  await page.getByRole('button', { name: 'Score', exact: true }).click()
  await expect(scores.getByRole('row').nth(2)).toContainText('≤ -2.250')
})
