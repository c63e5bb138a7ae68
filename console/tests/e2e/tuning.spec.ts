import { endTuning } from '../mock/tunings.ts'
import { expect, openPage, signIn, test } from './fixtures.ts'

test.beforeEach(({ craton }) => test.skip(!craton.mock, 'made-up tunings'))

const MODEL = 'smollm2-135m-instruct'

test('a tuning is started, followed, and ends with a report and a profile', async ({ signedIn: page, craton }) => {
  const { state } = craton.mock!
  await openPage(page, 'Model catalogue')
  await page.getByRole('button', { name: 'Tuning of SmolLM2 135M Instruct' }).click()
  await page.getByRole('button', { name: 'Tune', exact: true }).click()
  await page.getByText('Short texts, and verdicts of four tokens.').click()
  await page.getByLabel('Objective', { exact: true }).fill('p95=300ms')
  await page.getByLabel('Minutes').fill('1')
  await page.getByLabel('Longest answer').fill('4')
  await page.getByText('Caches of eight bits').click()
  await page.getByRole('button', { name: 'Start tuning' }).click()
  await expect(page.getByText('3 measurements of 21 measurements · round 1 of 3')).toBeVisible()
  expect(state.tunings.running?.request).toEqual({
    slo: 'p95=300ms',
    workload: 'moderation',
    minutes: 1,
    clients: 8,
    boundedAnswers: 4,
    allow: ['kv-q8_0'],
  })
  // It is on the model's own page, too.
  await page.getByRole('link', { name: MODEL }).click()
  await expect(page.getByRole('button', { name: 'Tune', exact: true })).toBeDisabled()
  await expect(page.getByRole('button', { name: `Cancel the tuning of ${MODEL}` })).toBeVisible()
  endTuning(state)
  await expect(page.getByRole('table', { name: 'Tunings' }).getByRole('row')).toHaveCount(3)
  await expect(page.getByTestId('profile')).toContainText('16 side by side')
})

test('a report shows the choice, the plot, the ceilings and every profile', async ({ signedIn: page }) => {
  await openPage(page, 'Tuning')
  await page.getByRole('link', { name: MODEL }).click()
  await page.getByRole('table', { name: 'Tunings' }).getByRole('link').first().click()
  await expect(page.getByText('Another profile was chosen: × 1.83 the default’s requests [1.78, 1.86]')).toBeVisible()
  await expect(page.getByRole('img', { name: /default 9\.8 requests a second at 870 ms, chosen 17\.9/ })).toBeVisible()
  await expect(page.getByTestId('dot-other')).toHaveCount(9)
  await expect(page.getByTestId('dot-chosen').locator('title')).toContainText('weights of smollm2-135m-instruct-q8_0')
  await expect(page.getByText('110 tokens/s by all cores, 67.9 by one')).toBeVisible()
  await expect(page.getByText('8.0 GB, 4.0 GB for each of 2 cores')).toBeVisible()
  await expect(page.getByText('55.9 s of this machine, 0.0062 in money')).toBeVisible()
  const profiles = page.getByRole('table', { name: 'Profiles' })
  const chosen = profiles.getByRole('row').filter({ hasText: 'Chosen' })
  await expect(chosen).toContainText('286 of 704')
  await expect(chosen).toContainText('Unbeaten')
  await expect(profiles.getByRole('row').filter({ hasText: 'The engine could not be started.' })).toContainText('cache q8_0')
  await expect(page.getByRole('table', { name: 'Weights that were measured' })).toContainText('99.8 % of 480 [98.8 %, 100.0 %]')
})

test('a tuning is cancelled and changes nothing', async ({ signedIn: page, craton }) => {
  await page.goto(`${craton.url}/console/tuning?model=${MODEL}&start=1`)
  await page.getByRole('button', { name: 'Start tuning' }).click()
  await page.getByRole('button', { name: `Cancel the tuning of ${MODEL}` }).click()
  await expect(page.getByText('The tuning was cancelled')).toBeVisible()
  await page.getByRole('link', { name: MODEL }).click()
  await expect(page.getByTestId('profile')).toContainText('weights of smollm2-135m-instruct-q8_0')
})

test('a second tuning is refused by name', async ({ signedIn: page, craton }) => {
  for (const model of [MODEL, 'all-minilm-l6-v2']) {
    await page.goto(`${craton.url}/console/tuning?model=${model}&start=1`)
    await page.getByRole('button', { name: 'Start tuning' }).click()
    if (model === MODEL) await expect(page.getByText('round 1 of 3')).toBeVisible()
  }
  await expect(page.getByText(`The model \`${MODEL}\` is being tuned`)).toBeVisible()
})

test('a tuning that fails says why', async ({ signedIn: page, craton }) => {
  await page.goto(`${craton.url}/console/tuning?model=${MODEL}&start=1`)
  await page.getByRole('button', { name: 'Start tuning' }).click()
  await expect(page.getByText('round 1 of 3')).toBeVisible()
  const error = { code: 'NotFound', message: 'The model is not pulled.', hint: 'Pull it.' }
  Object.assign(craton.mock!.state.tunings.running!.job, { state: 'failed', error, endedAt: '2026-05-04T10:05:00Z' })
  await expect(page.getByTestId('failure')).toContainText('The model is not pulled. Pull it.')
})

test('a profile is reset only after a confirmation', async ({ signedIn: page, craton }) => {
  await page.goto(`${craton.url}/console/tuning?model=${MODEL}`)
  await page.getByRole('button', { name: `Reset ${MODEL}` }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Reset' }).click()
  await expect(page.getByTestId('profile')).toHaveText('The model is loaded as the server’s settings say.')
})

test('a broken line of a workload is named before it is sent', async ({ signedIn: page, craton }) => {
  await page.goto(`${craton.url}/console/tuning?model=${MODEL}&start=1`)
  await page.getByText('Lines of JSON, asked in order over and over.').click()
  await page.getByLabel('Lines').fill('{"prompt": "a"}\n\n{"prompt": 7}')
  await expect(page.getByText('Line 3 has a “prompt” that is no text, or an empty one')).toBeVisible()
  await page.getByRole('button', { name: 'Start tuning' }).click()
  expect(craton.mock!.state.tunings.running).toBeUndefined()
})

test('who does not manage the deployment sees reports and no buttons', async ({ page, craton }) => {
  craton.mock!.state.managesDeployment = false
  await signIn(page, craton, `/tuning?model=${MODEL}`)
  await expect(page.getByTestId('profile')).toBeVisible()
  await expect(page.getByRole('button', { name: /^(Tune|Reset)/ })).toHaveCount(0)
})
