import type { Page } from '@playwright/test'
import { BROKEN, HYBRID, JUDGE, PASSAGES, RUNNING, SAME, SEMANTIC, STOPPED } from '../mock/evaluationState.ts'
import { base } from '../mock/knowledgeState.ts'
import { expect, openPage, signIn, test } from './fixtures.ts'

test.beforeEach(({ craton }) => test.skip(!craton.mock, 'made-up evaluations'))

const next = (page: Page) => page.getByRole('button', { name: 'Next', exact: true }).click()

/** Writes into a field that offers choices, and folds these away. */
async function write(page: Page, field: string, text: string): Promise<void> {
  await page.getByLabel(field, { exact: true }).fill(text)
  await page.keyboard.press('Escape')
}

/** Fills the steps of the judge and of the data, and goes on to what follows them. */
async function judgeDev1(page: Page) {
  await write(page, 'Judge', 'anthropic.claude-3-haiku-20240307-v1:0')
  await next(page)
  await write(page, 'Dataset', 's3://evals/in/dev1-eval.jsonl')
  await write(page, 'Results', 's3://evals/out/')
  await next(page)
}

test('evaluations are listed, filtered, stopped and deleted', async ({ signedIn: page, craton }) => {
  const { evaluations } = craton.mock!.state
  await openPage(page, 'Evaluations')
  const table = page.getByRole('table', { name: 'Evaluations' })
  const row = (name: string) => table.getByRole('row').filter({ hasText: name })
  await expect(row('impressions-hybrid-10')).toContainText('RAG, retrieve and generate')
  await expect(row('passages-only')).toContainText('RAG, retrieve only')
  await expect(row('own-answers')).toContainText('Model')
  await expect(row('impressions-hybrid-10')).toContainText(JUDGE)
  await expect(row('own-answers')).toContainText('my-system (own responses)')
  await expect(row('own-answers')).toContainText('about 3 min 32 s left')
  await page.getByRole('searchbox', { name: 'Find evaluations' }).fill('impressions')
  await expect(row('own-answers')).toHaveCount(0)
  await page.getByRole('searchbox', { name: 'Find evaluations' }).fill('nothing-has-this-name')
  await expect(page.getByText('No evaluation matches')).toBeVisible()
  await page.getByRole('searchbox', { name: 'Find evaluations' }).fill('')
  await page.getByRole('button', { name: /^Status/ }).click()
  await page.getByRole('option', { name: 'Failed' }).click()
  await expect(row('line-three')).toContainText('Failed')
  await expect(row('own-answers')).toHaveCount(0)
  await page.getByRole('button', { name: /^Status/ }).click()
  await page.getByRole('option', { name: 'All statuses' }).click()

  await page.getByRole('checkbox', { name: 'Choose own-answers' }).click()
  await expect(page.getByRole('button', { name: 'Delete', exact: true })).toBeDisabled()
  evaluations.failures.set('StopEvaluationJob', { status: 400, code: 'ConflictException', message: 'The evaluation job `own-answers` is Completed already.' })
  await page.getByRole('button', { name: 'Stop', exact: true }).click()
  await expect(page.getByTestId('error')).toContainText('ConflictException')
  evaluations.failures.clear()
  await page.getByRole('button', { name: 'Stop', exact: true }).click()
  await expect(row('own-answers')).toContainText('Stopped')

  await page.getByRole('button', { name: 'Delete', exact: true }).click()
  const dialog = page.getByRole('dialog')
  await expect(dialog.getByRole('button', { name: 'Delete' })).toBeDisabled()
  await dialog.getByLabel('To delete it, type confirm').fill('confirm')
  await dialog.getByRole('button', { name: 'Delete' }).click()
  await expect(row('own-answers')).toHaveCount(0)
  expect(evaluations.received.find(({ operation }) => operation === 'BatchDeleteEvaluationJob')?.body).toEqual({
    jobIdentifiers: [`arn:aws:bedrock:us-east-1:111122223333:evaluation-job/${RUNNING}`],
  })
})

test('what cannot be listed, read or deleted says why', async ({ signedIn: page, craton }) => {
  const { evaluations } = craton.mock!.state
  const denied = { status: 403, code: 'AccessDeniedException', message: 'User dora is not authorized to perform: bedrock:ListEvaluationJobs' }
  evaluations.failures.set('ListEvaluations', denied)
  await openPage(page, 'Evaluations').catch(() => undefined)
  await expect(page.getByTestId('error')).toContainText('AccessDeniedException')
  evaluations.failures.clear()
  await page.getByRole('button', { name: 'Try again' }).click()
  await expect(page.getByRole('link', { name: 'impressions-hybrid-10' })).toBeVisible()

  await page.goto(`${craton.url}/console/evaluations?job=nothinghere0`)
  await expect(page.getByTestId('error')).toContainText('could not be found')
  evaluations.failures.set('BatchDeleteEvaluationJob', { status: 500, code: 'InternalServerException', message: 'The database cannot be written.' })
  await page.goto(`${craton.url}/console/evaluations?job=${STOPPED}`)
  await expect(page.getByText('It was stopped. No results were written')).toBeVisible()
  await page.getByRole('button', { name: 'Delete', exact: true }).click()
  await page.getByRole('dialog').getByLabel('To delete it, type confirm').fill('confirm')
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click()
  await expect(page.getByRole('dialog').getByTestId('error')).toContainText('The database cannot be written.')
  await page.goto(`${craton.url}/console/evaluations?job=${BROKEN}`)
  await expect(page.getByTestId('failure')).toContainText('Line 3 of the dataset is invalid')
  await expect(page.getByText('Nothing was judged')).toBeVisible()
})

