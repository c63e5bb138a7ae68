import type { Page } from '@playwright/test'
import { HYBRID, JUDGE, SAME, SEMANTIC } from '../mock/evaluationState.ts'
import { expect, openPage, test } from './fixtures.ts'

test.beforeEach(({ craton }) => test.skip(!craton.mock, 'made-up evaluations'))

const next = (page: Page) => page.getByRole('button', { name: 'Next', exact: true }).click()

/** Writes into a field that offers choices, and folds these away. */
async function write(page: Page, field: string, text: string): Promise<void> {
  await page.getByLabel(field, { exact: true }).fill(text)
  await page.keyboard.press('Escape')
}

test('the systems of one job are compared, and other parts are chosen', async ({ signedIn: page, craton }) => {
  const { evaluations } = craton.mock!.state
  await page.goto(`${craton.url}/console/evaluations?job=${SAME}`)
  await page.getByRole('button', { name: 'Compare its two', exact: true }).click()
  const names = [`two-models of ${JUDGE}`, 'two-models of smollm2-135m-instruct']
  const means = page.getByRole('table', { name: 'Means' })
  for (const name of names) await expect(means.getByRole('columnheader', { name })).toBeVisible()
  await expect(page.getByRole('table', { name: `${names[0]} and ${names[1]}` })).toContainText('Not distinguishable')
  const compared = () => evaluations.received.filter(({ operation }) => operation === 'CompareEvaluations').at(-1)?.body
  expect(compared()).toEqual({ id: SAME, other: SAME, places: ['0.0', '0.1'] })
  // Beside another job, whichever system of the two is chosen.
  await page.goto(`${craton.url}/console/evaluations?compare=${HYBRID},${SAME}`)
  await page.getByLabel('Compared of two-models').click()
  await page.getByRole('option', { name: 'of smollm2-135m-instruct' }).click()
  await expect(page).toHaveURL(new RegExp(`compare=${HYBRID}%2C${SAME}%3A0.1`))
  await expect(means.getByRole('columnheader', { name: names[1]! })).toBeVisible()
  await expect.poll(() => [...(compared() as { places: string[] }).places].sort()).toEqual(['0.0', '0.1'])
})

test('a comparison marks judges as the report does', async ({ signedIn: page, craton }) => {
  const { evaluations } = craton.mock!.state
  const url = `${craton.url}/console/evaluations?compare=${HYBRID},${SEMANTIC}`
  await page.goto(url)
  const pairs = page.getByRole('table', { name: 'impressions-hybrid-10 and impressions-semantic-10' })
  const row = (name: string) => pairs.getByRole('row').filter({ hasText: name })
  await expect(row('Correctness')).toContainText('Judge usable')
  await expect(row('Completeness')).toContainText('Judge uncalibrated')
  await expect(row('Faithfulness')).toContainText('Judge not usable for this metric')
  await expect(row('ROUGE-L')).toContainText('Computed: no judge is asked')
  await expect(page.getByText('They have different judges')).toHaveCount(0)
  const other = evaluations.jobs.find(({ id }) => id === SEMANTIC)!
  other.details.evaluationConfig.automated!.evaluatorModelConfig = { bedrockEvaluatorModels: [{ modelIdentifier: 'smollm2-135m-instruct' }] }
  await page.goto(url)
  await expect(page.getByText('They have different judges: a difference may be theirs.')).toBeVisible()
  await expect(row('Correctness').getByTestId('trust')).toHaveCount(2)
  await expect(page.getByRole('table', { name: 'Means' }).getByRole('row').filter({ hasText: 'Correctness' }).getByTestId('trust')).toHaveCount(2)
})

