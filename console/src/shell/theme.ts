import { applyMode, Mode } from '@cloudscape-design/global-styles'
import { useSyncExternalStore } from 'react'

export type Theme = 'light' | 'dark' | 'system'

const KEY = 'craton.theme'
const systemDark = window.matchMedia('(prefers-color-scheme: dark)')
const listeners = new Set<() => void>()

/** Puts the remembered theme in force, before the first paint and when the system's own changes. */
export function startTheme(): void {
  systemDark.addEventListener('change', apply)
  apply()
}

export function setTheme(theme: Theme): void {
  window.localStorage.setItem(KEY, theme)
  apply()
  for (const listener of listeners) listener()
}

export function useTheme(): Theme {
  return useSyncExternalStore((listener) => {
    listeners.add(listener)
    return () => listeners.delete(listener)
  }, readTheme)
}

function readTheme(): Theme {
  const kept = window.localStorage.getItem(KEY)
  return kept === 'light' || kept === 'dark' ? kept : 'system'
}

function apply(): void {
  const theme = readTheme()
  const dark = theme === 'dark' || (theme === 'system' && systemDark.matches)
  applyMode(dark ? Mode.Dark : Mode.Light)
  document.documentElement.style.colorScheme = dark ? 'dark' : 'light'
}