test('an empty list says how to begin', async ({ signedIn: page, craton }) => {
  craton.mock!.state.evaluations.jobs = []
  await openPage(page, 'Evaluations')
  await expect(page.getByText('No evaluations yet')).toBeVisible()
  await expect(page.getByText('craton eval run')).toBeVisible()
})

test('a knowledge base is evaluated, with a role of its own', async ({ signedIn: page, craton }) => {
  const { evaluations, knowledge } = craton.mock!.state
  await openPage(page, 'Evaluations')
  await page.getByRole('button', { name: 'Create evaluation' }).click()
  await page.getByLabel('Evaluation name').fill('dev1')
  await next(page)
  await page.getByLabel('Knowledge base', { exact: true }).click()
  await page.getByRole('option', { name: /rental-policies/ }).click()
  await write(page, 'Generator', 'anthropic.claude-3-haiku-20240307-v1:0')
  await page.getByText('By meaning alone.').click()
  await page.getByLabel('Number of results').fill('5')
  await next(page)
  await write(page, 'Judge', JUDGE)
  await expect(page.getByTestId('passport-state')).toContainText('Correctness: usable')
  await expect(page.getByTestId('passport-state')).toContainText('Faithfulness: not usable')
  await expect(page.getByTestId('passport-state')).toContainText('Uncalibrated for Completeness, Helpfulness, Logical coherence')
  await page.getByRole('group', { name: 'Clinical rules' }).getByLabel('Clinical consistency').check()
  await page.getByRole('button', { name: 'Add custom metric' }).click()
  await page.getByLabel('Metric name').fill('tone')
  await page.getByRole('textbox', { name: 'Label 1 of tone' }).fill('florid')
  await next(page)
  await write(page, 'Dataset', 's3://evals/in/dev1-eval.jsonl')
  evaluations.check = {
    records: 60,
    problems: [{ line: 4, message: 'Line 4 of the dataset has no passages, which the metric `tone` names as `{{context}}`.' }],
    customMetrics: [{ metricName: 'tone', variables: ['prompt', 'prediction', 'context'] }],
  }
  await page.getByRole('button', { name: 'Check the dataset' }).click()
  await expect(page.getByRole('list', { name: 'Problems of the dataset' })).toContainText('Line 4 of the dataset has no passages')
  await expect(page.getByText('tone names {{prompt}}, {{prediction}}, {{context}}.')).toBeVisible()
  expect(evaluations.received.find(({ operation }) => operation === 'CheckEvaluationDataset')?.body).toMatchObject({
    metricNames: expect.arrayContaining(['Builtin.Correctness', 'tone']),
    customMetrics: [{ customMetricDefinition: { name: 'tone', ratingScale: [{ definition: 'florid' }, { definition: 'polite' }] } }],
  })
  await write(page, 'Results', 's3://evals/out/')
  await page.getByLabel('Service role name').fill('Amazon-Bedrock-IAM-Role-dev1')
  await next(page)
  await expect(page.getByRole('heading', { name: 'Review and create' }).first()).toBeVisible()
  await expect(page.getByText('RAG, retrieve and generate')).toBeVisible()
  await expect(page.getByRole('group', { name: 'Code for craton' })).toContainText('--custom-metric tone.json')
  await page.getByRole('tab', { name: 'AWS CLI' }).click()
  await expect(page.getByRole('group', { name: 'Code for AWS CLI' })).toContainText('aws bedrock create-evaluation-job')
  await page.getByRole('button', { name: 'Create evaluation' }).click()
  await expect(page.getByRole('heading', { level: 1, name: 'dev1' })).toBeVisible()
  await expect(page.getByText('Reading the datasets').first()).toBeVisible()

  const asked = evaluations.received.find(({ operation }) => operation === 'CreateEvaluation')?.body
  expect(asked).toMatchObject({
    jobName: 'dev1',
    roleArn: 'arn:aws:iam::111122223333:role/Amazon-Bedrock-IAM-Role-dev1',
    clientRequestToken: expect.stringMatching(/^[0-9a-f-]{36}$/),
    evaluationConfig: {
      automated: {
        datasetMetricConfigs: [
          {
            taskType: 'Custom',
            dataset: { name: 'dev1-eval', datasetLocation: { s3Uri: 's3://evals/in/dev1-eval.jsonl' } },
            metricNames: ['Builtin.Correctness', 'Builtin.Completeness', 'Builtin.Helpfulness', 'Builtin.LogicalCoherence', 'Builtin.Faithfulness', 'Craton.ClinicalConsistency', 'tone'],
          },
        ],
        customMetricConfig: { customMetrics: [{ customMetricDefinition: { name: 'tone', ratingScale: [{ definition: 'florid', value: { floatValue: 0 } }, { definition: 'polite', value: { floatValue: 1 } }] } }] },
      },
    },
    inferenceConfig: {
      ragConfigs: [
        {
          knowledgeBaseConfig: {
            retrieveAndGenerateConfig: {
              knowledgeBaseConfiguration: { knowledgeBaseId: 'KBRENTAL01', retrievalConfiguration: { vectorSearchConfiguration: { numberOfResults: 5, overrideSearchType: 'SEMANTIC' } } },
            },
          },
        },
      ],
    },
  })
  const [policy] = knowledge.rolePolicies
  expect(policy).toMatchObject({ role: 'Amazon-Bedrock-IAM-Role-dev1', name: 'Evaluation' })
  for (const action of ['s3:GetObject', 's3:PutObject', 'bedrock:InvokeModel', 'bedrock:Retrieve', 'bedrock:RetrieveAndGenerate']) expect(policy!.document).toContain(action)
})

