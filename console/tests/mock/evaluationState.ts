/** Evaluations that were made up: reports of chest films, summarised by a knowledge base, by models, and elsewhere. */
import type { DatasetCheck, EvaluationDetails, EvaluationStatus, Kind, Passport, RecordRow, RecordScore, Unsupported } from '../../src/api/evaluations.ts'
import type { PairwiseResult } from '../../src/api/pairwise.ts'

export const ACCOUNT_ID = '111122223333'
export const JUDGE = 'amazon.nova-micro-v1:0'
export const OTHER_JUDGE = 'anthropic.claude-3-haiku-20240307-v1:0'
/** Ids of the jobs. */
export const HYBRID = 'evalhybrid10'
export const SEMANTIC = 'evalsemantic'
export const SAME = 'evalsamemode'
export const RUNNING = 'evalrunning1'
export const BROKEN = 'evalbroken01'
export const STOPPED = 'evalstopped1'
export const PASSAGES = 'evalpassages'

export interface StoredJob {
  id: string
  details: EvaluationDetails
  kind: Kind
  total: number | null
  /** How many records are done; of those of a job that has ended all. */
  done: number
  secondsLeft: number | null
  ended: string | null
  warnings: string[]
  records: RecordRow[]
}

export interface EvaluationState {
  jobs: StoredJob[]
  passports: Map<string, Passport[]>
  /** What is found of a dataset. */
  check: DatasetCheck
  /** What comes of a comparison pair by pair. */
  pairwise: PairwiseResult
  /** What the operations of these names fail with. */
  failures: Map<string, { status: number; code: string; message: string; hint?: string }>
  received: { operation: string; body: unknown }[]
}

export function newEvaluationState(): EvaluationState {
  const metrics = ['Builtin.Correctness', 'Builtin.Completeness', 'Builtin.Faithfulness', 'Builtin.Refusal', 'Craton.RougeL', 'Craton.ClinicalConsistency', 'tone']
  const rag = (name: string, search: 'HYBRID' | 'SEMANTIC') =>
    details(name, 'RagEvaluation', 'Completed', metrics, {
      ragConfigs: [
        {
          knowledgeBaseConfig: {
            retrieveAndGenerateConfig: {
              type: 'KNOWLEDGE_BASE',
              knowledgeBaseConfiguration: {
                knowledgeBaseId: 'KBRENTAL01',
                modelArn: OTHER_JUDGE,
                retrievalConfiguration: { vectorSearchConfiguration: { numberOfResults: 10, overrideSearchType: search } },
              },
            },
          },
        },
      ],
    })
  const own = { models: [{ precomputedInferenceSource: { inferenceSourceIdentifier: 'my-system' } }] }
  const two = { models: [{ bedrockModel: { modelIdentifier: JUDGE } }, { bedrockModel: { modelIdentifier: 'smollm2-135m-instruct' } }] }
  const same = '`amazon.nova-micro-v1:0` and `smollm2-135m-instruct` are the same model, `smollm2-135m-instruct`: not a comparison.'
  const ended = '2026-05-04T09:41:07Z'
  return {
    jobs: [
      job(RUNNING, details('own-answers', 'ModelEvaluation', 'InProgress', metrics.slice(0, 3), own), 'model', made(24, 3, metrics.slice(0, 3)), { done: 9, secondsLeft: 212 }),
      job(HYBRID, rag('impressions-hybrid-10', 'HYBRID'), 'retrieve-and-generate', made(60, 1, metrics), { ended }),
      job(SEMANTIC, { ...rag('impressions-semantic-10', 'SEMANTIC'), craton: { askings: 4 } }, 'retrieve-and-generate', made(60, 2, metrics).map(askedAgain), { ended }),
      job(SAME, details('two-models', 'ModelEvaluation', 'Completed', metrics.slice(0, 2), two), 'model', [...made(24, 4, metrics.slice(0, 2)), ...made(24, 4, metrics.slice(0, 2), 1)], {
        ended,
        warnings: [same, 'The judge `amazon.nova-micro-v1:0` and the generator `amazon.nova-micro-v1:0` are the same model, `smollm2-135m-instruct`.'],
      }),
      job(
        PASSAGES,
        details('passages-only', 'RagEvaluation', 'Completed', ['Builtin.ContextRelevance'], { ragConfigs: [{ precomputedRagSourceConfig: { retrieveSourceConfig: { ragSourceIdentifier: 'their-search' } } }] }),
        'retrieve-only',
        made(12, 5, ['Builtin.ContextRelevance']).map((row) => ({ ...row, generationOutput: null, unsupported: [] })),
        { ended },
      ),
      job(BROKEN, { ...details('line-three', 'ModelEvaluation', 'Failed', metrics.slice(0, 2), own), failureMessages: ['Line 3 of the dataset is invalid: `modelResponses` is missing.'] }, 'model', [], { ended, total: null }),
      job(STOPPED, details('too-long', 'ModelEvaluation', 'Stopped', metrics.slice(0, 2), own), 'model', made(6, 6, metrics.slice(0, 2)), { ended, done: 6 }),
    ],
    passports: new Map([[JUDGE, [passport('Builtin.Correctness', 3, true), passport('Builtin.Faithfulness', 5, false)]]]),
    check: { records: 60, problems: [] },
    pairwise: PAIRWISE,
    failures: new Map(),
    received: [],
  }
}

