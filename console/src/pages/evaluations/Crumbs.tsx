import BreadcrumbGroup from '@cloudscape-design/components/breadcrumb-group'
import { follow, href } from '../../shell/router.tsx'
import { PATH } from './text.ts'

/** The way from the list to a page. Each item but the last has a path. */
export function Crumbs({ items }: { items: { text: string; path?: string }[] }) {
  const all = [{ text: 'Evaluations', path: PATH }, ...items]
  return <BreadcrumbGroup ariaLabel="Evaluations" items={all.map(({ text, path }) => ({ text, href: path ? href(path) : '#' }))} onFollow={follow} />
}