test('what is wrong with an evaluation is told step by step, and a refusal at its end', async ({ signedIn: page, craton }) => {
  const { evaluations, endpoints } = craton.mock!.state
  await page.goto(`${craton.url}/console/evaluations?create=details`)
  await expect(page.getByText('small letters, digits and -')).toContainText('at most 35 where several settings are tried')
  await page.getByLabel('Evaluation name').fill('Two words')
  await next(page)
  await expect(page.getByText('No evaluation can have this name')).toBeVisible()
  await page.getByLabel('Evaluation name').fill('impressions-hybrid-10')
  await page.getByText('Answers of one model, or of two to compare.').click()
  await page.getByText('Bring your own responses').click()
  await next(page)
  await next(page)
  await expect(page.getByText('Letters, digits and . _ -')).toBeVisible()
  await page.getByLabel('Name of the source').fill('my-system')
  await next(page)
  await next(page)
  await expect(page.getByText('Choose the model that judges')).toBeVisible()
  await write(page, 'Judge', JUDGE)
  await page.getByRole('button', { name: 'Add custom metric' }).click()
  await page.getByLabel('Instructions', { exact: true }).fill('Is {{answer}} good?')
  await next(page)
  await expect(page.getByText('There is no {{answer}}')).toBeVisible()
  await page.getByRole('button', { name: 'Remove metric-1' }).click()
  await next(page)
  await next(page)
  await expect(page.getByText('A file of JSON lines in a bucket')).toBeVisible()
  await write(page, 'Dataset', 's3://evals/in/own.jsonl')
  await write(page, 'Results', 's3://evals/out/')
  await page.getByText('Use an existing service role').click()
  await write(page, 'Service role', 'arn:aws:iam::999999999999:role/E')
  await next(page)
  await expect(page.getByText('The role must be of this account, 111122223333')).toBeVisible()
  await page.getByText('Create and use a new service role').click()
  await next(page)
  await page.getByRole('button', { name: 'Create evaluation' }).click()
  await expect(page.getByText('The evaluation was not created')).toBeVisible()
  await expect(page.getByTestId('error')).toContainText('There is an evaluation job `impressions-hybrid-10` already.')
  await page.getByRole('button', { name: 'Edit evaluation' }).click()
  await page.getByLabel('Evaluation name').fill('another-name')
  for (let step = 0; step < 4; step++) await next(page)
  await page.getByRole('button', { name: 'Create evaluation' }).click()
  await expect(page.getByRole('heading', { level: 1, name: 'another-name' })).toBeVisible()
  expect(endpoints.roles.filter((role) => role.startsWith('Amazon-Bedrock-IAM-Role-'))).toHaveLength(1)
  expect(evaluations.received.filter(({ operation }) => operation === 'CreateEvaluation')).toHaveLength(2)
})

test('a judge that judges itself is told', async ({ signedIn: page, craton }) => {
  await page.goto(`${craton.url}/console/evaluations?create=details`)
  await page.getByText('Answers of one model, or of two to compare.').click()
  await next(page)
  await write(page, 'Generator', JUDGE)
  await write(page, 'Second generator – optional', JUDGE)
  await expect(page.getByText('The same model: not a comparison')).toBeVisible()
  await write(page, 'Second generator – optional', '')
  await next(page)
  await write(page, 'Judge', JUDGE)
  await next(page)
  await write(page, 'Dataset', 's3://evals/in/dev1-eval.jsonl')
  await write(page, 'Results', 's3://evals/out/')
  await next(page)
  await page.getByRole('button', { name: 'Create evaluation' }).click()
  await expect(page.getByText('are the same model, `smollm2-135m-instruct`').first()).toBeVisible()
})

