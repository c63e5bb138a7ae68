import { useRoute } from '../../shell/router.tsx'
import { CompareView } from './CompareView.tsx'
import { CreateWizard } from './CreateWizard.tsx'
import { EvaluationList } from './EvaluationList.tsx'
import { EvaluationView } from './EvaluationView.tsx'
import { PairwiseView } from './PairwiseView.tsx'
import { PassportView } from './PassportView.tsx'
import './evaluations.css'

/** Evaluations: the list, one of them, some beside each other, two pair by pair, a judge's passport, or the wizard for a new one. */
export default function EvaluationsPage() {
  const { query } = useRoute()
  const [step, job, compared, judge, pairwise] = ['create', 'job', 'compare', 'judge', 'pairwise'].map((name) => query.get(name) ?? undefined)
  if (step) return <CreateWizard step={step} base={query.get('base') ?? undefined} />
  if (job) return <EvaluationView key={job} id={job} tab={query.get('tab') ?? 'report'} metric={query.get('metric') ?? undefined} record={query.get('record') ?? undefined} />
  if (compared) return <CompareView key={compared} ids={compared} />
  if (pairwise) return <PairwiseView key={pairwise} id={pairwise} />
  if (judge !== undefined) return <PassportView key={judge} judge={judge} />
  return <EvaluationList />
}