const PAIRWISE: PairwiseResult = {
  first: 'impressions-hybrid-10',
  second: 'impressions-semantic-10',
  judge: JUDGE,
  datasets: ['dev1-eval'],
  pairs: 59,
  failed: 2,
  reason: 'Input is too long for requested model.',
  firstWins: 31,
  secondWins: 9,
  ties: 4,
  changedWithOrder: 13,
  shownFirstWon: 10,
  shownLastWon: 3,
  consistent: { value: 0.77, low: 0.66, high: 0.88 },
  positionBias: { value: 0.11, low: 0.04, high: 0.18 },
  verbosity: { value: -0.07, low: -0.31, high: 0.19 },
  winRate: { value: 0.69, low: 0.58, high: 0.79 },
  expectedWinRate: { value: 0.64, low: 0.57, high: 0.71 },
  p: 0.0007,
  ledByOrder: false,
  judgement: 'the first is better',
  warnings: [],
  tokens: { input: 61_240, cached: 30_100, shared: 33_700, output: 354 },
}

/** The ARN of a job. */
export function arnOf(id: string): string {
  return `arn:aws:bedrock:us-east-1:${ACCOUNT_ID}:evaluation-job/${id}`
}

function job(id: string, asked: EvaluationDetails, kind: Kind, records: RecordRow[], more: Partial<StoredJob>): StoredJob {
  const each = asked.evaluationConfig.automated!.datasetMetricConfigs[0]!.metricNames.length + 1
  return {
    id,
    details: { ...asked, jobArn: arnOf(id) },
    kind,
    total: records.length * each,
    done: records.length,
    secondsLeft: null,
    ended: null,
    warnings: [],
    records,
    ...more,
  }
}

function details(
  jobName: string,
  applicationType: EvaluationDetails['applicationType'] & string,
  status: EvaluationStatus,
  metricNames: string[],
  inferenceConfig: EvaluationDetails['inferenceConfig'],
): EvaluationDetails {
  const judges = { bedrockEvaluatorModels: [{ modelIdentifier: JUDGE }] }
  const custom = metricNames.includes('tone') ? { customMetricConfig: { customMetrics: [{ customMetricDefinition: TONE }], evaluatorModelConfig: judges } } : {}
  return {
    jobArn: '',
    jobName,
    jobDescription: 'Impressions of chest films, development split 1',
    status,
    applicationType,
    roleArn: `arn:aws:iam::${ACCOUNT_ID}:role/Amazon-Bedrock-IAM-Role-4711a`,
    evaluationConfig: {
      automated: {
        datasetMetricConfigs: [{ taskType: 'Custom', dataset: { name: 'dev1-eval', datasetLocation: { s3Uri: 's3://evals/in/dev1-eval.jsonl' } }, metricNames }],
        evaluatorModelConfig: judges,
        ...custom,
      },
    },
    inferenceConfig,
    outputDataConfig: { s3Uri: 's3://evals/out/' },
    creationTime: '2026-05-04T09:12:00Z',
    lastModifiedTime: '2026-05-04T09:41:07Z',
  }
}

