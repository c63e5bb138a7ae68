import type { Page } from '@playwright/test'
import { BASE, CUSTOM, SOURCE } from '../mock/knowledgeState.ts'
import { expect, openPage, signIn, test } from './fixtures.ts'

test.beforeEach(({ craton }) => test.skip(!craton.mock, 'made-up knowledge bases'))

const LATE = 'How late may a car be returned without a charge?'
const next = (page: Page) => page.getByRole('button', { name: 'Next', exact: true }).click()
const question = (page: Page) => page.getByRole('textbox', { name: 'Prompt', exact: true })

async function ask(page: Page, text: string): Promise<void> {
  await question(page).fill(text)
  await page.getByRole('button', { name: 'Send' }).click()
}

/** Chooses, and goes on when the choice is seen. */
async function choose(page: Page, field: string, option: string | RegExp): Promise<void> {
  const select = page.getByLabel(field, { exact: true }).first()
  await select.click()
  await page.getByRole('option', { name: option }).filter({ visible: true }).first().click()
  await expect(select).toContainText(option)
}

test('a knowledge base is made of a bucket, synced and asked', async ({ signedIn: page, craton }) => {
  const { knowledge } = craton.mock!.state
  await openPage(page, 'Knowledge bases')
  await page.getByRole('button', { name: 'Create knowledge base' }).click()
  await expect(page.getByRole('heading', { name: 'Provide knowledge base details' }).first()).toBeVisible()
  await page.getByLabel('Knowledge base name').fill('handbook')
  await page.getByLabel('Service role name').fill('AmazonBedrockExecutionRoleForKnowledgeBase_hand1')
  await next(page)
  await page.getByLabel('Data source name').fill('handbook-files')
  await page.getByLabel('S3 URI').fill('s3://rental-policies/current/')
  await page.keyboard.press('Escape')
  await page.getByText('Fixed-size chunking').click()
  await page.getByLabel('Max tokens').fill('200')
  await next(page)
  await choose(page, 'Embedding model', /titan-embed-text-v2/)
  await next(page)
  await expect(page.getByText('Fixed size: 200 tokens, 20 % overlap')).toBeVisible()
  await expect(page.getByRole('group', { name: 'Code for craton' })).toContainText('--chunking fixed')
  await expect(page.getByRole('group', { name: 'Code for craton' })).toContainText('--chunk-tokens 200')
  await page.getByRole('tab', { name: 'AWS CLI' }).click()
  await expect(page.getByRole('group', { name: 'Code for AWS CLI' })).toContainText('aws bedrock-agent create-knowledge-base')
  await page.getByRole('button', { name: 'Create knowledge base' }).click()

  await expect(page.getByRole('heading', { level: 1, name: /^Sync of/ })).toBeVisible()
  const made = (operation: string) => knowledge.received.find((one) => one.operation === operation)?.body
  expect(made('CreateKnowledgeBase')).toEqual({
    name: 'handbook',
    roleArn: 'arn:aws:iam::111122223333:role/AmazonBedrockExecutionRoleForKnowledgeBase_hand1',
    knowledgeBaseConfiguration: {
      type: 'VECTOR',
      vectorKnowledgeBaseConfiguration: { embeddingModelArn: 'arn:aws:bedrock:us-east-1::foundation-model/amazon.titan-embed-text-v2:0' },
    },
    clientToken: expect.stringMatching(/^[0-9a-f-]{36}$/),
  })
  expect(made('CreateDataSource')).toMatchObject({
    name: 'handbook-files',
    dataSourceConfiguration: { type: 'S3', s3Configuration: { bucketArn: 'arn:aws:s3:::rental-policies', inclusionPrefixes: ['current/'] } },
    dataDeletionPolicy: 'DELETE',
    vectorIngestionConfiguration: { chunkingConfiguration: { fixedSizeChunkingConfiguration: { maxTokens: 200, overlapPercentage: 20 } } },
  })
  expect(knowledge.rolePolicies.map(({ role, name }) => [role, name])).toEqual([
    ['AmazonBedrockExecutionRoleForKnowledgeBase_hand1', 'EmbeddingModel'],
    ['AmazonBedrockExecutionRoleForKnowledgeBase_hand1', 'Read-handbook-files'],
  ])
  // The bucket is encrypted under a customer's key.
  expect(knowledge.rolePolicies[1]!.document).toContain('kms:Decrypt')

  const statistics = page.getByTestId('statistics')
  await expect(statistics).toContainText('Documents scanned12')
  const running = knowledge.jobs[0]!
  Object.assign(running.statistics!, { numberOfNewDocumentsIndexed: 12 })
  Object.assign(running, { status: 'COMPLETE', updatedAt: new Date().toISOString() })
  await expect(page.getByText('12 new of 12 scanned.').first()).toBeVisible()
  await page.getByRole('button', { name: 'Test knowledge base' }).click()
  await expect(page.getByRole('heading', { level: 1, name: 'Test handbook' })).toBeVisible()
})