test('two evaluations, and the two generators of one, are compared pair by pair', async ({ signedIn: page, craton }) => {
  const { evaluations, jobs } = craton.mock!.state
  await page.goto(`${craton.url}/console/evaluations?compare=${HYBRID},${SEMANTIC}`)
  await page.getByRole('button', { name: 'Compare impressions-hybrid-10 and impressions-semantic-10 pair by pair' }).click()
  const dialog = page.getByRole('dialog')
  await expect(dialog.getByLabel('Judge of the pairs', { exact: true })).toHaveValue(JUDGE)
  await expect(dialog).toContainText(`craton eval compare ${HYBRID} ${SEMANTIC} --pairwise ${JUDGE}`)
  evaluations.failures.set('CompareEvaluationsPairwise', { status: 400, code: 'Invalid', message: 'They have no answers to the same prompts.' })
  await dialog.getByRole('button', { name: 'Compare', exact: true }).click()
  await expect(dialog.getByTestId('error')).toContainText('no answers to the same prompts')
  evaluations.failures.clear()
  await dialog.getByRole('button', { name: 'Compare', exact: true }).click()
  await expect(page.getByRole('heading', { level: 1, name: 'Pair by pair' })).toBeVisible()
  await expect(page.getByText('12 pairs of 60 pairs')).toBeVisible()
  const work = [...jobs.values()].find(({ kind }) => kind === 'pairwise-comparison')!
  Object.assign(work, { state: 'succeeded', endedAt: '2026-05-04T10:09:00Z' })
  const verdicts = page.getByRole('table', { name: 'Verdicts' })
  await expect(verdicts).toContainText('impressions-hybrid-10 wins in both orders')
  await expect(verdicts.getByRole('row').filter({ hasText: 'changed with the order' })).toContainText('23 %')
  await expect(page.getByText('impressions-hybrid-10 is better')).toBeVisible()
  await expect(page.getByText('2 pairs have no verdict: Input is too long')).toBeVisible()
  await expect(page.getByText('0.69 (0.58 to 0.79)')).toBeVisible()
  await expect(page.getByText('Tokens: 61,240 read (30,100 cached), 354 written.')).toBeVisible()
  await expect(page.getByRole('img', { name: /^Leans to what is shown first/ })).toBeVisible()
  evaluations.pairwise = { ...evaluations.pairwise, ledByOrder: true, judgement: 'not distinguishable' }
  await page.reload()
  await expect(page.getByText('follow the order more often than the answers')).toBeVisible()
  await expect(page.getByText('Not distinguishable')).toBeVisible()

  await page.goto(`${craton.url}/console/evaluations?job=${SAME}`)
  await page.getByRole('button', { name: 'Compare its two pair by pair' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Compare', exact: true }).click()
  await expect(page.getByRole('heading', { level: 1, name: 'Pair by pair' })).toBeVisible()
  expect(evaluations.received.filter(({ operation }) => operation === 'CompareEvaluationsPairwise').at(-1)?.body).toEqual({ id: SAME, other: SAME, judge: JUDGE })
  await page.getByRole('button', { name: 'Cancel', exact: true }).click()
  await expect(page.getByText('It was cancelled.')).toBeVisible()
  await page.goto(`${craton.url}/console/evaluations?pairwise=nothing`)
  await expect(page.getByTestId('error')).toContainText('could not be found')
})

test('whichever systems and datasets are compared, their answers are compared pair by pair', async ({ signedIn: page, craton }) => {
  const { evaluations, jobs } = craton.mock!.state
  const asked = () => evaluations.received.filter(({ operation }) => operation === 'CompareEvaluationsPairwise').at(-1)?.body
  const dialog = page.getByRole('dialog')
  // The best mean is compared with the others: which one that is, the page says.
  const start = async () => {
    await page.getByRole('button', { name: /pair by pair$/ }).click()
    const command = await dialog.locator('code').innerText()
    await dialog.getByRole('button', { name: 'Compare', exact: true }).click()
    await expect(page.getByRole('heading', { level: 1, name: 'Pair by pair' })).toBeVisible()
    return command
  }
  await page.goto(`${craton.url}/console/evaluations?compare=${SAME}:0.1,${SAME}`)
  const one = await start()
  const { system, otherSystem } = asked() as { system: string; otherSystem: string }
  expect(asked()).toEqual({ id: SAME, other: SAME, judge: JUDGE, system, otherSystem })
  expect([system, otherSystem].sort()).toEqual(['0', '1'])
  expect(one).toBe(`craton eval compare ${SAME} ${SAME} --pairwise ${JUDGE} --system ${system} --other-system ${otherSystem}`)

  await page.goto(`${craton.url}/console/evaluations?compare=${HYBRID},${SAME}:0.1`)
  const two = await start()
  const { id } = asked() as { id: string }
  // The answers of the second system are asked for on whichever side they stand.
  const named = id === SAME ? { id, other: HYBRID, system: '1', otherSystem: '0' } : { id: HYBRID, other: SAME, system: '0', otherSystem: '1' }
  expect(asked()).toEqual({ ...named, judge: JUDGE })
  expect(two).toContain(`--system ${named.system} --other-system ${named.otherSystem}`)

  evaluations.pairwise = { ...evaluations.pairwise, datasets: ['dev1-eval', 'dev2-eval'] }
  for (const work of jobs.values()) if (work.kind === 'pairwise-comparison') Object.assign(work, { state: 'succeeded', endedAt: '2026-05-04T10:09:00Z' })
  await expect(page.getByText('On the prompts of dev1-eval, dev2-eval')).toBeVisible()
})

test('a passport whose classifier is outdated says so, and what to do', async ({ signedIn: page, craton }) => {
  const { evaluations } = craton.mock!.state
  const address = `${craton.url}/console/evaluations?judge=${encodeURIComponent(JUDGE)}`
  await page.goto(address)
  const card = page.getByRole('region', { name: 'Correctness' })
  const ways = card.getByRole('list', { name: 'Ways to a label of Correctness' })
  await card.getByRole('button', { name: 'Ways to a label' }).click()
  await expect(ways.getByRole('listitem').filter({ hasText: 'recommended' })).toHaveText(/^expected score: .* – recommended$/)
  await expect(page.getByText('outdated')).toHaveCount(0)
  const [correctness, faithfulness] = evaluations.passports.get(JUDGE)!
  const methods = [...correctness!.methods!, { method: 'classifier', balancedAccuracy: { value: 0.62, low: 0.52, high: 0.72 }, gain: { value: 0.29, low: 0.18, high: 0.4 } }]
  evaluations.passports.set(JUDGE, [{ ...correctness!, methods, recommended: 'classifier', outdated: true }, faithfulness!])
  await page.goto(address)
  await expect(page.getByText('The passport is outdated for Correctness')).toBeVisible()
  await expect(page.getByRole('group', { name: 'Commands that calibrate a judge again' })).toContainText('--dataset rated.jsonl')
  await expect(card).toContainText('Its classifier is outdated: run the evaluation again, and calibrate the judge by the new job')
  await card.getByRole('button', { name: 'Ways to a label' }).click()
  await expect(ways.getByRole('listitem').filter({ hasText: 'recommended' })).toHaveText(/^classifier: .* – recommended, but outdated$/)
  await expect(page.getByRole('region', { name: 'Faithfulness' })).not.toContainText('outdated')

  await page.goto(`${craton.url}/console/evaluations?create=details&base=KBRENTAL01`)
  await page.getByLabel('Evaluation name').fill('outdated')
  await next(page)
  await write(page, 'Generator', JUDGE)
  await next(page)
  await write(page, 'Judge', JUDGE)
  await expect(page.getByTestId('passport-state')).toContainText('Outdated for Correctness: run the evaluation that people rated again')
})

test('a judge has a passport, and gets one of what people say', async ({ signedIn: page, craton }) => {
  const { evaluations } = craton.mock!.state
  await openPage(page, 'Evaluations')
  await page.getByRole('button', { name: 'Judge passports' }).click()
  await write(page, 'Judge', JUDGE)
  await page.getByRole('button', { name: 'Show passport' }).click()
  const passport = page.getByRole('region', { name: 'Correctness' })
  await expect(passport).toContainText('Judge usable')
  await expect(passport).toContainText('0.58 (0.47 to 0.69)')
  await expect(passport).toContainText('Quadratic-weighted κ')
  await expect(page.getByRole('region', { name: 'Faithfulness' })).toContainText('cannot be told: one side always says the same')
  await passport.getByRole('button', { name: 'Calibration' }).click()
  await expect(passport.getByRole('img', { name: /^Calibration of Correctness/ })).toBeVisible()
  evaluations.passports.clear()
  await page.goto(`${craton.url}/console/evaluations?judge=${encodeURIComponent(JUDGE)}`)
  await expect(page.getByText('It was never compared with people')).toBeVisible()

  await page.goto(`${craton.url}/console/evaluations?job=${HYBRID}`)
  await page.getByRole('button', { name: 'Calibrate the judge' }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByLabel('Labels', { exact: true }).fill('{"record": 1, "metric": "Builtin.Correctness", "label": 2}\nnonsense')
  await expect(dialog.getByText('Line 2 is no label')).toBeVisible()
  await expect(dialog.getByRole('button', { name: 'Calibrate', exact: true })).toBeDisabled()
  const lines = (count: number) => Array.from({ length: count }, (_, at) => JSON.stringify({ record: at + 1, metric: 'Builtin.Correctness', label: at % 3 })).join('\n')
  await dialog.getByLabel('Labels', { exact: true }).fill(lines(5))
  await dialog.getByRole('button', { name: 'Calibrate', exact: true }).click()
  await expect(dialog.getByTestId('error')).toContainText('At least 20 are needed.')
  await page.getByTestId('labels-file').setInputFiles({ name: 'labels.jsonl', mimeType: 'application/jsonl', buffer: Buffer.from(lines(24)) })
  await expect(dialog.getByText('Builtin.Correctness: 24')).toBeVisible()
  await dialog.getByRole('button', { name: 'Calibrate', exact: true }).click()
  await expect(page.getByRole('heading', { level: 1, name: 'Judge passport' })).toBeVisible()
  await expect(page.getByRole('region', { name: 'Correctness' })).toContainText('Judge usable')
})
