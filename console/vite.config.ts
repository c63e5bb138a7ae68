import react from '@vitejs/plugin-react'
import { defineConfig } from 'vitest/config'
import { fontFiles } from './vite/fontFiles.ts'
import { licences } from './vite/licences.ts'

// `npm run dev` serves the pages and forwards everything else to a running Craton.
const server = process.env.CRATON_ENDPOINT ?? 'http://127.0.0.1:4566'

export default defineConfig({
  base: '/console/',
  plugins: [react(), fontFiles(), licences()],
  build: {
    target: 'es2022',
    assetsInlineLimit: 0,
    sourcemap: false,
    chunkSizeWarningLimit: 700,
  },
  server: { proxy: { '^/(?!console)': server } },
  test: { include: ['src/**/*.test.ts'], environment: 'node' },
})
