/** What can be measured: the built-in metrics of each kind of job, and those that need no judge. */
import type { Kind } from '../../api/evaluations.ts'

export interface MetricInfo {
  /** As requests and results name it. */
  name: string
  label: string
  description: string
  group: Group
  kinds: Kind[]
  /** What every record must have: a reference answer, or citations. */
  needs?: 'reference answers' | 'citations'
  /** A higher score is a worse answer. */
  higherIsWorse?: true
  /** How many labels the judge chooses from; none where no judge is asked. */
  scale?: number
}

export const GROUPS = ['Quality', 'Retrieval', 'Citations', 'Responsible AI', 'Overlap with the reference', 'Clinical rules'] as const
export type Group = (typeof GROUPS)[number]

const ANSWERS: Kind[] = ['retrieve-and-generate', 'model']

function builtin(name: string, label: string, group: Group, kinds: Kind[], scale: number, description: string, more: Partial<MetricInfo> = {}): MetricInfo {
  return { name: `Builtin.${name}`, label, group, kinds, scale, description, ...more }
}

function computed(name: string, label: string, group: Group, description: string, needs?: 'reference answers'): MetricInfo {
  return { name: `Craton.${name}`, label, group, kinds: ANSWERS, description, ...(needs ? { needs } : {}) }
}

export const METRICS: readonly MetricInfo[] = [
  builtin('Correctness', 'Correctness', 'Quality', ANSWERS, 3, 'Is the answer right? By the reference answer where there is one.'),
  builtin('Completeness', 'Completeness', 'Quality', ANSWERS, 5, 'Does it answer all that was asked?'),
  builtin('Helpfulness', 'Helpfulness', 'Quality', ANSWERS, 7, 'Does it help whoever asked?'),
  builtin('LogicalCoherence', 'Logical coherence', 'Quality', ['retrieve-and-generate'], 5, 'Is its reasoning sound, without gaps and contradictions?'),
  builtin('Coherence', 'Logical coherence', 'Quality', ['model'], 5, 'Is its reasoning sound, without gaps and contradictions?'),
  builtin('Faithfulness', 'Faithfulness', 'Quality', ANSWERS, 5, 'Does it say only what its passages, or the prompt, say?'),
  builtin('Relevance', 'Relevance', 'Quality', ['model'], 5, 'Is it about what was asked?'),
  builtin('FollowingInstructions', 'Following instructions', 'Quality', ['model'], 2, 'Does it do exactly what it was told?'),
  builtin('ProfessionalStyleAndTone', 'Professional style and tone', 'Quality', ['model'], 5, 'Is its tone that of a professional?'),
  builtin('Readability', 'Readability', 'Quality', ['model'], 5, 'Is it easily read?'),
  builtin('ContextRelevance', 'Context relevance', 'Retrieval', ['retrieve-only'], 3, 'Are the passages about the prompt? Each is judged for itself.'),
  builtin('ContextCoverage', 'Context coverage', 'Retrieval', ['retrieve-only'], 5, 'Do the passages hold what the reference answer says?', { needs: 'reference answers' }),
  builtin('CitationPrecision', 'Citation precision', 'Citations', ['retrieve-and-generate'], 2, 'Are the cited passages used in the answer? Each is judged for itself.', { needs: 'citations' }),
  builtin('CitationCoverage', 'Citation coverage', 'Citations', ['retrieve-and-generate'], 5, 'Do the cited passages support the answer?', { needs: 'citations' }),
  builtin('Harmfulness', 'Harmfulness', 'Responsible AI', ANSWERS, 2, 'Does it do harm?', { higherIsWorse: true }),
  builtin('Stereotyping', 'Stereotyping', 'Responsible AI', ANSWERS, 2, 'Does it repeat prejudices?', { higherIsWorse: true }),
  builtin('Refusal', 'Refusal', 'Responsible AI', ANSWERS, 2, 'Does it decline to answer?', { higherIsWorse: true }),
  computed('Rouge1', 'ROUGE-1', 'Overlap with the reference', 'F1 of shared words, by their stems.', 'reference answers'),
  computed('Rouge2', 'ROUGE-2', 'Overlap with the reference', 'F1 of shared pairs of words.', 'reference answers'),
  computed('RougeL', 'ROUGE-L', 'Overlap with the reference', 'F1 of the longest common subsequence.', 'reference answers'),
  computed('RougeLsum', 'ROUGE-Lsum', 'Overlap with the reference', 'The same, line by line.', 'reference answers'),
  computed('ExactMatch', 'Exact match', 'Overlap with the reference', 'The same but for case, punctuation and articles.', 'reference answers'),
  computed('TokenF1', 'Token F1', 'Overlap with the reference', 'F1 of shared tokens, as SQuAD computes it.', 'reference answers'),
  computed('EmbeddingSimilarity', 'Embedding similarity', 'Overlap with the reference', 'The cosine of the answer and the nearest reference, as an embedding model sees them.', 'reference answers'),
  computed('ImpressionRules', 'Rules for impressions', 'Clinical rules', 'The share of five rules of good radiology reports that an impression keeps.'),
  computed('ClinicalConsistency', 'Clinical consistency', 'Clinical rules', '1 where an impression contradicts the findings in its prompt nowhere.'),
]

/** The metric that an embedding model computes. */
export const SIMILARITY = 'Craton.EmbeddingSimilarity'

const BY_NAME = new Map(METRICS.map((metric) => [metric.name, metric]))

/** The metrics of a kind of job in their groups. */
export function groupsOf(kind: Kind): { group: Group; metrics: MetricInfo[] }[] {
  const of = (group: Group) => METRICS.filter((metric) => metric.group === group && metric.kinds.includes(kind))
  return GROUPS.map((group) => ({ group, metrics: of(group) })).filter(({ metrics }) => metrics.length > 0)
}

export function metricOf(name: string): MetricInfo | undefined {
  return BY_NAME.get(name)
}

/** What a metric is called for people; one of the user's own as it is. */
export function metricLabel(name: string): string {
  return BY_NAME.get(name)?.label ?? name.replace(/^(Builtin|Craton)\./, '')
}

/** Whether a judge is asked. */
export function isJudged(name: string): boolean {
  return !name.startsWith('Craton.')
}
