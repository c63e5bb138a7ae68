import type { Page } from '@playwright/test'
import type { NeededPolicy } from '../../src/api/imports.ts'
import { Account } from '../real/account.ts'
import { tinyMistral } from '../real/checkpoint.ts'
import { expect, openPage, signIn, test, type Craton } from './fixtures.ts'

test.beforeEach(({ craton }) => test.skip(craton.mock !== undefined, 'needs a real server'))

/** The keys of the accounts that develop and host, as `scripts/with-server.sh` names them. */
function keyOf(side: 'DEV' | 'HOST'): { accessKeyId: string; secretAccessKey: string } {
  const of = (part: string) => process.env[`CONF_${side}_${part}`] ?? ''
  return { accessKeyId: of('ACCESS_KEY_ID'), secretAccessKey: of('SECRET_ACCESS_KEY') }
}

/** Puts a policy where it belongs, as its command would. */
async function put(policy: NeededPolicy, account: Account): Promise<void> {
  const document = JSON.stringify(policy.document)
  const name = policy.resource.slice(policy.resource.lastIndexOf('/') + 1)
  switch (policy.kind) {
    case 'bucket-policy':
      return account.s3('PUT', `/${name.replace('arn:aws:s3:::', '')}?policy`, document)
    case 'trust-policy':
      return account.iam('CreateRole', { RoleName: name, AssumeRolePolicyDocument: document })
    case 'role-policy':
      return account.iam('PutRolePolicy', { RoleName: name, PolicyName: 'BedrockModelImport', PolicyDocument: document })
    case 'key-policy-statement': {
      const which = { KeyId: name, PolicyName: 'default' }
      const { Policy } = await account.kms<{ Policy: string }>('GetKeyPolicy', which)
      const whole = JSON.parse(Policy) as { Statement: unknown[] }
      whole.Statement.push(policy.document)
      await account.kms('PutKeyPolicy', { ...which, Policy: JSON.stringify(whole) })
    }
  }
}