test('what is wrong with a new knowledge base is told step by step', async ({ signedIn: page, craton }) => {
  await openPage(page, 'Knowledge bases')
  await page.getByRole('button', { name: 'Create knowledge base' }).click()
  await page.getByLabel('Knowledge base name').fill('two words')
  await next(page)
  await expect(page.getByText('At most 100 letters and digits, with single - or _ between them')).toBeVisible()
  await page.getByLabel('Knowledge base name').fill('handbook')
  await page.getByText('Use an existing service role').click()
  await next(page)
  await expect(page.getByText('The ARN of a role: arn:aws:iam::ACCOUNT:role/NAME')).toBeVisible()
  await page.getByText('Create and use a new service role').click()
  await next(page)
  await next(page)
  await expect(page.getByText('A bucket, or a folder in one: s3://BUCKET/PREFIX/')).toBeVisible()
  await page.getByLabel('S3 URI').fill('s3://rental-policies/')
  await page.keyboard.press('Escape')
  await page.getByText('Hierarchical chunking').click()
  await page.getByLabel('Max child token size').fill('9999')
  await next(page)
  await expect(page.getByText('A whole number from 1 to 8,192')).toBeVisible()
  await page.getByText('Default chunking').click()
  await next(page)
  await next(page)
  await expect(page.getByText('Choose an embedding model')).toBeVisible()
  expect(craton.mock!.state.knowledge.received.map(({ operation }) => operation)).not.toContain('CreateKnowledgeBase')
})

test('what failed in the middle is not made twice', async ({ signedIn: page, craton }) => {
  const { knowledge, endpoints } = craton.mock!.state
  knowledge.failures.set('CreateDataSource', { status: 400, code: 'ValidationException', message: 'The bucket `rental-policies` is in another region.' })
  await page.goto(`${craton.url}/console/knowledge-bases?create=details&uri=${encodeURIComponent('s3://rental-policies/current/')}`)
  await page.getByLabel('Knowledge base name').fill('handbook')
  await next(page)
  await expect(page.getByLabel('S3 URI')).toHaveValue('s3://rental-policies/current/')
  await next(page)
  await choose(page, 'Embedding model', /titan-embed-text-v2/)
  await next(page)
  await page.getByText('Sync the data source at once').click()
  await page.getByRole('button', { name: 'Create knowledge base' }).click()
  await expect(page.getByText('The knowledge base was created, its data source was not')).toBeVisible()
  await expect(page.getByTestId('error')).toContainText('is in another region')
  knowledge.failures.clear()
  await page.getByRole('button', { name: 'Create knowledge base' }).click()
  await expect(page.getByRole('heading', { level: 1, name: 'handbook' })).toBeVisible()
  expect(knowledge.received.filter(({ operation }) => operation === 'CreateKnowledgeBase')).toHaveLength(1)
  expect(endpoints.roles.filter((role) => role.startsWith('AmazonBedrockExecutionRoleForKnowledgeBase_'))).toHaveLength(1)
  await expect(page.getByRole('table', { name: 'Data sources' })).toContainText('Never synced')
})