export const TONE = {
  name: 'tone',
  instructions: 'Is the impression written in a plain or in a florid tone?\n\nPrompt: {{prompt}}\nResponse: {{prediction}}',
  ratingScale: [
    { definition: 'plain', value: { stringValue: 'plain' } },
    { definition: 'florid', value: { stringValue: 'florid' } },
  ],
}

interface Report {
  findings: string
  truth: string
  answer: string
  /** Parts of the answer that no passage has. */
  lacks: { text: string; level: 'sentence' | 'claim'; support: number; numbers: string[] }[]
  /** From 0 to 1: how good the answer is. */
  quality: number
  /** What the clinical rules say against it: kind, subject, the words of the answer, and those of the findings. */
  contradiction?: [string, string, string, string?]
}

const REPORTS: Report[] = [
  {
    findings: 'The lungs are clear. There is no pleural effusion or pneumothorax. The heart is of normal size.',
    truth: '1. No acute disease of the chest.',
    answer: '1. No acute cardiopulmonary disease.',
    lacks: [],
    quality: 1,
  },
  {
    findings: 'A small pleural effusion is on the left. The right lung is clear. The heart is mildly enlarged.',
    truth: '1. Small left pleural effusion. 2. Mild cardiomegaly.',
    answer: '1. Small right pleural effusion. 2. Mild cardiomegaly. 3. Recommend follow-up CT in 12 weeks.',
    lacks: [
      { text: '1. Small right pleural effusion.', level: 'sentence', support: 0.75, numbers: [] },
      { text: '3. Recommend follow-up CT in 12 weeks.', level: 'sentence', support: 0.14, numbers: ['12'] },
    ],
    quality: 0.2,
    contradiction: ['laterality', 'pleural effusion', 'Small right pleural effusion', 'A small pleural effusion is on the left'],
  },
  {
    findings: 'There is a nodule of 8 mm in the right upper lobe. No lymph nodes are enlarged. No effusion.',
    truth: '1. Nodule of 8 mm in the right upper lobe; follow-up is advised.',
    answer: '1. Nodule of 14 mm in the right upper lobe, and a fracture of the seventh rib.',
    lacks: [
      { text: 'Nodule of 14 mm in the right upper lobe', level: 'claim', support: 0.8, numbers: ['14'] },
      { text: 'a fracture of the seventh rib', level: 'claim', support: 0, numbers: [] },
    ],
    quality: 0.1,
    contradiction: ['number', '14 mm', '14 mm'],
  },
  {
    findings: 'The endotracheal tube ends 4 cm above the carina. Bibasilar opacities are unchanged.',
    truth: '1. Tube in good position. 2. Unchanged bibasilar opacities, likely atelectasis.',
    answer: '1. Endotracheal tube in good position.\n2. Unchanged bibasilar opacities.',
    lacks: [],
    quality: 0.8,
  },
  {
    findings: 'Interstitial markings are increased. Cardiac silhouette is enlarged. Small bilateral effusions.',
    truth: '1. Pulmonary oedema with small bilateral effusions. 2. Cardiomegaly.',
    answer: '1. Findings consistent with pulmonary oedema.\n2. Small bilateral effusions.\n3. Cardiomegaly.',
    lacks: [],
    quality: 0.9,
  },
  {
    findings: 'Hyperinflated lungs with flattened diaphragms. No focal consolidation.',
    truth: '1. Hyperinflation, as in COPD. 2. No pneumonia.',
    answer: 'I cannot say without the images.',
    lacks: [],
    quality: 0,
  },
]

