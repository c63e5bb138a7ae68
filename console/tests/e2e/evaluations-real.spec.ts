import type { Page } from '@playwright/test'
import { Account } from '../real/account.ts'
import { expect, openPage, signIn, test } from './fixtures.ts'

test.beforeEach(({ craton }) => test.skip(craton.mock !== undefined || process.env['CRATON_MODELS'] === '', 'needs a real server with a text model'))

const JUDGE = 'anthropic.claude-3-haiku-20240307-v1:0'

/** Findings, the impression that should be, and the one that a system gave. */
const REPORTS = [
  ['The lungs are clear. There is no pleural effusion or pneumothorax.', '1. No acute disease.', '1. No pleural effusion or pneumothorax.'],
  ['A small left pleural effusion. The heart is of normal size.', '1. Small left pleural effusion.', '1. Small right pleural effusion. 2. Fracture of the seventh rib.'],
  ['A nodule of 8 mm in the right upper lobe.', '1. Nodule of 8 mm in the right upper lobe.', '1. Nodule of 14 mm in the right upper lobe.'],
] as const

function dataset(): string {
  const content = (text: string) => ({ content: [{ text }] })
  const lines = REPORTS.map(([findings, truth, answer]) => {
    const retrievedPassages = { retrievalResults: [{ name: 'report', content: { text: `${findings} Impression: ${truth}` }, metadata: {} }] }
    const output = { text: answer, knowledgeBaseIdentifier: 'my-system', retrievedPassages, citations: [] }
    return JSON.stringify({ conversationTurns: [{ prompt: content(`Write an impression.\n\nFindings: ${findings}`), referenceResponses: [content(truth)], output }] })
  })
  return `${lines.join('\n')}\n`
}

async function write(page: Page, field: string, text: string): Promise<void> {
  await page.getByLabel(field, { exact: true }).fill(text)
  await page.keyboard.press('Escape')
}

/** What the wizard has chosen before anything is done. */
const CHOSEN = ['Correctness', 'Completeness', 'Helpfulness', 'Logical coherence', 'Faithfulness']

/** Makes a job of the metrics that need no judge, and of these that do. */
async function create(page: Page, name: string, uri: string, output: string, judged: string[]): Promise<void> {
  const next = page.getByRole('button', { name: 'Next', exact: true })
  await page.getByLabel('Evaluation name').fill(name)
  await page.getByText('Bring your own responses').click()
  await next.click()
  await page.getByLabel('Name of the source').fill('my-system')
  await next.click()
  if (judged.length > 0) {
    await write(page, 'Judge', JUDGE)
    await expect(page.getByTestId('passport-state')).toContainText('Uncalibrated')
  }
  for (const metric of CHOSEN.filter((one) => !judged.includes(one))) await page.getByLabel(metric, { exact: true }).uncheck()
  for (const metric of ['ROUGE-L', 'Clinical consistency']) await page.getByLabel(metric, { exact: true }).check()
  await next.click()
  await write(page, 'Dataset', uri)
  await write(page, 'Results', output)
  await next.click()
  await page.getByRole('button', { name: 'Create evaluation' }).click()
  await expect(page.getByRole('heading', { level: 1, name })).toBeVisible()
}

test('responses of another system are judged, read record by record, and compared', async ({ page, craton }) => {
  test.slow()
  const stamp = Date.now()
  const [bucket, name] = [`evals-${stamp}`, `console-${stamp}`]
  const account = await Account.signIn(craton.url, craton.accessKeyId, craton.secretAccessKey)
  await account.s3('PUT', `/${bucket}`)
  await account.s3('PUT', `/${bucket}/in/own.jsonl`, dataset())
  await account.s3('PUT', `/${bucket}/in/broken.jsonl`, `${dataset()}{"conversationTurns": [`)

  await signIn(page, craton)
  await openPage(page, 'Evaluations')
  await page.getByRole('button', { name: 'Create evaluation' }).click()
  await create(page, name, `s3://${bucket}/in/own.jsonl`, `s3://${bucket}/out/`, ['Correctness', 'Faithfulness'])
  const card = (metric: string) => page.getByRole('region', { name: metric, exact: true })
  await expect(page.getByRole('button', { name: 'Compare with…' })).toBeVisible({ timeout: 600_000 })
  await expect(card('Correctness')).toContainText('3 scored')
  await expect(card('Correctness')).toContainText('Judge uncalibrated')
  await expect(card('Correctness').getByRole('img', { name: /^Scores of Correctness/ })).toBeVisible()
  await expect(card('Faithfulness')).toContainText('3 scored')
  await expect(card('ROUGE-L')).toContainText('Computed: no judge is asked')
  await expect(card('Clinical consistency')).toContainText('Worst records: 2 (0.00), 3 (0.00)')

  const [popup] = await Promise.all([page.waitForEvent('popup'), page.getByRole('link', { name: 'Report to print, opens in a new tab' }).click()])
  await expect(popup.getByRole('heading', { name })).toBeVisible()
  await popup.close()

  await card('Clinical consistency').getByRole('link', { name: '2', exact: true }).click()
  const answer = page.getByRole('group', { name: 'Generation output' })
  await expect(answer.locator('mark.craton-unsupported').filter({ hasText: 'seventh rib' }).first()).toBeVisible()
  await expect(page.getByRole('group', { name: 'Ground truth' })).toHaveText('1. Small left pleural effusion.')
  await expect(page.getByTestId('score')).toHaveCount(4)
  await page.getByRole('button', { name: 'All records' }).click()
  const table = page.getByRole('table', { name: 'Records' })
  await expect(table.getByRole('row')).toHaveCount(4)
  await expect(table.getByRole('row').nth(3)).toContainText('1.00')

  // Without a judge nothing is asked; a dataset that is wrong says on which line.
  await page.goto(`${craton.url}/console/evaluations?create=details`)
  await create(page, `${name}-b`, `s3://${bucket}/in/own.jsonl`, `s3://${bucket}/out/`, [])
  await page.goto(`${craton.url}/console/evaluations?create=details`)
  await create(page, `${name}-c`, `s3://${bucket}/in/broken.jsonl`, `s3://${bucket}/out/`, [])
  await expect(page.getByTestId('failure')).toContainText('Line 4 of the dataset')

  await openPage(page, 'Evaluations')
  const row = (job: string) => page.getByRole('table', { name: 'Evaluations' }).getByRole('row').filter({ has: page.getByRole('link', { name: job, exact: true }) })
  await expect(row(`${name}-b`)).toContainText('Completed')
  await page.getByRole('checkbox', { name: `Choose ${name}`, exact: true }).click()
  await page.getByRole('checkbox', { name: `Choose ${name}-b`, exact: true }).click()
  await page.getByRole('button', { name: 'Compare', exact: true }).click()
  const pairs = page.getByRole('table', { name: new RegExp(`^${name}.* and ${name}`) })
  await expect(pairs.getByRole('row').filter({ hasText: 'ROUGE-L' })).toContainText('Not distinguishable')

  await openPage(page, 'Evaluations')
  for (const job of [name, `${name}-b`, `${name}-c`]) await page.getByRole('checkbox', { name: `Choose ${job}`, exact: true }).click()
  await page.getByRole('button', { name: 'Delete', exact: true }).click()
  await page.getByRole('dialog').getByLabel('To delete them, type confirm').fill('confirm')
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click()
  await expect(row(name)).toHaveCount(0)
  await page.goto(`${craton.url}/console/evaluations?judge=${encodeURIComponent(JUDGE)}`)
  await expect(page.getByText('It was never compared with people')).toBeVisible()
})