test('settings of a knowledge base are tried, and one is recommended', async ({ signedIn: page, craton }) => {
  const { evaluations } = craton.mock!.state
  await page.goto(`${craton.url}/console/evaluations?create=details&base=KBRENTAL01`)
  await page.getByLabel('Evaluation name').fill('x'.repeat(36))
  await next(page)
  await write(page, 'Generator', JUDGE)
  await page.getByText('Try several settings').click()
  await expect(page.getByText('the name of the evaluation has at most 35 characters')).toBeVisible()
  await page.getByRole('button', { name: 'Previous', exact: true }).click()
  await page.getByLabel('Evaluation name').fill('depth')
  await next(page)
  await page.getByLabel('Numbers of results').fill('3, 10')
  await expect(page.getByText('4 settings, a job each')).toBeVisible()
  await page.getByText('By meaning alone.').click()
  await expect(page.getByText('2 settings, a job each')).toBeVisible()
  await next(page)
  await write(page, 'Judge', 'anthropic.claude-3-haiku-20240307-v1:0')
  await expect(page.getByTestId('passport-state')).toContainText('Uncalibrated: how far it agrees with people is not known')
  await next(page)
  await write(page, 'Dataset', 's3://evals/in/dev1-eval.jsonl')
  await write(page, 'Results', 's3://evals/out/')
  await next(page)
  await expect(page.getByRole('group', { name: 'Code for craton' })).toContainText('craton eval sweep depth')
  await page.getByRole('button', { name: 'Create 2 evaluations' }).click()
  await expect(page.getByRole('heading', { level: 1, name: 'Compare evaluations' })).toBeVisible()
  await expect(page.getByText('They are compared once all have ended.')).toBeVisible()
  const [other, first] = evaluations.jobs
  expect([first!.details.jobName, other!.details.jobName]).toEqual(['depth-hybrid-3', 'depth-hybrid-10'])
  const records = evaluations.jobs.find(({ id }) => id === HYBRID)!.records
  const worse = evaluations.jobs.find(({ id }) => id === SEMANTIC)!.records
  for (const [job, rows] of [
    [first!, worse],
    [other!, records],
  ] as const) {
    Object.assign(job, { records: rows, total: 480, done: 60, ended: '2026-05-04T10:05:00Z' })
    Object.assign(job.details, { status: 'Completed' })
  }
  await expect(page.getByTestId('recommendation')).toContainText('depth-hybrid-10 has the best mean of Correctness.')
  await expect(page.getByRole('table', { name: 'Means' })).toContainText('Correctness')
})

test('prompts are tried beside the settings of a search, and all are looked at before a job starts', async ({ signedIn: page, craton }) => {
  const { evaluations } = craton.mock!.state
  await page.goto(`${craton.url}/console/evaluations?create=details&base=KBRENTAL01`)
  await page.getByLabel('Evaluation name').fill('words')
  await next(page)
  await write(page, 'Generator', JUDGE)
  await expect(page.getByRole('button', { name: 'Add prompt template' })).toHaveCount(0)
  await page.getByText('Try several settings').click()
  await page.getByLabel('Numbers of results').fill('5')
  await page.getByText('By meaning alone.').click()
  await expect(page.getByText('1 setting, a job each')).toBeVisible()
  const add = page.getByRole('button', { name: 'Add prompt template' })
  await add.click()
  await add.click()
  const second = page.getByRole('group', { name: 'Prompt template 2' })
  await second.getByLabel('Template name').fill('prompt-1.txt')
  await expect(second.getByText('Another template has this name')).toBeVisible()
  await second.getByLabel('Template name').fill('strict.txt')
  await second.getByLabel('Template', { exact: true }).fill('Say yes or no.')
  await expect(second.getByText('Say where the passages belong')).toBeVisible()
  await next(page)
  await expect(page.getByRole('heading', { level: 2, name: 'Prompt templates' })).toBeVisible()
  await second.getByLabel('Template', { exact: true }).fill('$search_results$ Say yes or no.')
  await expect(page.getByText('2 settings, a job each')).toBeVisible()
  await next(page)
  await judgeDev1(page)
  await expect(page.getByText('prompt2 strict.txt')).toBeVisible()
  await expect(page.getByRole('group', { name: 'Code for craton' })).toContainText('--prompts prompt-1.txt,strict.txt')
  await page.getByRole('button', { name: 'Create 2 evaluations' }).click()
  await expect(page.getByRole('heading', { level: 1, name: 'Compare evaluations' })).toBeVisible()
  const asked = evaluations.received.filter(({ operation }) => operation === 'CreateEvaluation').map(({ body }) => body)
  const withPrompt = (text: unknown) => ({
    ragConfigs: [{ knowledgeBaseConfig: { retrieveAndGenerateConfig: { knowledgeBaseConfiguration: { generationConfiguration: { promptTemplate: { textPromptTemplate: text } } } } } }],
  })
  expect(asked).toMatchObject([
    { jobName: 'words-hybrid-5-prompt1', inferenceConfig: withPrompt(expect.stringContaining('$output_format_instructions$')) },
    { jobName: 'words-hybrid-5-prompt2', inferenceConfig: withPrompt('$search_results$ Say yes or no.') },
  ])
})

