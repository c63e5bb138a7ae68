import AppLayout from '@cloudscape-design/components/app-layout'
import Alert from '@cloudscape-design/components/alert'
import SideNavigation, { type SideNavigationProps } from '@cloudscape-design/components/side-navigation'
import { Suspense, useEffect, useState } from 'react'
import { Loading } from '../ui/Loading.tsx'
import { ErrorBoundary } from './ErrorBoundary.tsx'
import { Notifications } from './Notifications.tsx'
import { PAGES, SECTIONS } from './pages.ts'
import { follow, href, PageLink, useRoute } from './router.tsx'

const WIDE = 912

/** The frame around every page: navigation, messages, the page itself. */
export default function Shell() {
  const { path } = useRoute()
  const page = PAGES.find((candidate) => candidate.path === path)
  const [navigationOpen, setNavigationOpen] = useState(() => window.innerWidth >= WIDE)

  useEffect(() => {
    document.title = page ? `${page.title} · Craton` : 'Craton'
  }, [page])

  return (
    <AppLayout
      headerSelector="#top"
      toolsHide
      navigationOpen={navigationOpen}
      onNavigationChange={({ detail }) => setNavigationOpen(detail.open)}
      navigation={
        <SideNavigation
          activeHref={href(path)}
          header={{ href: href('/'), text: 'Console' }}
          items={NAVIGATION}
          onFollow={(event) => {
            follow(event)
            if (window.innerWidth < WIDE) setNavigationOpen(false)
          }}
        />
      }
      notifications={<Notifications />}
      stickyNotifications
      ariaLabels={{
        navigation: 'Pages',
        navigationToggle: 'Open navigation',
        navigationClose: 'Close navigation',
        notifications: 'Messages',
      }}
      content={
        <ErrorBoundary key={path}>
          <Suspense fallback={<Loading what="the page" />}>
            {page ? (
              <page.View />
            ) : (
              <Alert type="warning" header="There is no such page">
                Go to the <PageLink to="/">overview</PageLink>.
              </Alert>
            )}
          </Suspense>
        </ErrorBoundary>
      }
    />
  )
}

const NAVIGATION: SideNavigationProps.Item[] = SECTIONS.map((section) => ({
  type: 'section-group',
  title: section,
  items: PAGES.filter((page) => page.section === section).map((page) => ({
    type: 'link',
    text: page.title,
    href: href(page.path),
  })),
}))
