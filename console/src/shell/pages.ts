import { lazy, type ComponentType, type LazyExoticComponent } from 'react'

export interface Page {
  /** Below `/console`. */
  path: string
  title: string
  section: Section
  View: LazyExoticComponent<ComponentType>
}

/** The navigation's sections in their order. A system adds its section here together with its first page. */
export const SECTIONS = ['Server', 'Models', 'Storage', 'Access', 'Security'] as const
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
    path: '/scoring',
    title: 'Scoring',
    section: 'Models',
    View: lazy(() => import('../pages/scoring/ScoringPage.tsx')),
  },
  {
    path: '/embeddings',
    title: 'Embeddings',
    section: 'Models',
    View: lazy(() => import('../pages/embeddings/EmbeddingsPage.tsx')),
  },
  {
    path: '/models',
    title: 'Model catalogue',
    section: 'Models',
    View: lazy(() => import('../pages/models/ModelsPage.tsx')),
  },
  {
    path: '/endpoints',
    title: 'Endpoints',
    section: 'Models',
    View: lazy(() => import('../pages/endpoints/EndpointsPage.tsx')),
  },
  {
    path: '/tuning',
    title: 'Tuning',
    section: 'Models',
    View: lazy(() => import('../pages/tuning/TuningPage.tsx')),
  },
  {
    path: '/imported-models',
    title: 'Imported models',
    section: 'Models',
    View: lazy(() => import('../pages/imports/ImportsPage.tsx')),
  },
  {
    path: '/batches',
    title: 'Batch inference',
    section: 'Models',
    View: lazy(() => import('../pages/batches/BatchesPage.tsx')),
  },
  {
    path: '/knowledge-bases',
    title: 'Knowledge bases',
    section: 'Models',
    View: lazy(() => import('../pages/knowledge/KnowledgePage.tsx')),
  },
  {
    path: '/evaluations',
    title: 'Evaluations',
    section: 'Models',
    View: lazy(() => import('../pages/evaluations/EvaluationsPage.tsx')),
  },
  {
    path: '/aliases',
    title: 'Model aliases',
    section: 'Models',
    View: lazy(() => import('../pages/aliases/AliasesPage.tsx')),
  },
  {
    path: '/inference-profiles',
    title: 'Cross-region inference',
    section: 'Models',
    View: lazy(() => import('../pages/profiles/ProfilesPage.tsx')),
  },
  {
    path: '/pools',
    title: 'Pools',
    section: 'Models',
    View: lazy(() => import('../pages/pools/PoolsPage.tsx')),
  },
  {
    path: '/quotas',
    title: 'Quotas',
    section: 'Models',
    View: lazy(() => import('../pages/quotas/QuotasPage.tsx')),
  },
  {
    path: '/buckets',
    title: 'Buckets',
    section: 'Storage',
    View: lazy(() => import('../pages/buckets/BucketsPage.tsx')),
  },
  {
    path: '/users',
    title: 'Users and groups',
    section: 'Access',
    View: lazy(() => import('../pages/users/UsersPage.tsx')),
  },
  {
    path: '/roles',
    title: 'Roles',
    section: 'Access',
    View: lazy(() => import('../pages/roles/RolesPage.tsx')),
  },
  {
    path: '/policies',
    title: 'Policies',
    section: 'Access',
    View: lazy(() => import('../pages/policies/PoliciesPage.tsx')),
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
  {
    path: '/organization',
    title: 'Organization',
    section: 'Access',
    View: lazy(() => import('../pages/organization/OrganizationPage.tsx')),
  },
  {
    path: '/why-denied',
    title: 'Why denied',
    section: 'Security',
    View: lazy(() => import('../pages/denied/DeniedPage.tsx')),
  },
  {
    path: '/audit',
    title: 'Audit log',
    section: 'Security',
    View: lazy(() => import('../pages/audit/AuditPage.tsx')),
  },
  {
    path: '/kms',
    title: 'Encryption keys',
    section: 'Security',
    View: lazy(() => import('../pages/kms/KmsPage.tsx')),
  },
  {
    path: '/secrets',
    title: 'Secrets',
    section: 'Security',
    View: lazy(() => import('../pages/secrets/SecretsPage.tsx')),
  },
]