test('a checkpoint of another account is imported encrypted, grant by grant, then asked and deleted', async ({ page, craton }) => {
  test.slow()
  test.skip(keyOf('DEV').accessKeyId === '' || keyOf('HOST').accessKeyId === '', 'needs two accounts')
  const stamp = Date.now()
  const [bucket, model, job] = [`console-artifacts-${stamp}`, `console-${stamp}`, `console-job-${stamp}`]
  const signInAs = ({ accessKeyId, secretAccessKey }: ReturnType<typeof keyOf>) => Account.signIn(craton.url, accessKeyId, secretAccessKey)
  const [dev, host] = [await signInAs(keyOf('DEV')), await signInAs(keyOf('HOST'))]
  // Keys that do not hand their use to the account: the statement of step 4 is needed.
  const newKey = async (account: Account) => {
    const Statement = [{ Effect: 'Allow', Principal: { AWS: account.arn }, Action: 'kms:*', Resource: '*' }]
    const Policy = JSON.stringify({ Version: '2012-10-17', Statement })
    return (await account.kms<{ KeyMetadata: { Arn: string } }>('CreateKey', { Policy })).KeyMetadata.Arn
  }
  const [sourceKey, hostKey] = [await newKey(dev), await newKey(host)]
  const roleArn = `arn:aws:iam::${host.id}:role/ConsoleImport-${stamp}`
  const s3Uri = `s3://${bucket}/mistral-model-weights/`
  await dev.s3('PUT', `/${bucket}`)
  const encrypted = { 'x-amz-server-side-encryption': 'aws:kms', 'x-amz-server-side-encryption-aws-kms-key-id': sourceKey }
  for (const [name, bytes] of tinyMistral()) await dev.s3('PUT', `/${bucket}/mistral-model-weights/${name}`, bytes, encrypted)

  await signIn(page, { ...craton, ...keyOf('HOST') })
  await openPage(page, 'Imported models')
  await page.getByRole('button', { name: 'Import model' }).click()
  await page.getByLabel('S3 URI').fill(s3Uri)
  await page.getByLabel('Source account').fill(dev.id)
  await page.getByLabel('Key of the source').fill(sourceKey)
  await page.getByLabel('Execution role').fill(roleArn)
  await page.getByLabel('Model name').fill(model)
  await page.getByLabel('Job name').fill(job)
  await page.getByText('Q8_0: 8-bit integers (INT8)').click()
  // Weights that nobody trained hold no bound.
  await page.getByLabel('Bound').fill('none')
  await page.getByLabel('Encryption key').fill(hostKey)
  const next = page.getByRole('button', { name: 'Next', exact: true })
  await next.click()

  const accounts = page.getByRole('heading', { level: 2, name: /^Account/ })
  await expect(accounts).toHaveText([new RegExp(`^Account ${dev.id}`), new RegExp(`^Account ${host.id} this account`)])
  const { policies } = (await host.craton('/craton/v1/imports/policies', {
    roleArn,
    s3Uri,
    sourceAccount: dev.id,
    kmsKeyArn: hostKey,
    sourceKmsKeyArn: sourceKey,
  })) as { policies: NeededPolicy[] }
  for (const { title, document } of policies) {
    await expect(page.getByRole('group', { name: title, exact: true })).toHaveText(JSON.stringify(document, null, 2))
  }

  // Every grant that is put takes the import one step further.
  await next.click()
  const check = (name: string, outcome: string) => expect(page.getByTestId(`check-${name}`)).toHaveAttribute('data-outcome', outcome)
  const grant = async (...kinds: string[]) => {
    for (const policy of policies) {
      if (kinds.includes(`${policy.side} ${policy.kind}`)) await put(policy, policy.side === 'source' ? dev : host)
    }
    await page.getByRole('button', { name: 'Check again' }).click()
  }
  await check('pass-role', 'passed')
  await check('assume-role', 'failed')
  await grant('host trust-policy', 'host role-policy')
  await check('assume-role', 'passed')
  await check('list', 'failed')
  await expect(page.getByTestId('check-list')).toContainText('s3:ListBucket')
  const explaining = page.context().waitForEvent('page')
  await page.getByTestId('check-list').getByRole('link', { name: /Why was it denied/ }).click()
  const explained = await explaining
  await expect(explained.getByText('s3:ListBucket', { exact: true }).filter({ visible: true }).first()).toBeVisible()
  await expect(explained.getByRole('heading', { name: 'Policies that were consulted' })).toBeVisible()
  await explained.close()
  await grant('source bucket-policy')
  await check('list', 'passed')
  await check('read', 'failed')
  await expect(page.getByTestId('check-read')).toContainText('kms:Decrypt')
  await grant('source key-policy-statement')
  await check('examine', 'passed')
  await check('encrypt', 'failed')
  await grant('host key-policy-statement')
  await check('encrypt', 'passed')
  await expect(page.getByRole('heading', { name: 'All checks passed' })).toBeVisible()

  await next.click()
  await expect(page.getByText('All checks passed')).toBeVisible()
  await page.getByRole('button', { name: 'Start import' }).click()
  await expect(page.getByRole('heading', { level: 1, name: job })).toBeVisible()
  await page.getByRole('button', { name: 'Open the model' }).click()
  await expect(page.getByRole('heading', { level: 1, name: model })).toBeVisible()
  await expect(page.getByText(hostKey)).toBeVisible()
  await expect(page.getByTestId('quality')).toContainText('Both expect the same next token at')
  await page.getByRole('textbox', { name: 'Prompt', exact: true }).fill('Hello')
  await page.getByRole('button', { name: 'Send' }).click()
  await expect(page.getByTestId('figures')).toContainText(/tokens in · \d+ out/)

  await page.getByRole('button', { name: 'Open in the playground' }).click()
  await expect(page.getByRole('button', { name: /^Model/ })).toContainText(model)
  await page.getByLabel('Max tokens').fill('8')
  await page.getByRole('textbox', { name: 'Prompt', exact: true }).fill('Hello')
  await page.getByRole('button', { name: 'Send' }).click()
  await expect(page.getByTestId('figures')).toContainText(/tokens in · \d+ out/)
  await openPage(page, 'Jobs')
  await page.getByRole('link', { name: model }).click()
  await expect(page.getByRole('heading', { level: 1, name: model })).toBeVisible()

  // A key that is disabled makes the model unusable at once.
  await host.kms('DisableKey', { KeyId: hostKey })
  await page.getByRole('textbox', { name: 'Prompt', exact: true }).fill('Are you there?')
  await page.getByRole('button', { name: 'Send' }).click()
  await expect(page.getByTestId('error')).toBeVisible()

  await page.getByRole('button', { name: 'Delete', exact: true }).click()
  const dialog = page.getByRole('dialog')
  await expect(dialog.getByRole('button', { name: 'Delete' })).toBeDisabled()
  await dialog.getByLabel("Type the model's name").fill(model)
  await dialog.getByRole('button', { name: 'Delete' }).click()
  await expect(page.getByRole('heading', { level: 1, name: 'Imported models' })).toBeVisible()
  await expect(page.getByRole('link', { name: model })).toHaveCount(0)
  await page.getByRole('tab', { name: 'Import jobs' }).click()
  await page.getByLabel('Find import jobs').fill(job)
  await expect(page.getByRole('table', { name: 'Import jobs' })).toContainText('Completed')
})

