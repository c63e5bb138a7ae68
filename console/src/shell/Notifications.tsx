import Flashbar, { type FlashbarProps } from '@cloudscape-design/components/flashbar'
import { createContext, useCallback, useContext, useMemo, useState, type ReactNode } from 'react'

type Kind = 'success' | 'info' | 'error'
type Notify = (kind: Kind, text: string) => void

interface Notification {
  id: number
  kind: Kind
  text: string
}

const Sending = createContext<Notify>(() => undefined)
const Showing = createContext<{ notifications: Notification[]; dismiss: (id: number) => void }>({
  notifications: [],
  dismiss: () => undefined,
})

const MOST = 3

/** Gives a function that shows a short message above the page. */
export function useNotify(): Notify {
  return useContext(Sending)
}

export function NotificationProvider({ children }: { children: ReactNode }) {
  const [notifications, setNotifications] = useState<Notification[]>([])
  const dismiss = useCallback((id: number) => setNotifications((all) => all.filter((one) => one.id !== id)), [])
  const notify = useCallback<Notify>((kind, text) => {
    setNotifications((all) => {
      const id = (all[0]?.id ?? 0) + 1
      return [{ id, kind, text }, ...all].slice(0, MOST)
    })
  }, [])
  const showing = useMemo(() => ({ notifications, dismiss }), [notifications, dismiss])
  return (
    <Sending value={notify}>
      <Showing value={showing}>{children}</Showing>
    </Sending>
  )
}

export function Notifications() {
  const { notifications, dismiss } = useContext(Showing)
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
