import { defineConfig } from '@playwright/test'

const asRoot = process.getuid?.() === 0
// A real model on a busy machine of two cores may say a word or two in a second; a browser needs long to start there.
const real = process.env['CRATON_E2E_URL'] !== undefined

/**
 * Runs the specs on the system's Chromium (`CHROMIUM` names another one). With `CRATON_E2E_URL`,
 * `CRATON_E2E_ACCESS_KEY_ID` and `CRATON_E2E_SECRET_ACCESS_KEY` they run against that server, otherwise against the
 * mock server with the files of `dist`.
 */
export default defineConfig({
  testDir: 'tests/e2e',
  outputDir: 'test-results',
  workers: 1,
  timeout: real ? 300_000 : 240_000,
  expect: { timeout: real ? 90_000 : 60_000 },
  forbidOnly: process.env['CI'] !== undefined,
  reporter: [['list']],
  use: {
    viewport: { width: 1280, height: 900 },
    timezoneId: 'UTC',
    locale: 'en-US',
    trace: 'off',
    launchOptions: {
      executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium',
      args: [
        ...(asRoot ? ['--no-sandbox'] : []),
        '--disable-gpu',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
      ],
    },
  },
})
