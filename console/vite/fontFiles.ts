import { createHash } from 'node:crypto'
import type { Plugin } from 'vite'

/**
 * Moves the fonts that Cloudscape's style sheet carries as `data:` URLs into files of their own, so that the
 * content security policy can say `font-src 'self'`, and a browser loads only the weights that a page uses.
 */
export function fontFiles(): Plugin {
  return {
    name: 'craton:font-files',
    apply: 'build',
    generateBundle(_options, bundle) {
      for (const asset of Object.values(bundle)) {
        if (asset.type !== 'asset' || !asset.fileName.endsWith('.css')) continue
        const css = typeof asset.source === 'string' ? asset.source : new TextDecoder().decode(asset.source)
        asset.source = css.replace(DATA_FONT, (_match, base64: string) => {
          const source = Buffer.from(base64, 'base64')
          const hash = createHash('sha256').update(source).digest('hex').slice(0, 8)
          const name = `font-${hash}.woff2`
          this.emitFile({ type: 'asset', fileName: `assets/${name}`, source })
          return `url(./${name})`
        })
      }
    },
  }
}

const DATA_FONT = /url\(["']?data:font\/woff2;base64,([A-Za-z0-9+/=]+)["']?\)/g
