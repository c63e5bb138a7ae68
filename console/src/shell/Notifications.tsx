import Flashbar, { type FlashbarProps } from '@cloudscape-design/components/flashbar'
import { createContext, useCallback, useContext, useEffect, useMemo, useState, type ReactNode } from 'react'
import { useRoute } from './router.tsx'

type Kind = 'success' | 'info' | 'error'
type Notify = (kind: Kind, text: string) => void

interface Notification {
  id: number
  kind: Kind
  text: string
}

const Sending = createContext<Notify>(() => undefined)
interface Shown {
  notifications: Notification[]
  dismiss: (id: number) => void
  /** Drops what has been read by the time the page is left: all but errors. */
  leave: () => void
}

const Showing = createContext<Shown>({ notifications: [], dismiss: () => undefined, leave: () => undefined })

const MOST = 3

/** Gives a function that shows a short message above the page. */
export function useNotify(): Notify {
  return useContext(Sending)
}

export function NotificationProvider({ children }: { children: ReactNode }) {
  const [notifications, setNotifications] = useState<Notification[]>([])
  const dismiss = useCallback((id: number) => setNotifications((all) => all.filter((one) => one.id !== id)), [])
  const leave = useCallback(() => setNotifications((all) => all.filter((one) => one.kind === 'error')), [])
  const notify = useCallback<Notify>((kind, text) => {
    setNotifications((all) => {
      const id = (all[0]?.id ?? 0) + 1
      return [{ id, kind, text }, ...all].slice(0, MOST)
    })
  }, [])
  const showing = useMemo(() => ({ notifications, dismiss, leave }), [notifications, dismiss, leave])
  return (
    <Sending value={notify}>
      <Showing value={showing}>{children}</Showing>
    </Sending>
  )
}

export function Notifications() {
  const { notifications, dismiss, leave } = useContext(Showing)
  const { path } = useRoute()
  useEffect(() => leave, [path, leave])
  const items = notifications.map(
    ({ id, kind, text }): FlashbarProps.MessageDefinition => ({
      id: String(id),
      type: kind,
      content: text,
      dismissible: true,
      dismissLabel: 'Dismiss message',
      onDismiss: () => dismiss(id),
      ariaRole: 'status',
    }),
  )
  return <Flashbar items={items} />
}
