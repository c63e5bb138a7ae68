import { I18nProvider } from '@cloudscape-design/components/i18n'
import messages from '@cloudscape-design/components/i18n/messages/all.en.json'
import { lazy, Suspense, useCallback, useEffect, useState } from 'react'
import { ApiError, onSessionEnded } from './api/http.ts'
import { currentSession, signOut, type Session } from './api/session.ts'
import { SignInPage } from './pages/sign-in/SignInPage.tsx'
import { ErrorBoundary } from './shell/ErrorBoundary.tsx'
import { NotificationProvider } from './shell/Notifications.tsx'
import { SessionContext } from './shell/SessionContext.tsx'
import { TopBar } from './shell/TopBar.tsx'
import { ErrorAlert } from './ui/ErrorAlert.tsx'
import { Loading } from './ui/Loading.tsx'

const Shell = lazy(() => import('./shell/Shell.tsx'))

type State =
  | { name: 'asking' }
  | { name: 'unreachable'; error: ApiError }
  | { name: 'signed-out'; notice?: string }
  | { name: 'signed-in'; session: Session }

/** The whole console: asks who is signed in, then shows the sign-in page or the pages. */
export function App() {
  const [state, setState] = useState<State>({ name: 'asking' })

  const ask = useCallback(() => {
    setState({ name: 'asking' })
    currentSession().then(
      (session) => setState(session ? { name: 'signed-in', session } : { name: 'signed-out' }),
      (reason: unknown) => setState({ name: 'unreachable', error: ApiError.from(reason) }),
    )
  }, [])

  useEffect(() => {
    onSessionEnded(() => setState({ name: 'signed-out', notice: 'Your session has ended. Sign in again.' }))
    ask()
  }, [ask])

  const leave = async () => {
    await signOut().catch(() => undefined)
    setState({ name: 'signed-out' })
  }

  return (
    <I18nProvider locale="en" messages={[messages]}>
      <ErrorBoundary>
        <TopBar session={state.name === 'signed-in' ? state.session : undefined} onSignOut={() => void leave()} />
        {state.name === 'asking' && <Loading what="the console" />}
        {state.name === 'unreachable' && (
          <ErrorAlert error={state.error} title="The console could not start" onRetry={ask} />
        )}
        {state.name === 'signed-out' && (
          <SignInPage notice={state.notice} onSignedIn={(session) => setState({ name: 'signed-in', session })} />
        )}
        {state.name === 'signed-in' && (
          <SessionContext value={state.session}>
            <NotificationProvider>
              <Suspense fallback={<Loading what="the console" />}>
                <Shell />
              </Suspense>
            </NotificationProvider>
          </SessionContext>
        )}
      </ErrorBoundary>
    </I18nProvider>
  )
}