test('a sync is started, watched and stopped, and its history tells what each did', async ({ signedIn: page, craton }) => {
  const { knowledge } = craton.mock!.state
  await openPage(page, 'Knowledge bases')
  await page.getByRole('link', { name: 'rental-policies' }).click()
  const sources = page.getByRole('table', { name: 'Data sources' })
  await expect(sources.getByRole('row').filter({ hasText: 'policies' }).first()).toContainText('s3://rental-policies/current/')
  await page.getByRole('button', { name: 'Sync policies' }).click()
  await expect(page.getByRole('heading', { level: 1, name: /^Sync of/ })).toBeVisible()
  await expect(page.getByText('In progress')).toBeVisible()
  await page.getByRole('button', { name: 'Stop' }).click()
  await expect(page.getByText('It was stopped. What it had indexed until then stays')).toBeVisible()

  await page.getByRole('link', { name: 'policies', exact: true }).click()
  await page.getByRole('tab', { name: 'Sync history' }).click()
  const history = page.getByRole('table', { name: 'Sync history' })
  await expect(history.getByRole('row')).toHaveCount(4)
  await expect(history.getByRole('row').nth(1)).toContainText('Stopped')
  // Each sync tells what failed in it, also where later ones did otherwise.
  await history.getByRole('row').filter({ hasText: '2026-05-04 08:00:00' }).getByRole('link', { name: '1', exact: true }).click()
  const failed = page.getByRole('table', { name: 'Documents that failed' })
  await expect(failed.getByRole('row').nth(1)).toContainText('The PDF has no text: it may be a scan')
  await expect(page.getByText('21 s')).toBeVisible()
  await failed.getByRole('link', { name: 's3://rental-policies/current/fleet/inspection-scan-2019.pdf' }).click()
  await expect(page.getByTestId('reason')).toContainText('The PDF has no text')
  await page.goBack()
  await expect(failed).toBeVisible()
  const many = { numberOfDocumentsFailed: 103 }
  Object.assign(knowledge.jobs.find(({ ingestionJobId }) => ingestionJobId === 'JOB0000002')!.statistics!, many)
  await page.reload()
  await expect(page.getByText('And 102 more, whose reasons this sync does not tell.')).toBeVisible()

  knowledge.failures.set('StartIngestionJob', { status: 409, code: 'ConflictException', message: 'An ingestion job of the data source is in progress.' })
  await page.getByRole('link', { name: 'policies', exact: true }).click()
  await page.getByRole('button', { name: 'Sync', exact: true }).click()
  await expect(page.getByTestId('error')).toContainText('ConflictException')
})

test('every document tells what became of it, who may read it, and how it was cut', async ({ page, craton }) => {
  await signIn(page, craton, `/knowledge-bases?kb=${BASE}&source=${SOURCE}`)
  const documents = page.getByRole('table', { name: 'Documents' })
  const row = (name: string) => documents.getByRole('row').filter({ hasText: name })
  await expect(row('inspection-scan-2019.pdf')).toContainText('pictures of text are not read yet')
  await expect(row('fees-2026.csv')).toContainText('Metadata not updated')
  await row('inspection-scan-2019.pdf').getByRole('link').click()
  await expect(page.getByTestId('reason')).toContainText('The PDF has no text')
  await expect(page.getByRole('heading', { name: 'Chunks' })).toHaveCount(0)

  await page.getByRole('link', { name: 'policies', exact: true }).click()
  await row('parental-leave.docx').getByRole('link').click()
  const acl = page.getByTestId('acl')
  for (const name of ['dora', 'hr', 'ben']) await expect(acl).toContainText(name)
  for (const [user, verdict] of [
    ['ana', 'ana may read it'],
    ['ben', 'ben may not read it'],
  ] as const) {
    await page.getByLabel('May this user read it?').fill(user)
    await page.getByRole('button', { name: 'Check' }).click()
    await expect(page.getByText(verdict)).toBeVisible()
  }

  await page.goto(`${craton.url}/console/knowledge-bases?kb=${BASE}&source=${SOURCE}&document=${encodeURIComponent('s3://rental-policies/current/fleet/damage-handling.pdf')}`)
  await expect(page.getByTestId('acl')).toContainText('Everybody who may ask')
  const chunks = page.getByRole('list', { name: 'Chunks' }).getByRole('button')
  const text = page.getByRole('region', { name: 'Text of the document' })
  await expect(chunks.first()).toContainText('page 1')
  await expect(chunks.nth(1)).toContainText('shared with the one before')
  const second = chunks.nth(1)
  await second.focus()
  await page.keyboard.press('Enter')
  await expect(second).toHaveAttribute('aria-pressed', 'true')
  // What it shares with its neighbours belongs to it too.
  const chosen = text.locator('[data-chosen="true"]')
  await expect(chosen.first()).toHaveText(/^Every car is inspected/)
  await expect(chosen.last()).toHaveText(/^Scratches shorter/)
  await expect(text.locator('[data-shade="both"]').first()).toBeVisible()
  await text.getByText('A repair of up to €400').click()
  await expect(page.locator('.craton-chunk[aria-pressed="true"]')).toContainText('page 2')
})