test('a job is followed metric by metric, and its card comes as it is judged', async ({ signedIn: page, craton }) => {
  const job = craton.mock!.state.evaluations.jobs.find(({ id }) => id === RUNNING)!
  await page.goto(`${craton.url}/console/evaluations?job=${RUNNING}`)
  await expect(page.getByTestId('progress')).toContainText('36 of 96 answers and scores, about 3 min 32 s left')
  const bars = page.getByRole('group', { name: 'Progress by metric' })
  await expect(bars.getByText('Answers', { exact: true })).toBeVisible()
  await expect(bars).toContainText('9 done')
  await expect(page.getByText('It goes on: the figures are those of what was judged so far.')).toBeVisible()
  job.done = 20
  job.secondsLeft = 40
  await expect(page.getByTestId('progress')).toContainText('80 of 96 answers and scores, about 40 s left')
  Object.assign(job.details, { status: 'Completed' })
  Object.assign(job, { ended: '2026-05-04T10:05:00Z', secondsLeft: null })
  await expect(page.getByTestId('progress')).toHaveCount(0)
  await expect(page.getByText('It goes on')).toHaveCount(0)
  await expect(page.getByTestId('metric').first()).toContainText('24 scored')
})

test('a report card tells mean, interval, histogram, trust and warnings', async ({ signedIn: page, craton }) => {
  await openPage(page, 'Evaluations')
  await page.getByRole('link', { name: 'impressions-hybrid-10' }).click()
  const card = (name: string) => page.getByRole('region', { name, exact: true })
  await expect(card('Correctness')).toContainText(/95 %: 0\.\d\d to 0\.\d\d/)
  await expect(card('Correctness')).toContainText('Judge usable')
  await expect(card('Correctness')).toContainText('People would probably say 0.61 (0.52 to 0.70), by the expected score.')
  await expect(card('Correctness').getByRole('img', { name: /^Scores of Correctness: 0\.00: \d+, 0\.50: \d+, 1\.00: \d+/ })).toBeVisible()
  await expect(card('Completeness')).toContainText('Judge uncalibrated')
  await expect(card('Faithfulness')).toContainText('Judge not usable for this metric')
  await expect(page.getByText('A higher score is worse.')).toBeVisible()
  await expect(card('ROUGE-L')).toContainText('Computed: no judge is asked')
  await expect(card('tone')).toContainText('plain:')
  await expect(card('Correctness')).toContainText('1 failed')
  await expect(page.getByTestId('failure')).toContainText('1 of 60 prompts were not answered')
  const print = page.getByRole('link', { name: 'Report to print, opens in a new tab' })
  const [popup] = await Promise.all([page.waitForEvent('popup'), print.click()])
  await expect(popup.getByRole('heading', { name: 'impressions-hybrid-10' })).toBeVisible()
  await popup.close()
  await expect(page.getByRole('link', { name: 'Download the report as JSON' })).toHaveAttribute('href', /report\?format=json$/)

  await page.goto(`${craton.url}/console/evaluations?job=${SAME}`)
  await expect(page.getByText('are the same model, `smollm2-135m-instruct`: not a comparison.').first()).toBeVisible()
  // Each system has its own card, and the worst records are its own.
  await expect(page.getByRole('heading', { level: 2, name: 'smollm2-135m-instruct' })).toBeVisible()
  await expect(page.getByRole('link', { name: 'all records' })).toHaveCount(4)
  const worst = page.getByRole('region', { name: 'Correctness', exact: true }).nth(1).getByRole('link').nth(1)
  expect(await worst.getAttribute('href')).toMatch(/record=\d+\.1\.0\.1$/)
  await page.getByRole('tab', { name: 'Details' }).click()
  await expect(page.getByText('s3://evals/in/dev1-eval.jsonl')).toBeVisible()
  craton.mock!.state.evaluations.failures.set('GetEvaluationReport', { status: 503, code: 'Unavailable', message: 'The database is away.' })
  await page.goto(`${craton.url}/console/evaluations?job=${HYBRID}`)
  await expect(page.getByTestId('error')).toContainText('The database is away.')
})

