import { useRoute } from '../../shell/router.tsx'
import { CompareView } from './CompareView.tsx'
import { CreateWizard } from './CreateWizard.tsx'
import { EvaluationList } from './EvaluationList.tsx'
import { EvaluationView } from './EvaluationView.tsx'
import { PassportView } from './PassportView.tsx'
import './evaluations.css'

/** Evaluations: the list, one of them, some beside each other, a judge's passport, or the wizard for a new one. */
export default function EvaluationsPage() {
  const { query } = useRoute()
  const [step, job, compared, judge] = ['create', 'job', 'compare', 'judge'].map((name) => query.get(name) ?? undefined)
  if (step) return <CreateWizard step={step} base={query.get('base') ?? undefined} />
  if (job) return <EvaluationView key={job} id={job} tab={query.get('tab') ?? 'report'} metric={query.get('metric') ?? undefined} record={query.get('record') ?? undefined} />
  if (compared) return <CompareView key={compared} ids={compared} />
  if (judge !== undefined) return <PassportView key={judge} judge={judge} />
  return <EvaluationList />
}