test('an answer is quoted, cited to the character, and what is pointed at is marked on both sides', async ({ page, craton }) => {
  await signIn(page, craton, `/knowledge-bases?kb=${BASE}&test=1`)
  await ask(page, LATE)
  const answer = page.getByTestId('answer')
  await expect(answer).toContainText('A car may be returned up to 59 minutes late without a charge.')
  const passages = page.getByRole('list', { name: 'Passages' }).getByRole('article')
  await expect(passages).toHaveCount(5)
  const mark = answer.getByRole('button', { name: /^Supported by passage 1/ }).first()
  await mark.focus()
  await expect(answer.locator('.craton-cited[data-pointed="true"]')).toHaveText('A car may be returned up to 59 minutes late without a charge.')
  await expect(passages.first().locator('.craton-cited[data-pointed="true"]')).toHaveText('A car may be returned up to 59 minutes late without a charge.')
  await expect(passages.first()).toHaveAttribute('data-pointed', 'true')
  await mark.blur()
  await expect(page.locator('[data-pointed="true"]')).toHaveCount(0)
  await passages.first().locator('.craton-cited').hover()
  await expect(answer.locator('.craton-cited[data-pointed="true"]')).toHaveCount(1)

  await expect(page.getByTestId('summary')).toContainText(/Hybrid search · \d+ passages that you may read/)
  await passages.first().getByRole('button', { name: 'Why it is here' }).click()
  const ranks = passages.first().getByRole('table', { name: 'Ranks' })
  await expect(ranks.getByRole('row').filter({ hasText: 'By words' })).toContainText('BM25')
  await expect(ranks.getByRole('row').filter({ hasText: 'By meaning' })).toContainText('cosine')
  await expect(passages.first().getByRole('table', { name: 'Words' })).toContainText('charge')
  await expect(passages.first().locator('mark').filter({ hasText: 'charge' }).first()).toBeVisible()

  await passages.first().getByRole('link', { name: 'late-returns.md' }).click()
  await expect(page.locator('.craton-chunk[aria-pressed="true"]')).toHaveCount(1)
  await expect(page.getByRole('region', { name: 'Text of the document' }).locator('[data-chosen="true"]').first()).toBeVisible()
})

test('a model answers in a session, and says so where it is another than was asked', async ({ page, craton }) => {
  const { knowledge } = craton.mock!.state
  await signIn(page, craton, `/knowledge-bases?kb=${BASE}&test=1`)
  await page.getByText('A model answers out of the passages').click()
  await page.getByLabel('Model', { exact: true }).click()
  await page.getByPlaceholder('Find a model or an AWS id').fill('claude-3-haiku')
  await page.getByRole('option', { name: /claude-3-haiku/ }).filter({ visible: true }).first().click()
  await ask(page, LATE)
  await expect(page.getByTestId('answer')).toContainText('59 minutes late')
  await expect(page.getByText('answered by smollm2-135m-instruct, a substitute')).toBeVisible()
  await ask(page, 'And what does a lost key cost?')
  await expect(page.getByTestId('answer')).toHaveCount(2)
  await expect(page.getByTestId('answer').nth(1)).toContainText('€180')
  const bodies = knowledge.received.filter(({ operation }) => operation === 'RetrieveAndGenerateStream').map(({ body }) => body)
  expect(bodies.map((body) => body['sessionId'])).toEqual([undefined, 'session-0001'])
  await page.getByRole('button', { name: 'Show 5 passages' }).click()
  await expect(page.getByRole('article', { name: 'Passage 1, late-returns.md' }).first()).toBeVisible()

  // As a whole it comes with the sentences that support it.
  await page.getByRole('button', { name: 'Start over' }).click()
  await page.getByText('Show it as it is written').click()
  await ask(page, LATE)
  await page.getByTestId('answer').getByRole('button', { name: /^Supported by passage 1/ }).first().focus()
  await expect(page.getByRole('list', { name: 'Passages' }).locator('.craton-cited[data-pointed="true"]').first()).toHaveText(
    'A car may be returned up to 59 minutes late without a charge.',
  )
  expect(knowledge.received.filter(({ operation }) => operation === 'Ask').at(-1)?.body).toMatchObject({ mode: 'generate', modelId: expect.stringContaining('claude-3-haiku') })
  await page.getByText('Show it as it is written').click()
  await page.getByRole('button', { name: 'Start over' }).click()
  knowledge.wordMs = 400
  await ask(page, LATE)
  await expect(page.getByTestId('answer')).toBeVisible()
  await page.getByRole('button', { name: 'Stop' }).click()
  await expect(page.getByText('stopped by you')).toBeVisible()
  expect(knowledge.received.filter(({ operation }) => operation === 'RetrieveAndGenerateStream').at(-1)?.body['sessionId']).toBeUndefined()
  knowledge.wordMs = 5
  knowledge.failures.set('midstream', { status: 200, code: 'throttlingException', message: 'Too many requests of the account.' })
  await ask(page, LATE)
  await expect(page.getByTestId('error')).toContainText('ThrottlingException')
})

