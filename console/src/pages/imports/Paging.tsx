import Pagination from '@cloudscape-design/components/pagination'
import type { Pages } from '../../ui/usePages.ts'

/** The pages of a list; nothing where one holds all. */
export function Paging<T>({ pages, of }: { pages: Pages<T>; of: string }) {
  if (pages.count === 1) return null
  return (
    <Pagination
      currentPageIndex={pages.current}
      pagesCount={pages.count}
      ariaLabels={{
        nextPageLabel: `Next page of ${of}`,
        previousPageLabel: `Previous page of ${of}`,
        pageLabel: (page) => `Page ${page} of ${of}`,
      }}
      onChange={({ detail }) => pages.go(detail.currentPageIndex)}
    />
  )
}
