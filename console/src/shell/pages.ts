import { lazy, type ComponentType, type LazyExoticComponent } from 'react'

export interface Page {
  /** Below `/console`. */
  path: string
  title: string
  section: Section
  View: LazyExoticComponent<ComponentType>
}

/** The navigation's sections in their order. A system adds its section here together with its first page. */
export const SECTIONS = ['Server', 'Models', 'Access'] as const
export type Section = (typeof SECTIONS)[number]

/** Every page of the console: the navigation and the routes are made of this table, so nothing unbuilt is linked. */
export const PAGES: readonly Page[] = [
  {
    path: '/',
    title: 'Overview',
    section: 'Server',
    View: lazy(() => import('../pages/overview/OverviewPage.tsx')),
  },
  {
    path: '/jobs',
    title: 'Jobs',
    section: 'Server',
    View: lazy(() => import('../pages/jobs/JobsPage.tsx')),
  },
  {
    path: '/playground',
    title: 'Playground',
    section: 'Models',
    View: lazy(() => import('../pages/playground/PlaygroundPage.tsx')),
  },
  {
    path: '/models',
    title: 'Model catalogue',
    section: 'Models',
    View: lazy(() => import('../pages/models/ModelsPage.tsx')),
  },
  {
    path: '/aliases',
    title: 'Model aliases',
    section: 'Models',
    View: lazy(() => import('../pages/aliases/AliasesPage.tsx')),
  },
  {
    path: '/keys',
    title: 'Access keys',
    section: 'Access',
    View: lazy(() => import('../pages/keys/KeysPage.tsx')),
  },
  {
    path: '/accounts',
    title: 'Accounts',
    section: 'Access',
    View: lazy(() => import('../pages/accounts/AccountsPage.tsx')),
  },
]