test('only what a reader may see is found, and a filter narrows it', async ({ page, craton }) => {
  const { knowledge } = craton.mock!.state
  await signIn(page, craton, `/knowledge-bases?kb=${BASE}&test=1`)
  await page.getByText('The passages alone, best first.').click()
  const leave = 'How many weeks of parental leave are there?'
  const passages = page.getByRole('list', { name: 'Passages' })
  await page.getByLabel('Ask as').fill('ana')
  await page.keyboard.press('Escape')
  await ask(page, leave)
  await expect(passages.getByRole('link', { name: 'parental-leave.docx' }).first()).toBeVisible()
  const seen = await page.getByTestId('summary').textContent()

  // Taken out of the group, the next question finds nothing of it.
  knowledge.groups['ana'] = []
  await page.getByRole('button', { name: 'Start over' }).click()
  await ask(page, leave)
  await expect(page.getByTestId('summary')).toContainText('passages that ana may read')
  await expect(passages.getByRole('link', { name: 'parental-leave.docx' })).toHaveCount(0)
  expect(await page.getByTestId('summary').textContent()).not.toBe(seen)

  await page.getByRole('button', { name: 'Start over' }).click()
  await page.getByRole('button', { name: 'Add condition' }).click()
  await page.getByLabel('Attribute of condition 1').fill('department')
  await page.keyboard.press('Escape')
  await expect(page.getByText('A value', { exact: true })).toBeVisible()
  await page.getByLabel('Value of condition 1').fill('fleet')
  await page.getByRole('button', { name: 'Add condition' }).click()
  await page.getByLabel('Attribute of condition 2').fill('year')
  await page.keyboard.press('Escape')
  await choose(page, 'Operator of condition 2', 'is at least')
  await page.getByLabel('Value of condition 2').fill('2025')
  for (const [field, value] of [['Attribute of condition 1', 'department'], ['Value of condition 1', 'fleet'], ['Attribute of condition 2', 'year'], ['Value of condition 2', '2025']] as const) {
    await expect(page.getByLabel(field), field).toHaveValue(value)
  }
  await ask(page, 'Which form is used for damage?')
  await expect(page.getByTestId('summary')).toContainText('meet the filter')
  expect(knowledge.received.filter(({ operation }) => operation === 'Explain').at(-1)?.body['filter']).toEqual({
    andAll: [{ equals: { key: 'department', value: 'fleet' } }, { greaterThanOrEquals: { key: 'year', value: 2025 } }],
  })
  for (const name of await passages.getByRole('link').allTextContents()) expect(name).toBe('damage-handling.pdf')
  await page.getByText('Write it as JSON').click()
  const json = page.getByRole('textbox', { name: 'Filter as JSON' })
  await expect(json).toHaveValue(/"andAll"/)
  await json.fill('{"equals"')
  await expect(page.getByText(/This is not JSON/)).toBeVisible()
  await expect(page.getByRole('button', { name: 'View as code' })).toBeDisabled()
})

