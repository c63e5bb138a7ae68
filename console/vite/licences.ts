import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Plugin } from 'vite'

/** Puts the licences and notices of the packages whose code is in the bundle beside it, as `licences.txt`. */
export function licences(): Plugin {
  return {
    name: 'craton:licences',
    apply: 'build',
    generateBundle() {
      const folders = new Set<string>()
      for (const id of this.getModuleIds()) {
        const folder = /^\0?(.*\/node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(id)?.[1]
        if (folder !== undefined && existsSync(join(folder, 'package.json'))) folders.add(folder)
      }
      const source = [...folders].map(describe).sort().join('\n')
      this.emitFile({ type: 'asset', fileName: 'licences.txt', source })
    },
  }
}

const TEXTS = /^(licen[cs]e|notice|third-party-licenses)(\.|$)/i

function describe(folder: string): string {
  const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Record<string, string>
  const texts = readdirSync(folder).filter((file) => TEXTS.test(file)).sort()
  const body = texts.map((file) => readFileSync(join(folder, file), 'utf8').trim()).join('\n\n')
  return `${'='.repeat(80)}\n${name} ${version} (${license})\n${'='.repeat(80)}\n${body}\n`
}