/** Puts a checkpoint that lacks a file into a bucket of the hosting account, and goes through the wizard to its checks. */
async function checkWithout(missing: string, page: Page, craton: Craton): Promise<string> {
  const name = `console-${missing.replace(/\W/g, '-').replaceAll('_', '-')}-${Date.now()}`
  const { accessKeyId, secretAccessKey } = keyOf('HOST')
  const host = await Account.signIn(craton.url, accessKeyId, secretAccessKey)
  const [s3Uri, roleArn] = [`s3://${name}/a/`, `arn:aws:iam::${host.id}:role/${name}`]
  await host.s3('PUT', `/${name}`)
  for (const [file, bytes] of tinyMistral()) if (file !== missing) await host.s3('PUT', `/${name}/a/${file}`, bytes)
  const asked = await host.craton('/craton/v1/imports/policies', { roleArn, s3Uri, sourceAccount: host.id })
  for (const policy of (asked as { policies: NeededPolicy[] }).policies) await put(policy, host)

  await signIn(page, { ...craton, accessKeyId, secretAccessKey }, '/imported-models?import=source')
  await page.getByLabel('S3 URI').fill(s3Uri)
  await page.getByLabel('Execution role').fill(roleArn)
  await page.getByLabel('Model name').fill(name)
  await page.getByLabel('Job name').fill(name)
  await page.getByRole('button', { name: 'Next', exact: true }).click()
  await expect(page.getByRole('heading', { level: 2, name: /^Account/ })).toHaveCount(1)
  await page.getByRole('button', { name: 'Next', exact: true }).click()
  return name
}

test('a checkpoint without a tokenizer is refused with the file and the fix', async ({ page, craton }) => {
  test.skip(keyOf('HOST').accessKeyId === '', 'needs another account')
  await checkWithout('tokenizer.json', page, craton)
  await expect(page.getByTestId('check-examine')).toHaveAttribute('data-outcome', 'failed')
  await expect(page.getByTestId('doctor')).toContainText('tokenizer.json')
  await page.getByRole('button', { name: 'Next', exact: true }).click()
  await page.getByText('Start it anyway').click()
  await page.getByRole('button', { name: 'Start import' }).click()
  await expect(page.getByTestId('failure')).toContainText('The model cannot be imported.')
  await expect(page.getByTestId('doctor')).toContainText('tokenizer.json')
  await page.getByRole('button', { name: 'Check and import again' }).click()
  await expect(page.getByTestId('check-examine')).toHaveAttribute('data-outcome', 'failed')
})

test('a checkpoint without a chat template becomes a model that carries texts on', async ({ page, craton }) => {
  test.slow()
  test.skip(keyOf('HOST').accessKeyId === '', 'needs another account')
  const name = await checkWithout('tokenizer_config.json', page, craton)
  await expect(page.getByTestId('doctor')).toContainText('The model has no chat template.')
  await page.getByRole('button', { name: 'Next', exact: true }).click()
  await page.getByRole('button', { name: 'Start import' }).click()
  await page.getByRole('button', { name: 'Open the model' }).click()
  await expect(page.getByText('no, it continues texts')).toBeVisible()
  await page.getByLabel('Text to carry on').fill('Granite is')
  await page.getByRole('button', { name: 'Carry on' }).click()
  await expect(page.getByTestId('continued')).toContainText('Granite is')
  await page.getByRole('button', { name: 'Delete', exact: true }).click()
  await page.getByRole('dialog').getByLabel("Type the model's name").fill(name)
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click()
  await expect(page.getByRole('link', { name })).toHaveCount(0)
})