test('reranking, neighbours and near-duplicates are asked for, and what they change is told', async ({ page, craton }) => {
  const { knowledge } = craton.mock!.state
  const [returns] = knowledge.documents
  knowledge.documents.push({ ...returns!, name: `${returns!.name}.copy` })
  await signIn(page, craton, `/knowledge-bases?kb=${BASE}&test=1`)
  await page.getByText('The passages alone, best first.').click()
  const passages = page.getByRole('list', { name: 'Passages' }).getByRole('article')
  const effects = page.getByTestId('effect')
  await ask(page, LATE)
  await expect(passages.first()).toContainText('late-returns.md')
  await expect(effects).toHaveCount(0)
  const asked = () => knowledge.received.filter(({ operation }) => operation === 'Explain').map(({ body }) => body)
  expect(asked()).toHaveLength(1)
  const [first, last] = [await passages.first().textContent(), await passages.last().textContent()]
  const of = (text: string | null) => text!.split('score')[1]!.slice(0, 6).trim()

  // The mock server's reranker turns the order round.
  await page.getByRole('button', { name: 'Start over' }).click()
  await choose(page, 'Reranking model', /all-MiniLM-L6-v2/i)
  await ask(page, LATE)
  await expect(page.getByTestId('summary')).toContainText('reranked by all-minilm-l6-v2')
  await expect(effects.first()).toHaveText(`5th before reranking, with ${of(last)}`)
  await expect(effects.last()).toHaveText(`1st before reranking, with ${of(first)}`)
  await passages.first().getByRole('button', { name: 'Why it is here' }).click()
  await expect(passages.first()).toContainText(`Both together: ${of(last)}. The reranking model: 0.950.`)
  const models = asked().slice(1).map((body) => body['rerankingModelId'])
  expect(models.sort()).toEqual(['arn:aws:bedrock:us-east-1::foundation-model/all-minilm-l6-v2', undefined])

  await page.getByRole('button', { name: 'Start over' }).click()
  await choose(page, 'Reranking model', 'None')
  await page.getByLabel('Neighbours').fill('11')
  await expect(page.getByText('A whole number from 0 to 10')).toBeVisible()
  await page.getByLabel('Neighbours').fill('1')
  await page.getByText('Keep near-duplicates').click()
  await ask(page, LATE)
  await expect(effects.filter({ hasText: /^\d+ characters of its neighbours joined$/ }).first()).toBeVisible()
  await expect(effects.filter({ hasText: 'says nearly the same as a better one' }).first()).toBeVisible()
  await expect(page.getByTestId('summary')).toContainText('nearly the same as a better one')
  expect(asked()).toContainEqual(expect.objectContaining({ neighbours: 1, nearDuplicates: true }))
  await page.getByRole('button', { name: 'View as code' }).click()
  await expect(page.getByRole('dialog')).toContainText('--keep-duplicates')
  await page.keyboard.press('Escape')

  // AWS's stream knows neither, so that a model's answer comes as a whole.
  await page.getByText('A model answers out of the passages').click()
  await expect(page.getByLabel('Show it as it is written')).toBeDisabled()
  await ask(page, LATE)
  await expect(page.getByTestId('answer')).toBeVisible()
  expect(knowledge.received.filter(({ operation }) => operation === 'Ask').at(-1)?.body).toMatchObject({ mode: 'generate', neighbours: 1, nearDuplicates: true })
  expect(knowledge.received.some(({ operation }) => operation === 'RetrieveAndGenerateStream')).toBe(false)
})

test('nothing that supports an answer, and nothing that answers, are told apart', async ({ page, craton }) => {
  const { knowledge } = craton.mock!.state
  await signIn(page, craton, `/knowledge-bases?kb=${BASE}&test=1`)
  await ask(page, 'Quantum chromodynamics lattice?')
  await expect(page.getByText('Nothing that was found supports an answer.')).toBeVisible()
  knowledge.failures.set('Ask', { status: 403, code: 'Denied', message: 'You may not ask `rental-policies`: `bedrock:RetrieveAndGenerate` is not allowed.' })
  await ask(page, LATE)
  await expect(page.getByTestId('error')).toContainText('bedrock:RetrieveAndGenerate')
  knowledge.failures.set('Explain', { status: 503, code: 'Unavailable', message: 'The embedding model is gone.' })
  await ask(page, LATE)
  await expect(page.getByText('Could not retrieve')).toBeVisible()
})

