import Link from '@cloudscape-design/components/link'
import { useSyncExternalStore, type ReactNode } from 'react'

/** Where the console lives on the server; the paths below are relative to it and start with `/`. */
const BASE = '/console'

const listeners = new Set<() => void>()

/** The address that a link to `path` shows. */
export function href(path: string): string {
  return BASE + path
}

/** Goes to a page without loading the document again. */
export function navigate(path: string): void {
  window.history.pushState(null, '', href(path))
  window.scrollTo(0, 0)
  for (const listener of listeners) listener()
}

/** The path and the query of the page shown. */
export function useRoute(): { path: string; query: URLSearchParams } {
  const location = useSyncExternalStore(subscribe, read)
  const [path = '/', search = ''] = location.split('?')
  return { path, query: new URLSearchParams(search) }
}

/** Handles a click on a Cloudscape link to a page of ours. */
export function follow(event: { preventDefault: () => void; detail: { href?: string | undefined } }): void {
  const target = event.detail.href
  if (!target?.startsWith(`${BASE}/`)) return
  event.preventDefault()
  navigate(target.slice(BASE.length))
}

export function PageLink({ to, children }: { to: string; children: ReactNode }) {
  return (
    <Link fontSize="inherit" href={href(to)} onFollow={follow}>
      {children}
    </Link>
  )
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener)
  window.addEventListener('popstate', listener)
  return () => {
    listeners.delete(listener)
    window.removeEventListener('popstate', listener)
  }
}

function read(): string {
  const { pathname, search } = window.location
  const path = pathname.startsWith(BASE) ? pathname.slice(BASE.length) : pathname
  return (path.replace(/\/+$/, '') || '/') + search
}