const STEPS: Record<string, number> = { 'Builtin.Correctness': 2, 'Builtin.Completeness': 4, 'Builtin.Faithfulness': 4, 'Builtin.Refusal': 1, 'Builtin.ContextRelevance': 2 }
const LABELS: Record<number, string[]> = {
  1: ['No', 'Yes'],
  2: ['incorrect based on ground truth', 'partially correct partially incorrect', 'correct based on ground truth'],
  4: ['Not at all', 'Not generally', 'Neutral/Mixed', 'Generally yes', 'Yes'],
}

/** Records with scores, the same each time for a seed. */
function made(count: number, seed: number, metrics: string[], system = 0): RecordRow[] {
  const random = numbers(seed)
  return Array.from({ length: count }, (_, at): RecordRow => {
    const report = REPORTS[at % REPORTS.length]!
    const failed = at === 31
    const quality = Math.min(1, Math.max(0, report.quality + (random() - 0.5) * (seed === 2 ? 0.7 : 0.3) - (seed === 2 ? 0.15 : 0)))
    return {
      dataset: 0,
      system,
      record: at + 1,
      turn: 1,
      conversationInput: promptOf(report.findings),
      generationOutput: failed ? null : report.answer,
      retrievedSources: 3,
      passages: [
        { name: `s3://rental-policies/radiology/report-${100 + at}.txt`, text: `${report.findings}\n\nImpression: ${report.truth}` },
        { name: `s3://rental-policies/radiology/report-${300 + at}.txt`, text: 'Stable post-operative changes. Sternal wires are intact. No pneumothorax.' },
        { name: null, text: 'Impressions are numbered, the urgent first and the normal last, and shorter than the findings.' },
      ],
      groundTruth: [report.truth],
      error: failed ? 'The model `anthropic.claude-3-haiku-20240307-v1:0` did not answer in 120 s.' : null,
      unsupported: failed ? [] : report.lacks.map((lack) => span(report.answer, lack)),
      scores: metrics.map((metric) => (failed ? unscored(metric) : scored(metric, quality, report, random()))),
    }
  })
}

/** A record whose judge was asked four times: where an answer is neither good nor bad, it did not always say the same. */
function askedAgain(row: RecordRow): RecordRow {
  const again = (score: RecordScore): RecordScore => {
    if (score.label === null || score.expected === null) return score
    const agreeing = score.result === 0 || score.result === 1 ? 4 : 3
    return { ...score, repeated: { askings: 4, agreeing, mean: score.expected, deviation: agreeing === 4 ? 0.02 : 0.11, listedFalling: -0.03 } }
  }
  return { ...row, scores: row.scores.map(again) }
}

function objectionTo({ findings, answer, contradiction }: Report): Pick<RecordScore, 'explanation' | 'objections'> {
  if (!contradiction) return { explanation: '', objections: [] }
  const [rule, subject, said, known] = contradiction
  const at = (text: string, part: string) => ({ start: text.indexOf(part), end: text.indexOf(part) + part.length, text: part })
  const reason = known ? `The findings name another side of ${subject}.` : `The findings do not tell ${subject}.`
  return { explanation: reason, objections: [{ rule, reason, spans: [at(answer, said)], against: known ? at(promptOf(findings), known) : null }] }
}

function promptOf(findings: string): string {
  return `Summarise the findings of a chest film in an impression.\n\nFindings: ${findings}`
}

function span(answer: string, lack: Report['lacks'][number]): Unsupported {
  const start = answer.indexOf(lack.text)
  return { ...lack, start, end: start + lack.text.length }
}

function unscored(metricName: string): RecordScore {
  return { metricName, result: null, label: null, expected: null, margin: null, explanation: '', passagesLeftOut: 0, error: 'There is no answer to judge.' }
}

