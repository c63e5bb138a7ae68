import BreadcrumbGroup from '@cloudscape-design/components/breadcrumb-group'
import { useCallback } from 'react'
import { getKnowledgeBase } from '../../api/knowledgeBases.ts'
import { follow, href } from '../../shell/router.tsx'
import { useLoad } from '../../ui/useLoad.ts'
import { PATH } from './text.ts'

/** The way from the list to a page. Each item but the last has a path. */
export function Crumbs({ items }: { items: { text: string; path?: string }[] }) {
  const all = [{ text: 'Knowledge bases', path: PATH }, ...items]
  return <BreadcrumbGroup ariaLabel="Knowledge bases" items={all.map(({ text, path }) => ({ text, href: path ? href(path) : '#' }))} onFollow={follow} />
}

/** What a knowledge base is called; its id until that is known. */
export function useBaseName(id: string): string {
  const kb = useLoad(useCallback((signal: AbortSignal) => getKnowledgeBase(id, signal), [id]))
  return kb.value?.name ?? id
}