test('a report card tells what a job cost where it was told prices', async ({ signedIn: page, craton }) => {
  const job = craton.mock!.state.evaluations.jobs.find(({ id }) => id === HYBRID)!
  await page.goto(`${craton.url}/console/evaluations?job=${HYBRID}`)
  await expect(page.getByText('Tokens of the judge')).toBeVisible()
  await expect(page.getByTestId('machine-cost')).toHaveCount(0)
  job.details.craton = { pricePerHour: 0.36, prices: [{ modelId: JUDGE, input: 0.8, output: 4 }] }
  await page.reload()
  await expect(page.getByTestId('machine-cost')).toHaveText('The machine cost 0.0300: 5 min at 0.36 an hour.')
  await expect(page.getByText(`Cost of ${JUDGE}`)).toBeVisible()
  // 60 turns of 640 tokens read and 22 written.
  await expect(page.getByText('0.0360', { exact: true })).toBeVisible()
})

test('records stand with the worst first, with what nothing supports marked', async ({ signedIn: page, craton }) => {
  await page.goto(`${craton.url}/console/evaluations?job=${HYBRID}`)
  await page.getByRole('region', { name: 'Correctness', exact: true }).getByRole('link', { name: 'all records' }).click()
  const table = page.getByRole('table', { name: 'Records' })
  const scores = async () => (await table.getByRole('row').locator('td:nth-child(2)').allInnerTexts()).map((text) => text.slice(0, 4))
  await expect(table.getByRole('row').nth(1)).toContainText('0.00')
  const shown = (await scores()).filter((text) => text !== 'fail')
  expect(shown).toEqual([...shown].sort())
  for (const column of ['Conversation input', 'Generation output', 'Retrieved sources', 'Ground truth']) await expect(table.getByRole('columnheader', { name: column })).toBeVisible()
  await page.getByRole('textbox', { name: 'Find records' }).or(page.getByRole('searchbox', { name: 'Find records' })).fill('14 mm')
  await expect(table.locator('mark.craton-unsupported').first()).toContainText('Nodule of')
  await expect(table.locator('mark.craton-objection').first()).toContainText('14 mm')
  await table.getByRole('link').first().click()
  await expect(page.getByRole('heading', { name: /^Record \d+/ })).toBeVisible()
  const answer = page.getByRole('group', { name: 'Generation output' })
  const mark = answer.locator('mark').first()
  await expect(mark).toContainText('Nodule of')
  await expect(answer).toContainText('Unsupported: Nodule of Objected to: 14 mma in the right upper lobe1')
  // Not by colour alone.
  expect(await mark.evaluate((element) => getComputedStyle(element).textDecorationLine)).toBe('underline')
  await expect(page.getByRole('list', { name: 'What no passage supports' })).toContainText('no passage has 14')
  await expect(page.getByTestId('score').first()).toContainText('which stands nowhere in the passages')
  await expect(page.getByRole('region', { name: 'Clinical consistency' })).toContainText('The findings do not tell 14 mm.')
  await expect(page.getByRole('list', { name: 'What rules object to' })).toContainText('number: “14 mm”')
  await expect(page.getByText('s3://rental-policies/radiology/').first()).toBeVisible()
  const heading = await page.getByRole('heading', { name: /^Record \d+/ }).innerText()
  await page.getByRole('button', { name: 'The next record' }).click()
  await expect(page.getByRole('heading', { name: heading })).toHaveCount(0)
  await page.getByRole('button', { name: 'All records' }).click()
  await expect(table).toBeVisible()

  await page.goto(`${craton.url}/console/evaluations?job=${PASSAGES}&tab=records`)
  await expect(page.getByText('No answer: it only retrieves').first()).toBeVisible()
  craton.mock!.state.evaluations.failures.set('ListEvaluationRecords', { status: 400, code: 'Invalid', message: 'The evaluation job has no metric `Builtin.Nothing`.' })
  await page.goto(`${craton.url}/console/evaluations?job=${HYBRID}&tab=records&metric=Builtin.Nothing`)
  await expect(page.getByTestId('error')).toContainText('has no metric')
})

test('jobs are compared, paired record by record', async ({ signedIn: page, craton }) => {
  await openPage(page, 'Evaluations')
  await page.getByRole('checkbox', { name: 'Choose impressions-hybrid-10' }).click()
  await expect(page.getByRole('button', { name: 'Compare', exact: true })).toBeDisabled()
  await page.getByRole('checkbox', { name: 'Choose impressions-semantic-10' }).click()
  await page.getByRole('button', { name: 'Compare', exact: true }).click()
  const pairs = page.getByRole('table', { name: 'impressions-hybrid-10 and impressions-semantic-10' })
  const row = (name: string) => pairs.getByRole('row').filter({ hasText: name })
  await expect(pairs).toContainText('impressions-hybrid-10 is better')
  await expect(row('Refusal')).toContainText('Not distinguishable')
  await expect(row('tone')).toContainText('No records in common')
  await expect(row('Correctness').getByRole('img', { name: /^Difference in Correctness/ })).toBeVisible()
  await expect(page.getByTestId('recommendation')).toContainText('impressions-hybrid-10 has the best mean of Correctness')

  await page.goto(`${craton.url}/console/evaluations?job=${HYBRID}`)
  await page.getByRole('button', { name: 'Compare with…' }).click()
  await page.getByRole('dialog').getByRole('button', { name: /Evaluations/ }).click()
  await page.getByRole('option', { name: /passages-only/ }).click()
  await page.keyboard.press('Escape')
  await page.getByRole('dialog').getByRole('button', { name: 'Compare', exact: true }).click()
  await expect(page.getByText('They have no metric in common.')).toBeVisible()
  craton.mock!.state.evaluations.failures.set('CompareEvaluations', { status: 503, code: 'Unavailable', message: 'The database is away.' })
  await page.goto(`${craton.url}/console/evaluations?compare=${HYBRID},${SEMANTIC}`)
  await expect(page.getByTestId('error')).toContainText('The database is away.')
})