function scored(metricName: string, quality: number, report: Report, noise: number): RecordScore {
  const computed = { metricName, label: null, expected: null, margin: null, explanation: '', passagesLeftOut: 0, error: null }
  if (metricName === 'tone') return { ...computed, result: null, label: quality > 0.5 ? 'plain' : 'florid', margin: 0.3 }
  if (metricName === 'Craton.RougeL') return { ...computed, result: Math.round(1000 * Math.min(1, 0.15 + 0.7 * quality * (0.6 + 0.4 * noise))) / 1000 }
  if (metricName === 'Craton.ClinicalConsistency') return { ...computed, result: report.contradiction ? 0 : 1, ...objectionTo(report) }
  const top = STEPS[metricName] ?? 4
  const refuses = report.quality === 0
  const value = metricName === 'Builtin.Refusal' ? Number(refuses) : quality
  const label = Math.round(value * top)
  const explanation = refuses
    ? 'The response declines to answer although the findings are given.'
    : report.lacks.length > 0
      ? `The response says “${report.lacks[0]!.text}”, which stands nowhere in the passages.`
      : 'Each statement of the response stands in the first passage.'
  return {
    ...computed,
    result: label / top,
    label: LABELS[top]?.[label] ?? String(label),
    expected: Math.min(1, Math.max(0, value + (noise - 0.5) * 0.1)),
    margin: Math.round(100 * (0.1 + 0.5 * noise)) / 100,
    explanation,
    passagesLeftOut: noise > 0.95 ? 1 : 0,
  }
}

/** Numbers from 0 to 1, the same every time. */
function numbers(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}

export function passport(metricName: string, labels: number, usable: boolean): Passport {
  const figure = (value: number, half: number) => ({ value, low: value - half, high: value + half })
  const mapping = Array.from({ length: labels - 1 }, (_, step): [number, number][] => [
    [0.2, 0.1 / (step + 1)],
    [0.5, 0.6 / (step + 1)],
    [0.9, 0.95 - 0.1 * step],
  ])
  const baseline = 1 / labels
  const summary = usable
    ? 'usable: balanced accuracy 0.58 [0.47, 0.69] after calibration (baseline 0.33), quadratic kappa 0.41 [0.28, 0.54], Spearman 0.47 [0.35, 0.58], bias 0.08 [0.02, 0.14], 120 items'
    : 'not usable for this metric: balanced accuracy 0.24 [0.13, 0.35] after calibration (baseline 0.20), quadratic kappa 0.05 [-0.08, 0.18], Spearman 0.09 [-0.09, 0.27], bias 0.31 [0.24, 0.38], 120 items'
  return {
    metricName,
    rubric: '9f2c'.repeat(16),
    labels,
    items: 120,
    kappa: usable ? figure(0.33, 0.12) : figure(0.03, 0.11),
    quadraticKappa: usable ? figure(0.41, 0.13) : figure(0.05, 0.13),
    spearman: usable ? figure(0.47, 0.11) : figure(0.09, 0.18),
    kendall: usable ? figure(0.39, 0.1) : figure(0.07, 0.15),
    balancedAccuracy: usable ? figure(0.51, 0.1) : null,
    baseline,
    bias: usable ? figure(0.08, 0.06) : figure(0.31, 0.07),
    verbosity: figure(0.12, 0.17),
    calibrated: usable ? figure(0.58, 0.11) : figure(0.24, 0.11),
    mapping,
    methods: [
      { method: 'label', balancedAccuracy: figure(0.51, 0.1), gain: figure(0.18, 0.1) },
      { method: 'expected score', balancedAccuracy: figure(0.58, 0.11), gain: figure(0.25, 0.11) },
      { method: 'Craton.RougeL', balancedAccuracy: figure(0.44, 0.12), gain: figure(0.11, 0.12) },
    ],
    recommended: 'expected score',
    outdated: false,
    usable,
    summary,
  }
}