test('documents are put in directly, replaced and taken out', async ({ page, craton }) => {
  await signIn(page, craton, `/knowledge-bases?kb=${BASE}&source=${CUSTOM}`)
  await expect(page.getByRole('tab', { name: 'Sync history' })).toHaveCount(0)
  await page.getByRole('button', { name: 'Add document' }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByLabel('Document ID').fill('winter-tyres')
  await dialog.getByLabel('Text').fill('Winter tyres are on every car from October to Easter.')
  await dialog.getByLabel(/^Readers/).fill('ana, dora')
  await dialog.getByRole('button', { name: 'Add' }).click()
  const row = page.getByRole('table', { name: 'Documents' }).getByRole('row').filter({ hasText: 'winter-tyres' })
  await expect(row).toContainText('Indexed')
  await row.getByRole('link').click()
  await expect(page.getByTestId('acl')).toContainText('dora')
  await page.getByRole('link', { name: 'notices', exact: true }).click()
  await page.getByRole('button', { name: 'Delete winter-tyres' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click()
  await expect(row).toHaveCount(0)
})

test('a source is added, and a knowledge base changed and deleted once `confirm` is typed', async ({ page, craton }) => {
  const { knowledge } = craton.mock!.state
  await signIn(page, craton, `/knowledge-bases?kb=${BASE}`)
  await page.getByRole('button', { name: 'Add', exact: true }).click()
  await page.getByLabel('Data source name').fill('more')
  await page.getByLabel('S3 URI').fill('s3://batches/notes/')
  await page.keyboard.press('Escape')
  await page.getByRole('button', { name: 'Add data source' }).click()
  await expect(page.getByRole('heading', { level: 1, name: 'more' })).toBeVisible()
  expect(knowledge.rolePolicies.map(({ name }) => name)).toEqual(['Read-more'])
  await page.getByRole('button', { name: 'Delete', exact: true }).click()
  await page.getByRole('dialog').getByLabel('To delete it, type confirm').fill('confirm')
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click()
  await expect(page.getByRole('heading', { level: 1, name: 'rental-policies' })).toBeVisible()

  await page.getByRole('button', { name: 'Edit', exact: true }).click()
  await page.getByRole('dialog').getByLabel('Description').fill('Rules of the house')
  await page.getByRole('dialog').getByRole('button', { name: 'Save' }).click()
  await expect(page.getByText('Rules of the house')).toBeVisible()

  knowledge.failures.set('DeleteKnowledgeBase', { status: 409, code: 'ConflictException', message: 'An ingestion job is in progress.' })
  await page.getByRole('button', { name: 'Delete', exact: true }).click()
  const dialog = page.getByRole('dialog')
  const remove = dialog.getByRole('button', { name: 'Delete' })
  await dialog.getByLabel('To delete it, type confirm').fill('Confirm')
  await expect(remove).toBeDisabled()
  await dialog.getByLabel('To delete it, type confirm').fill('confirm')
  await remove.click()
  await expect(dialog.getByTestId('error')).toContainText('An ingestion job is in progress.')
  knowledge.failures.clear()
  await remove.click()
  await expect(page.getByRole('heading', { level: 1, name: 'Knowledge bases' })).toBeVisible()
  await expect(page.getByRole('link', { name: 'rental-policies' })).toHaveCount(0)
})

test('failures and empty lists are told', async ({ page, craton }) => {
  const { knowledge } = craton.mock!.state
  await signIn(page, craton, '/knowledge-bases?kb=KBARCHIVE1')
  await expect(page.getByTestId('reasons')).toContainText('cannot be compared')
  await expect(page.getByRole('button', { name: 'Test knowledge base' })).toBeDisabled()
  await expect(page.getByText('No data sources')).toBeVisible()
  await page.goto(`${craton.url}/console/knowledge-bases?kb=KBNOTHERE0`)
  await expect(page.getByTestId('error')).toContainText('ResourceNotFoundException')
  knowledge.bases = []
  await page.goto(`${craton.url}/console/knowledge-bases`)
  await expect(page.getByText('No knowledge bases yet')).toBeVisible()
  await expect(page.getByText('craton kb create')).toBeVisible()
  knowledge.failures.set('ListKnowledgeBases', { status: 403, code: 'AccessDeniedException', message: 'You may not list knowledge bases.' })
  await page.reload()
  await expect(page.getByTestId('error')).toContainText('AccessDeniedException')
  knowledge.failures.clear()
  await page.getByRole('button', { name: 'Try again' }).click()
  await expect(page.getByText('No knowledge bases yet')).toBeVisible()
})
