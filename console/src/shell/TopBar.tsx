import TopNavigation, { type TopNavigationProps } from '@cloudscape-design/components/top-navigation'
import type { Session } from '../api/session.ts'
import { follow, href } from './router.tsx'
import { setTheme, useTheme, type Theme } from './theme.ts'

interface Props {
  session: Session | undefined
  onSignOut: () => void
}

/** The bar on top: name, theme, who is signed in. */
export function TopBar({ session, onSignOut }: Props) {
  const theme = useTheme()
  const utilities: TopNavigationProps.Utility[] = [
    {
      type: 'menu-dropdown',
      iconName: 'settings',
      ariaLabel: 'Theme',
      title: 'Theme',
      items: THEMES.map(({ id, text }) => ({ id, text, itemType: 'checkbox', checked: id === theme })),
      onItemClick: ({ detail }) => setTheme(detail.id as Theme),
    },
  ]
  if (session) {
    utilities.push({
      type: 'menu-dropdown',
      text: nameOf(session.arn),
      description: `Account ${session.account}`,
      iconName: 'user-profile',
      items: [
        { id: 'arn', text: session.arn, disabled: true },
        { id: 'sign-out', text: 'Sign out' },
      ],
      onItemClick: ({ detail }) => {
        if (detail.id === 'sign-out') onSignOut()
      },
    })
  }
  return (
    <div id="top">
      <TopNavigation
        identity={{ href: href('/'), title: 'Craton', logo: { src: href('/icon.svg'), alt: '' }, onFollow: follow }}
        utilities={utilities}
        i18nStrings={{ overflowMenuTriggerText: 'More', overflowMenuTitleText: 'All' }}
      />
    </div>
  )
}

const THEMES: { id: Theme; text: string }[] = [
  { id: 'light', text: 'Light' },
  { id: 'dark', text: 'Dark' },
  { id: 'system', text: 'Like the system' },
]

/** `arn:aws:iam::111122223333:user/admin` → `admin` */
function nameOf(arn: string): string {
  return arn.split(/[/:]/).pop() || arn
}
