import type { Pool } from '../../src/api/pools.ts'
import { expect, openPage, test } from './fixtures.ts'

test.beforeEach(({ craton }) => test.skip(!craton.mock, 'changes pools and profiles'))

const HAIKU = 'us.anthropic.claude-3-haiku-20240307-v1:0'

function poolOf(name: string, healthy: boolean): Pool {
  const member = { baseUrl: `http://${name}:8000/v1`, model: 'qwen', hasApiKey: false, weight: 1, maxInFlight: 64, region: null, circuit: 'closed' as const }
  const counts = { inFlight: 0, requests: 0, failures: 0, firstTokenMillis: null, lastError: null }
  return { name, managed: true, maxQueue: 64, queued: 0, members: [{ ...member, healthy, ...counts }] }
}

test('a profile of AWS is routed to pools, tells their states, and is not routed any more', async ({ signedIn: page, craton }) => {
  const { state } = craton.mock!
  state.pools.set('east', poolOf('east', false)).set('west', poolOf('west', true))
  await openPage(page, 'Cross-region inference')
  await page.getByLabel('Find inference profiles').first().fill('haiku')
  await page.getByRole('link', { name: 'US Anthropic Claude 3 Haiku' }).click()
  await expect(page.getByRole('table', { name: 'Targets' })).toContainText('What answers for its model answers')
  await page.getByRole('button', { name: 'Edit routing' }).click()
  const dialog = page.getByRole('dialog')
  const save = dialog.getByRole('button', { name: 'Save' })
  await expect(save).toBeDisabled()
  await dialog.getByLabel('Region of target 1').fill('hall b')
  const answers = dialog.getByRole('combobox', { name: 'Answered by' })
  await answers.fill('pool:west')
  await answers.press('Enter')
  await expect(dialog.getByText('A region has 1 to 64 characters and no spaces.')).toBeVisible()
  await dialog.getByLabel('Region of target 1').fill('hall-b')
  await dialog.getByRole('button', { name: 'Add target' }).click()
  await dialog.getByLabel('Region of target 2').fill('hall-a')
  await answers.nth(1).fill('pool:east')
  await answers.nth(1).press('Enter')
  await dialog.getByRole('button', { name: 'Move target 2 up' }).click()
  await save.click()
  await expect(dialog).toBeHidden()
  expect(state.profiles.find(({ id }) => id === HAIKU)?.routing).toMatchObject({
    weighted: false,
    targets: [
      { region: 'hall-a', target: 'pool:east', weight: 1 },
      { region: 'hall-b', target: 'pool:west', weight: 1 },
    ],
  })
  const targets = page.getByRole('table', { name: 'Targets' })
  await expect(targets.getByRole('row').nth(1)).toContainText('Down')
  await expect(targets.getByRole('row').nth(1)).toContainText('No member answers.')
  await expect(targets.getByRole('row').nth(2)).toContainText('Ready')
  await page.getByRole('link', { name: 'Cross-region inference', exact: true }).first().click()
  const row = page.getByRole('row').filter({ hasText: HAIKU })
  await expect(row).toContainText('hall-a, then hall-b')
  await expect(row).toContainText('1 of 2 down')
  // What changes is seen without a reload.
  state.pools.set('east', poolOf('east', true))
  await expect(row).not.toContainText('down')
  await page.getByRole('link', { name: 'US Anthropic Claude 3 Haiku' }).click()
  await page.getByRole('button', { name: 'Remove routing' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Remove' }).click()
  await expect(page.getByText('US Anthropic Claude 3 Haiku is not routed any more.')).toBeVisible()
  await expect(targets).toContainText('Not routed')
})

test('an application profile is made of a profile, is sent where that one is, and is deleted', async ({ signedIn: page, craton }) => {
  const { state } = craton.mock!
  state.profiles.find(({ id }) => id === HAIKU)!.routing = { weighted: true, targets: [{ region: 'here', target: 'smollm2-135m-instruct', weight: 3, state: null }] }
  await openPage(page, 'Cross-region inference')
  await page.getByRole('button', { name: 'Create application profile' }).click()
  const dialog = page.getByRole('dialog')
  const create = dialog.getByRole('button', { name: 'Create' })
  await dialog.getByLabel('Name', { exact: true }).fill('Support!')
  await expect(dialog.getByText('At most 64 letters and digits')).toBeVisible()
  await dialog.getByLabel('Name', { exact: true }).fill('Support answers')
  await expect(create).toBeDisabled()
  await dialog.getByRole('button', { name: /^Made of/ }).click()
  await page.getByRole('option', { name: HAIKU }).click()
  await dialog.getByRole('button', { name: 'Add tag' }).click()
  await dialog.getByLabel('Key of tag 1').fill('team')
  await dialog.getByLabel('Value of tag 1').fill('support')
  await create.click()
  await expect(page.getByRole('heading', { level: 1, name: 'Support answers' })).toBeVisible()
  expect(state.profiles[0]).toMatchObject({ name: 'Support answers', copiedFrom: expect.stringMatching(new RegExp(`${HAIKU}$`)), tags: [{ key: 'team', value: 'support' }] })
  await expect(page.getByText('It is not routed itself')).toBeVisible()
  await expect(page.getByRole('table', { name: 'Targets' })).toContainText('smollm2-135m-instruct')
  await page.getByRole('button', { name: 'Delete' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click()
  await expect(page.getByRole('table', { name: 'Application inference profiles' })).toContainText('No inference profiles yet')
  expect(state.profiles.every(({ type }) => type === 'SYSTEM_DEFINED')).toBe(true)
})