test('chunkings are tried as knowledge bases of their own, and tags are kept', async ({ signedIn: page, craton }) => {
  const { evaluations, knowledge } = craton.mock!.state
  knowledge.bases.push(base('KBCHUNKS02', 'rental-policies-by-sentence', 'ACTIVE'))
  await page.goto(`${craton.url}/console/evaluations?create=details&base=KBRENTAL01`)
  await page.getByLabel('Evaluation name').fill('chunks')
  await page.getByRole('button', { name: 'Add tag' }).click()
  await next(page)
  await expect(page.getByText('A tag needs a key')).toBeVisible()
  await page.getByLabel('Key of tag 1').fill('team')
  await page.getByLabel('Value of tag 1').fill('chest')
  await next(page)
  await write(page, 'Generator', JUDGE)
  await page.getByLabel('Temperature – optional').fill('0.2')
  await page.getByText('Try several settings').click()
  await page.getByLabel('Numbers of results').fill('5')
  await page.getByText('By meaning alone.').click()
  await expect(page.getByText('1 setting, a job each')).toBeVisible()
  await page.getByLabel('Other knowledge bases – optional').click()
  await page.getByRole('option', { name: /rental-policies-by-sentence/ }).click()
  await page.keyboard.press('Escape')
  await expect(page.getByText('2 settings, a job each')).toBeVisible()
  await next(page)
  await judgeDev1(page)
  const command = page.getByRole('group', { name: 'Code for craton' })
  await expect(command).toContainText('--knowledge-bases KBRENTAL01,KBCHUNKS02')
  await expect(command).toContainText('--temperature 0.2')
  await expect(command).toContainText('--tag team=chest')
  await page.getByRole('button', { name: 'Create 2 evaluations' }).click()
  await expect(page.getByRole('heading', { level: 1, name: 'Compare evaluations' })).toBeVisible()
  const asked = evaluations.received.filter(({ operation }) => operation === 'CreateEvaluation').map(({ body }) => body)
  const tags = [{ key: 'team', value: 'chest' }]
  expect(asked).toMatchObject([
    { jobName: 'chunks-hybrid-5-base1', jobTags: tags },
    { jobName: 'chunks-hybrid-5-base2', jobTags: tags },
  ])
  const [one, other] = (asked as { inferenceConfig: { ragConfigs: { knowledgeBaseConfig: { retrieveAndGenerateConfig: { knowledgeBaseConfiguration: { knowledgeBaseId: string; generationConfiguration: unknown } } } }[] } }[]).map(
    ({ inferenceConfig }) => inferenceConfig.ragConfigs[0]!.knowledgeBaseConfig.retrieveAndGenerateConfig.knowledgeBaseConfiguration,
  )
  expect([one!.knowledgeBaseId, other!.knowledgeBaseId]).toEqual(['KBRENTAL01', 'KBCHUNKS02'])
  expect(one!.generationConfiguration).toEqual({ kbInferenceConfig: { textInferenceConfig: { temperature: 0.2 } } })
  await page.goto(`${craton.url}/console/evaluations?job=${evaluations.jobs[0]!.id}&tab=details`)
  await expect(page.getByText('team = chest')).toBeVisible()
})

