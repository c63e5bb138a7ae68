import { useRoute } from '../../shell/router.tsx'
import { ProfileLists } from './ProfileLists.tsx'
import { ProfileView } from './ProfileView.tsx'

/** Cross-region inference: the inference profiles, or one of them. */
export default function ProfilesPage() {
  const { query } = useRoute()
  const profile = query.get('profile')
  if (profile) return <ProfileView key={profile} id={profile} />
  return <ProfileLists tab={query.get('tab') === 'application' ? 'application' : 'system'} />
}
