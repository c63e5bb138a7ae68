import { test as base, expect, type Page } from '@playwright/test'
import { join } from 'node:path'
import { startMockServer, type MockServer } from '../mock/server.ts'
import { CREDENTIALS } from '../mock/state.ts'

export interface Craton {
  url: string
  accessKeyId: string
  secretAccessKey: string
  /** Absent when the specs run against a real server. */
  mock: MockServer | undefined
}

/** The browser says this of every refused request, whatever the page makes of it. */
const REFUSED = /^Failed to load resource: (the server responded with a status of|net::ERR_FAILED|net::ERR_ABORTED)/

/** Gives every test a server and a page that is watched: no request to another host, no breach of the policy, nothing
 * complained of in the browser's log. */
export const test = base.extend<{ craton: Craton; signedIn: Page }>({
  craton: async ({}, use) => {
    const url = process.env['CRATON_E2E_URL']
    if (url !== undefined) {
      const accessKeyId = needed('CRATON_E2E_ACCESS_KEY_ID')
      const secretAccessKey = needed('CRATON_E2E_SECRET_ACCESS_KEY')
      await use({ url: url.replace(/\/$/, ''), accessKeyId, secretAccessKey, mock: undefined })
      return
    }
    const mock = await startMockServer(join(import.meta.dirname, '../../dist'))
    await use({ url: mock.url, ...CREDENTIALS, mock })
    await mock.close()
  },

  page: async ({ page, craton }, use) => {
    const breaches: string[] = []
    const origin = new URL(craton.url).origin
    page.on('request', (request) => {
      const target = new URL(request.url())
      if (target.protocol !== 'data:' && target.protocol !== 'blob:' && target.origin !== origin) breaches.push(`request to ${request.url()}`)
    })
    page.on('console', (message) => {
      const complaint = message.type() === 'error' || message.type() === 'warning'
      if (complaint && !REFUSED.test(message.text())) breaches.push(`${message.type()} ${message.text()}`)
    })
    page.on('pageerror', (error) => breaches.push(`uncaught ${error.stack ?? error.message}`))
    await use(page)
    expect(breaches, 'the page asks no other host, keeps the policy, throws and complains of nothing').toEqual([])
  },

  signedIn: async ({ page, craton }, use) => {
    await signIn(page, craton)
    await use(page)
  },
})

export async function signIn(page: Page, craton: Craton, path = '/'): Promise<void> {
  await page.goto(`${craton.url}/console${path}`)
  await page.getByLabel('Access key ID').fill(craton.accessKeyId)
  await page.getByLabel('Secret access key').fill(craton.secretAccessKey)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await expect(page.getByRole('button', { name: 'Sign in' })).toHaveCount(0)
}

export async function openPage(page: Page, title: string): Promise<void> {
  await page.getByRole('link', { name: title, exact: true }).first().click()
  await expect(page.getByRole('heading', { level: 1, name: title })).toBeVisible()
}

function needed(name: string): string {
  const value = process.env[name]
  if (value === undefined) throw new Error(`\`CRATON_E2E_URL\` is set, so \`${name}\` must be set too`)
  return value
}

export { expect }