test('a dataset is checked, a judge asked several times, and similarity computed', async ({ signedIn: page, craton }) => {
  const { evaluations } = craton.mock!.state
  await page.goto(`${craton.url}/console/evaluations?create=details`)
  await page.getByLabel('Evaluation name').fill('asked-again')
  await page.getByText('Answers of one model, or of two to compare.').click()
  await next(page)
  await write(page, 'Generator', 'smollm2-135m-instruct')
  await next(page)
  await write(page, 'Judge', JUDGE)
  await page.getByRole('button', { name: /^Askings/ }).click()
  await page.getByRole('option', { name: '4 times' }).click()
  await expect(page.getByLabel('Embedding model – optional', { exact: true })).toHaveCount(0)
  await page.getByRole('group', { name: 'Overlap with the reference' }).getByLabel('Embedding similarity').check()
  await write(page, 'Embedding model – optional', 'all-minilm-l6-v2')
  await next(page)
  await expect(page.getByRole('button', { name: 'Check the dataset' })).toBeDisabled()
  await write(page, 'Dataset', 's3://evals/in/dev1-eval.jsonl')
  evaluations.check = {
    records: 61,
    problems: [
      { line: 3, message: 'Line 3 of the dataset has no reference answer, which the metric `Craton.EmbeddingSimilarity` needs.' },
      { line: null, message: 'The dataset has one record twice.' },
    ],
  }
  await page.getByRole('button', { name: 'Check the dataset' }).click()
  await expect(page.getByText('61 records, and 2 problems')).toBeVisible()
  await expect(page.getByRole('list', { name: 'Problems of the dataset' })).toContainText('Line 3 of the dataset has no reference answer')
  expect(evaluations.received.find(({ operation }) => operation === 'CheckEvaluationDataset')?.body).toEqual({
    kind: 'model',
    ownResponses: false,
    judge: JUDGE,
    metricNames: ['Builtin.Correctness', 'Builtin.Completeness', 'Builtin.Helpfulness', 'Builtin.Coherence', 'Builtin.Faithfulness', 'Craton.EmbeddingSimilarity'],
    s3Uri: 's3://evals/in/dev1-eval.jsonl',
    unlimited: true,
  })
  // What was found belongs to what was asked.
  await write(page, 'Dataset', 's3://evals/in/dev2-eval.jsonl')
  await expect(page.getByTestId('dataset-check')).toHaveCount(0)
  evaluations.failures.set('CheckEvaluationDataset', { status: 400, code: 'Invalid', message: 'There is no dataset at `s3://evals/in/dev2-eval.jsonl`.' })
  await page.getByRole('button', { name: 'Check the dataset' }).click()
  await expect(page.getByTestId('error')).toContainText('There is no dataset at')
  evaluations.failures.clear()
  evaluations.check = { records: 60, problems: [] }
  await page.getByRole('button', { name: 'Check the dataset' }).click()
  await expect(page.getByTestId('dataset-check')).toContainText('60 records: the job can read all of them.')
  await write(page, 'Results', 's3://evals/out/')
  await next(page)
  await expect(page.getByText('4 times, in other words each time')).toBeVisible()
  const command = page.getByRole('group', { name: 'Code for craton' })
  await expect(command).toContainText('--askings 4')
  await expect(command).toContainText('--embedding-model all-minilm-l6-v2')
  await page.getByRole('button', { name: 'Create evaluation' }).click()
  await expect(page.getByRole('heading', { level: 1, name: 'asked-again' })).toBeVisible()
  expect(evaluations.received.find(({ operation }) => operation === 'CreateEvaluation')?.body).toMatchObject({ craton: { askings: 4, embeddingModelId: 'all-minilm-l6-v2' } })

  await page.goto(`${craton.url}/console/evaluations?job=${SEMANTIC}`)
  const card = page.getByRole('region', { name: 'Correctness', exact: true })
  await expect(card).toContainText('Asked 4 times: the same label in 82 %, expected scores within ±0.06, −0.04 (−0.07 to −0.01) more where the labels are listed from the highest down.')
  await expect(page.getByText('71 % of what reads task + ground truth + response (its prompts allow 78 %)')).toBeVisible()
  await page.getByRole('tab', { name: 'Details' }).click()
  await expect(page.getByText('4 times, in other words each time')).toBeVisible()
  await page.goto(`${craton.url}/console/evaluations?job=${SEMANTIC}&tab=records&metric=Builtin.Correctness`)
  await page.getByRole('button', { name: /^Show/ }).click()
  await page.getByRole('option', { name: 'With verdicts that change with the wording' }).click()
  await page.getByRole('table', { name: 'Records' }).getByRole('link').first().click()
  await expect(page.getByText('the same label in 3 of 4 askings (expected ±0.11)').first()).toBeVisible()
})

test('everything is done on a phone, too', async ({ page, craton }) => {
  await page.setViewportSize({ width: 390, height: 844 })
  await signIn(page, craton, `/evaluations?job=${HYBRID}`)
  await page.getByRole('region', { name: 'Correctness', exact: true }).getByRole('link', { name: 'all records' }).click()
  await page.getByRole('table', { name: 'Records' }).getByRole('link').first().click()
  await expect(page.getByRole('group', { name: 'Generation output' })).toBeVisible()
  await page.goto(`${craton.url}/console/evaluations?create=details`)
  await page.getByLabel('Evaluation name').fill('on-a-phone')
  await next(page)
  await page.getByLabel('Knowledge base', { exact: true }).click()
  await page.getByRole('option', { name: /rental-policies/ }).click()
  await write(page, 'Generator', JUDGE)
  await next(page)
  await write(page, 'Judge', 'smollm2-135m-instruct')
  await next(page)
  await write(page, 'Dataset', 's3://evals/in/dev1-eval.jsonl')
  await write(page, 'Results', 's3://evals/out/')
  await next(page)
  await page.getByRole('button', { name: 'Create evaluation' }).click()
  await expect(page.getByRole('heading', { level: 1, name: 'on-a-phone' })).toBeVisible()
})
