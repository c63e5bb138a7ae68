import { useRoute } from '../../shell/router.tsx'
import { AddSource } from './AddSource.tsx'
import { CreateWizard } from './CreateWizard.tsx'
import { DocumentView } from './DocumentView.tsx'
import { JobView } from './JobView.tsx'
import { KnowledgeList } from './KnowledgeList.tsx'
import { KnowledgeView } from './KnowledgeView.tsx'
import { SourceView } from './SourceView.tsx'
import { TestView } from './TestView.tsx'

/** Knowledge bases: the list, one of them, a part of it, its test, or the wizard for a new one. */
export default function KnowledgePage() {
  const { query } = useRoute()
  const [kb, source, job, document] = ['kb', 'source', 'job', 'document'].map((name) => query.get(name) ?? undefined)
  const step = query.get('create')
  if (step) return <CreateWizard step={step} uri={query.get('uri') ?? undefined} />
  if (!kb) return <KnowledgeList />
  if (query.get('test')) return <TestView key={kb} id={kb} />
  if (query.get('add')) return <AddSource key={kb} id={kb} />
  if (source && job) return <JobView key={job} id={kb} source={source} job={job} />
  if (source && document) return <DocumentView key={document} id={kb} source={source} document={document} chunk={query.get('chunk') ?? undefined} />
  if (source) return <SourceView key={source} id={kb} source={source} tab={query.get('tab') ?? 'documents'} />
  return <KnowledgeView key={kb} id={kb} />
}
