import { describe, expect, it, test } from 'vitest'
import { EVALUATION_STATUSES, reportUrl, type EvaluationDetails, type MetricComparison, type Report } from '../../api/evaluations.ts'
import { histogram, histogramText, intervalText, place, reach } from './charts.ts'
import { cratonCommand, samplesFor } from './code.ts'
import { bestOf, isForPairs, keyOfPart, pairwisePartsOf, partOf, partsOf, recommendation, sharedMetrics, sideOf, verdicts, type Side } from './compare.ts'
import { countsOf, faults, isBad, longestSweptName, MOST_BASES, MOST_PROMPTS, nameLimitText, newCustom, newDraft, newPrompt, promptFaults, STEPS, withKind, type Draft } from './draft.ts'
import { countsText, readLabels } from './labels.ts'
import { lineOf } from './lines.ts'
import { groupsOf, metricLabel, METRICS } from './metrics.ts'
import { datasetCheckOf, datasetName, modelsOf, requestOf, rolePolicy, settingsOf, trustPolicy } from './request.ts'
import { barText, cachedText, isOver, judgementOf, judgesOf, machineText, metricBars, moneyText, namedText, percentOf, probability, progressText, promptOf, range, repeatedText, shortId, STATUSES, systemsOf, systemsOfRow, trustOf, variedText, withInterval } from './text.ts'

const ACCOUNT = '111122223333'
const JUDGE = 'amazon.nova-micro-v1:0'
const GOOD: Draft = { ...newDraft('4711a'), base: 'KBRENTAL01', generator: 'smollm2-135m-instruct', judge: JUDGE, dataset: 's3://evals/in/dev1-eval.jsonl', output: 's3://evals/out/' }
const draft = (change: Partial<Draft> = {}): Draft => ({ ...GOOD, ...change })
const keys = (change: Partial<Draft>) => {
  const { ofCustom, ...found } = faults(draft(change), ACCOUNT)
  return [...Object.keys(found), ...ofCustom.flatMap((one) => Object.keys(one))]
}

describe('a draft', () => {
  it('only wants a system, a judge, a dataset and a place', () => {
    expect(keys({})).toEqual([])
    const { ofCustom: _, ...found } = faults(newDraft('4711a'), ACCOUNT)
    expect(Object.keys(found)).toEqual(['base', 'generator', 'judge', 'dataset', 'output'])
  })

  it.each([
    ['name', { name: 'Two words' }],
    ['name', { name: 'x'.repeat(64) }],
    ['sweep', { name: 'x'.repeat(60), sweep: true }],
    ['source', { own: true, source: '.mine' }],
    ['model', { kind: 'model', model: '' }],
    ['otherModel', { kind: 'model', model: 'a.b', otherModel: 'a.b' }],
    ['temperature', { kind: 'model', model: 'a.b', temperature: '2' }],
    ['maxTokens', { kind: 'model', model: 'a.b', maxTokens: '1.5' }],
    ['results', { results: '101' }],
    ['counts', { sweep: true, counts: '3, many' }],
    ['searches', { sweep: true, searches: [] }],
    ['otherBases', { sweep: true, otherBases: Array.from({ length: MOST_BASES }, (_, at) => `KB${at}`) }],
    ['temperature', { temperature: '2' }],
    ['tags', { tags: [{ key: ' ', value: 'x' }] }],
    ['tags', { tags: [{ key: 'a', value: 'x' }, { key: 'a ', value: 'y' }] }],
    ['prompts', { sweep: true, prompts: [{ name: 'a.txt', text: 'No passages.' }] }],
    ['prompts', { sweep: true, prompts: [newPrompt([]), newPrompt([])] }],
    ['sweep', { name: 'x'.repeat(44), sweep: true, prompts: [newPrompt([]), { ...newPrompt([]), name: 'b.txt' }] }],
    ['metrics', { metrics: [] }],
    ['pricePerHour', { pricePerHour: '-1' }],
    ['dataset', { dataset: 's3://evals/in/' }],
    ['dataset', { dataset: 's3://evals' }],
    ['output', { output: 'https://evals/out' }],
    ['kmsKey', { kmsKey: 'my-key' }],
    ['roleArn', { ownRole: true, roleArn: 'arn:aws:iam::444455556666:role/x' }],
    ['newRole', { newRole: 'two words' }],
  ] as [string, Partial<Draft>][])('is refused for its %s', (field, change) => expect(keys(change)).toEqual([field]))

  it('needs no judge for what is computed', () => {
    expect(keys({ kind: 'model', model: 'a.b', judge: '', metrics: ['Craton.RougeL'] })).toEqual([])
    expect(keys({ judge: '', metrics: [], custom: [newCustom(1)] })).toEqual(['judge'])
  })

  it('takes the metrics along that another kind has, too', () => {
    expect(withKind(GOOD, 'model').metrics).toEqual(['Builtin.Correctness', 'Builtin.Completeness', 'Builtin.Helpfulness', 'Builtin.Coherence', 'Builtin.Faithfulness'])
    expect(withKind(GOOD, 'retrieve-only').metrics).toEqual(['Builtin.ContextRelevance'])
  })

  it.each([
    ['name', { name: 'Builtin.Mine' }],
    ['instructions', { instructions: 'Is {{answer}} good?' }],
    ['instructions', { instructions: ' ' }],
    ['items', { items: [{ definition: 'a', value: '1' }] }],
    ['items', { items: [{ definition: 'a', value: '1' }, { definition: 'a', value: '2' }] }],
    ['items', { items: [{ definition: 'a', value: 'x' }, { definition: 'b', value: '2' }] }],
    ['items', { items: [{ definition: 'a', value: '1' }, { definition: 'b', value: '1.0' }] }],
  ] as const)('refuses a custom metric for its %s', (field, change) => {
    const custom = [{ ...newCustom(1), ...change } as Draft['custom'][number]]
    expect(keys({ custom })).toEqual([field])
    expect(isBad('metrics', faults(draft({ custom }), ACCOUNT))).toBe(true)
  })

  it('knows on which step something is wrong', () => {
    const bad = (change: Partial<Draft>) => STEPS.filter((step) => isBad(step, faults(draft(change), ACCOUNT)))
    expect(bad({})).toEqual([])
    expect(bad({ name: '', base: '', dataset: '' })).toEqual(['details', 'system', 'data'])
  })

  it('says from the start how long the name of a sweep may be, and leads nobody away from its settings', () => {
    const most = longestSweptName('retrieve-and-generate')
    expect(nameLimitText(draft())).toContain(`at most ${most} where several settings are tried`)
    expect(nameLimitText(draft({ kind: 'model' }))).not.toContain('several settings')
    const prompts = Array.from({ length: MOST_PROMPTS }, (_, at) => ({ ...newPrompt([]), name: `${at}.txt` }))
    const otherBases = Array.from({ length: MOST_BASES - 1 }, (_, at) => `KBOTHER${at}`)
    const longest = { name: 'x'.repeat(most), sweep: true, counts: '100', otherBases }
    for (const tried of [[], prompts.slice(0, 1), prompts]) expect(keys({ ...longest, prompts: tried })).toEqual([])
    const settings = settingsOf(draft({ ...longest, prompts }))
    expect(Math.max(...settings.map(({ ending }) => most + ending.length))).toBe(63)

    const long = { name: 'x'.repeat(most + 1) }
    expect(keys(long)).toEqual([])
    const found = faults(draft({ ...long, sweep: true }), ACCOUNT)
    expect(found.sweep).toContain(`at most ${most} characters: ${long.name} has ${most + 1}`)
    expect(STEPS.filter((step) => isBad(step, found))).toEqual(['system'])
    // What is only searched has no prompts.
    const searched = { kind: 'retrieve-only', metrics: ['Builtin.ContextRelevance'], sweep: true } as const
    const name = 'x'.repeat(longestSweptName('retrieve-only'))
    expect(keys({ ...searched, metrics: [...searched.metrics], name })).toEqual([])
    expect(name).toHaveLength(44)
  })

  it('reads the counts of a sweep', () => {
    expect(countsOf(' 3, 5,5 ,10')).toEqual([3, 5, 10])
    expect([countsOf(''), countsOf('0'), countsOf('3 5')]).toEqual([undefined, undefined, undefined])
  })
})

describe('a request', () => {
  const ROLE = 'arn:aws:iam::111122223333:role/E'
  const of = (change: Partial<Draft>) => requestOf(draft(change), ROLE, settingsOf(draft(change))[0]!)

  it('asks a knowledge base with the settings of the search', () => {
    const asked = of({ description: ' Dev 1 ' })
    expect(asked).toMatchObject({ jobName: 'evaluation-4711a', jobDescription: 'Dev 1', roleArn: ROLE, outputDataConfig: { s3Uri: 's3://evals/out/' } })
    expect(asked.evaluationConfig.automated?.datasetMetricConfigs).toEqual([
      { taskType: 'Custom', dataset: { name: 'dev1-eval', datasetLocation: { s3Uri: 's3://evals/in/dev1-eval.jsonl' } }, metricNames: GOOD.metrics },
    ])
    const { retrieveAndGenerateConfig } = asked.inferenceConfig.ragConfigs![0]!.knowledgeBaseConfig!
    expect(retrieveAndGenerateConfig?.knowledgeBaseConfiguration).toEqual({
      knowledgeBaseId: 'KBRENTAL01',
      modelArn: 'smollm2-135m-instruct',
      retrievalConfiguration: { vectorSearchConfiguration: { numberOfResults: 10, overrideSearchType: 'HYBRID' } },
    })
    expect(of({ kind: 'retrieve-only' }).inferenceConfig.ragConfigs![0]!.knowledgeBaseConfig).toHaveProperty('retrieveConfig')
  })

  it('tries every setting on every knowledge base', () => {
    const tried = draft({ sweep: true, counts: '5', searches: ['HYBRID'], otherBases: ['KBCHUNKS02', 'KBRENTAL01'], prompts: [newPrompt([]), { ...newPrompt([]), name: 'b.txt' }] })
    const settings = settingsOf(tried)
    expect(settings.map(({ base, ending }) => [base, ending])).toEqual([
      ['KBRENTAL01', '-hybrid-5-base1-prompt1'],
      ['KBRENTAL01', '-hybrid-5-base1-prompt2'],
      ['KBCHUNKS02', '-hybrid-5-base2-prompt1'],
      ['KBCHUNKS02', '-hybrid-5-base2-prompt2'],
    ])
    const asked = requestOf(tried, ROLE, settings[2]!).inferenceConfig.ragConfigs![0]!.knowledgeBaseConfig!
    expect(asked.retrieveAndGenerateConfig?.knowledgeBaseConfiguration.knowledgeBaseId).toBe('KBCHUNKS02')
    const retrieve = draft({ ...tried, kind: 'retrieve-only' })
    expect(requestOf(retrieve, ROLE, settingsOf(retrieve)[1]!).inferenceConfig.ragConfigs![0]!.knowledgeBaseConfig?.retrieveConfig?.knowledgeBaseId).toBe('KBCHUNKS02')
    // Only a sweep tries several, and its role may ask all of them.
    expect(settingsOf({ ...tried, sweep: false })).toHaveLength(1)
    const resources = (one: Draft) => (JSON.parse(rolePolicy(one, 'us-east-1', ACCOUNT)) as { Statement: { Sid: string; Resource: unknown }[] }).Statement.find(({ Sid }) => Sid === 'Retrieve')?.Resource
    expect(resources(tried)).toEqual(['KBRENTAL01', 'KBCHUNKS02'].map((id) => `arn:aws:bedrock:us-east-1:${ACCOUNT}:knowledge-base/${id}`))
    expect(resources({ ...tried, sweep: false })).toBe(`arn:aws:bedrock:us-east-1:${ACCOUNT}:knowledge-base/KBRENTAL01`)
  })

  it('has tags, and parameters of a knowledge base’s generator', () => {
    expect(of({})).not.toHaveProperty('jobTags')
    expect(of({ tags: [{ key: ' team ', value: 'chest' }] }).jobTags).toEqual([{ key: 'team', value: 'chest' }])
    const generation = (change: Partial<Draft>) => of(change).inferenceConfig.ragConfigs![0]!.knowledgeBaseConfig!.retrieveAndGenerateConfig?.knowledgeBaseConfiguration
    expect(generation({})).not.toHaveProperty('generationConfiguration')
    expect(generation({ temperature: '0.2', maxTokens: '64' })?.generationConfiguration).toEqual({
      kbInferenceConfig: { textInferenceConfig: { maxTokens: 64, temperature: 0.2 } },
    })
  })

  it('asks models, or takes what the dataset has', () => {
    expect(of({ kind: 'model', model: 'a.b', otherModel: 'c.d', temperature: '0.5', maxTokens: '64' }).inferenceConfig.models).toEqual(
      ['a.b', 'c.d'].map((modelIdentifier) => ({ bedrockModel: { modelIdentifier, inferenceParams: '{"inferenceConfig":{"maxTokens":64,"temperature":0.5}}' } })),
    )
    const own = { own: true, source: 'mine' }
    expect(of({ ...own, kind: 'model' }).inferenceConfig).toEqual({ models: [{ precomputedInferenceSource: { inferenceSourceIdentifier: 'mine' } }] })
    expect(of({ ...own, kind: 'retrieve-only' }).inferenceConfig.ragConfigs).toEqual([{ precomputedRagSourceConfig: { retrieveSourceConfig: { ragSourceIdentifier: 'mine' } } }])
    expect(of(own).inferenceConfig.ragConfigs).toEqual([{ precomputedRagSourceConfig: { retrieveAndGenerateSourceConfig: { ragSourceIdentifier: 'mine' } } }])
  })

  it('has judges only where something is judged', () => {
    expect(of({ metrics: ['Craton.RougeL'] }).evaluationConfig.automated).not.toHaveProperty('evaluatorModelConfig')
    const { automated } = of({ metrics: [], custom: [newCustom(1)], customJudge: 'c.d' }).evaluationConfig
    expect(automated).not.toHaveProperty('evaluatorModelConfig')
    expect(automated?.datasetMetricConfigs[0]?.metricNames).toEqual(['metric-1'])
    expect(automated?.customMetricConfig?.evaluatorModelConfig).toEqual({ bedrockEvaluatorModels: [{ modelIdentifier: 'c.d' }] })
    expect(automated?.customMetricConfig?.customMetrics[0]?.customMetricDefinition.ratingScale?.[1]).toEqual({ definition: 'polite', value: { floatValue: 1 } })
    const words = of({ custom: [{ ...newCustom(1), scale: 'words' }] }).evaluationConfig.automated?.customMetricConfig
    expect(words?.customMetrics[0]?.customMetricDefinition.ratingScale?.[0]?.value).toEqual({ stringValue: '0' })
    expect(words?.evaluatorModelConfig.bedrockEvaluatorModels[0]?.modelIdentifier).toBe(JUDGE)
    const none = of({ custom: [{ ...newCustom(1), scale: 'none' }] }).evaluationConfig.automated?.customMetricConfig
    expect(none?.customMetrics[0]?.customMetricDefinition).not.toHaveProperty('ratingScale')
  })

  it('is made for each setting of a sweep', () => {
    const swept = draft({ sweep: true, counts: '3, 10' })
    expect(settingsOf(swept).map(({ ending }) => ending)).toEqual(['-hybrid-3', '-hybrid-10', '-semantic-3', '-semantic-10'])
    expect(requestOf(swept, ROLE, settingsOf(swept)[3]!).jobName).toBe('evaluation-4711a-semantic-10')
    expect(settingsOf(draft({ sweep: true, own: true }))).toHaveLength(1)
  })

  it('is made for each prompt of a sweep, too, as on the command line', () => {
    const [brief, strict] = [newPrompt([]), { name: ' strict.txt ', text: '$search_results$ No more.' }]
    const swept = draft({ sweep: true, counts: '3', searches: ['HYBRID'], prompts: [brief, strict] })
    const settings = settingsOf(swept)
    expect(settings.map(({ ending }) => ending)).toEqual(['-hybrid-3-prompt1', '-hybrid-3-prompt2'])
    expect(promptOf(requestOf(swept, ROLE, settings[1]!).inferenceConfig)).toBe('$search_results$ No more.')
    expect(promptOf(of({}).inferenceConfig)).toBeUndefined()
    const [only] = settingsOf({ ...swept, prompts: [brief] })
    expect([only?.ending, only?.prompt]).toEqual(['-hybrid-3', brief.text])
    // What is only searched has no prompt, nor has what is not swept.
    expect(settingsOf({ ...swept, kind: 'retrieve-only' }).map(({ prompt }) => prompt)).toEqual([undefined])
    expect(keys({ prompts: [{ name: '', text: '' }] })).toEqual([])
    expect(keys({ sweep: true, kind: 'retrieve-only', metrics: ['Builtin.ContextRelevance'], prompts: [{ name: '', text: '' }] })).toEqual([])
    const command = cratonCommand({ draft: swept, endpoint: 'http://127.0.0.1:4566', region: 'us-east-1', account: ACCOUNT })
    expect(command).toContain('--searches HYBRID \\\n  --prompts prompt-1.txt,strict.txt')
    expect(command).toContain("printf %s '$search_results$ No more.' > strict.txt\n")
  })

  it('takes prompts that say where the passages belong, each under its own name', () => {
    const first = newPrompt([])
    expect(promptFaults(first, [])).toEqual({})
    expect(newPrompt([first]).name).toBe('prompt-2.txt')
    expect(newPrompt([{ ...first, name: 'prompt-2.txt' }]).name).toBe('prompt-1.txt')
    expect(promptFaults(first, [first]).name).toContain('Another template')
    expect(promptFaults({ ...first, name: 'a,b.txt' }, []).name).toContain('letters, digits')
    expect(promptFaults({ ...first, text: '$query$' }, []).text).toContain('$search_results$')
    expect(promptFaults({ ...first, text: `$search_results$${'x'.repeat(4000)}` }, []).text).toContain('4,000 characters')
  })

  it('says what Craton alone can be asked for, and nothing where all is as usual', () => {
    expect(of({})).not.toHaveProperty('craton')
    const near = { kind: 'model', model: 'a.b', metrics: ['Craton.EmbeddingSimilarity'] } as const
    expect(of({ ...near, metrics: [...near.metrics] })).not.toHaveProperty('craton')
    expect(of({ ...near, metrics: [...near.metrics], embedder: ' mini ', askings: 3 }).craton).toEqual({ embeddingModelId: 'mini' })
    expect(of({ askings: 3, embedder: 'mini' }).craton).toEqual({ askings: 3 })
    expect(of({ pricePerHour: ' 0.36 ' }).craton).toEqual({ pricePerHour: 0.36 })
    expect(modelsOf(draft({ ...near, metrics: [...near.metrics] }))).toEqual(['a.b', 'amazon.titan-embed-text-v2:0'])
  })

  it('has its dataset looked at by what the metrics need', () => {
    const checked = (change: Partial<Draft>) => datasetCheckOf(draft(change))
    expect(checked({ own: true })).toEqual({ kind: 'rag', ownResponses: true, judge: JUDGE, metricNames: GOOD.metrics, s3Uri: 's3://evals/in/dev1-eval.jsonl', unlimited: true })
    // Scales depend on the judge, where one is asked and chosen.
    expect(checked({ kind: 'model', metrics: ['Craton.RougeL'] })).not.toHaveProperty('judge')
    expect(checked({ judge: ' ' })).not.toHaveProperty('judge')
    expect(checked({ kind: 'retrieve-only', metrics: ['Builtin.ContextRelevance'] })).toMatchObject({ kind: 'retrieve', metricNames: ['Builtin.ContextRelevance'] })
    const tone = { ...newCustom(1), name: ' tone ', scale: 'none' } as const
    const own = checked({ kind: 'model', metrics: ['Craton.RougeL'], custom: [{ ...tone }] })
    expect(own).toMatchObject({ kind: 'model', metricNames: ['Craton.RougeL', 'tone'] })
    expect(own.customMetrics).toEqual([{ customMetricDefinition: { name: 'tone', instructions: tone.instructions } }])
    expect(namedText('tone', ['prompt', 'context'])).toBe('tone names {{prompt}}, {{context}}.')
    expect(namedText('tone', [])).toBe('tone names nothing of a record.')
  })

  it('names a dataset as AWS wants it', () => {
    expect(datasetName('s3://evals/in/dev 1 (a).jsonl')).toBe('dev-1--a-')
    expect(datasetName('s3://evals/.jsonl')).toBe('dataset')
  })

  it('gives a new role what it needs and no more', () => {
    expect(modelsOf(draft({ custom: [newCustom(1)] }))).toEqual([JUDGE, 'smollm2-135m-instruct'])
    const statements = (change: Partial<Draft>, found = {}) => (JSON.parse(rolePolicy(draft(change), 'us-east-1', ACCOUNT, found)) as { Statement: Record<string, unknown>[] }).Statement
    expect(statements({}).map(({ Sid, Resource }) => [Sid, Resource])).toEqual([
      ['ReadTheDataset', 'arn:aws:s3:::evals/in/dev1-eval.jsonl'],
      ['WriteResults', 'arn:aws:s3:::evals/out/*'],
      ['AskModels', [`arn:aws:bedrock:us-east-1::foundation-model/${JUDGE}`, 'arn:aws:bedrock:us-east-1::foundation-model/smollm2-135m-instruct']],
      ['Retrieve', `arn:aws:bedrock:us-east-1:${ACCOUNT}:knowledge-base/KBRENTAL01`],
      ['Generate', '*'],
    ])
    expect(statements({ own: true, metrics: ['Craton.RougeL'] }).map(({ Sid }) => Sid)).toEqual(['ReadTheDataset', 'WriteResults'])
    const key = 'arn:aws:kms:us-east-1:111122223333:key/6cd5d3bf-3d9b-4d1c-83d5-8df6284435a1'
    expect(statements({ own: true, metrics: ['Craton.RougeL'], kmsKey: key }, { dataset: key, output: key }).slice(2)).toEqual([
      { Sid: 'Decrypt', Effect: 'Allow', Action: 'kms:Decrypt', Resource: key },
      { Sid: 'Encrypt', Effect: 'Allow', Action: ['kms:GenerateDataKey', 'kms:Decrypt'], Resource: [key] },
    ])
    expect(trustPolicy(ACCOUNT, 'us-east-1')).toContain('evaluation-job/*')
  })
})

describe('code', () => {
  const input = (change: Partial<Draft> = {}) => ({ draft: draft(change), endpoint: 'http://127.0.0.1:4566', region: 'us-east-1', account: ACCOUNT })

  it('is there for every client that can say it', () => {
    expect(samplesFor(input()).map(({ id }) => id)).toEqual(['craton', 'aws', 'boto3'])
    expect(samplesFor(input({ sweep: true })).map(({ id }) => id)).toEqual(['craton'])
    expect(samplesFor(input({ custom: [newCustom(1)] })).map(({ id }) => id)).toEqual(['craton', 'aws', 'boto3'])
    expect(samplesFor(input({ askings: 2 })).map(({ id }) => id)).toEqual(['craton'])
    expect(cratonCommand(input({ askings: 2 }))).toContain('--askings 2')
    expect(cratonCommand(input({ pricePerHour: '0.36' }))).toContain('--price-per-hour 0.36')
    const near = { kind: 'model', model: 'a.b', metrics: ['Craton.EmbeddingSimilarity'], embedder: 'mini' } as const
    expect(cratonCommand(input({ ...near, metrics: [...near.metrics] }))).toContain('--embedding-model mini')
  })

  it('says all that was chosen', () => {
    const own = cratonCommand(input({ custom: [newCustom(1)], customJudge: 'c.d', tags: [{ key: 'team', value: 'chest films' }], kmsKey: 'alias/k', description: 'Dev 1' }))
    expect(own).toMatch(/^printf %s '\{"name":"metric-1",/)
    for (const part of ['> metric-1.json\n', '--custom-metric metric-1.json', '--custom-judge c.d', "--tag 'team=chest films'", '--kms-key alias/k', "--description 'Dev 1'"]) expect(own).toContain(part)
    expect(cratonCommand(input({ custom: [newCustom(1)] }))).not.toContain('--custom-judge')
    const two = cratonCommand(input({ kind: 'model', model: 'a.b', otherModel: 'c.d', temperature: '0.2', maxTokens: '64' }))
    expect(two).toContain('--generator a.b \\\n  --generator c.d \\\n  --temperature 0.2 \\\n  --max-tokens 64')
    expect(cratonCommand(input({ sweep: true, otherBases: ['KBCHUNKS02'] }))).toContain('--knowledge-bases KBRENTAL01,KBCHUNKS02')
    expect(cratonCommand(input({ otherBases: ['KBCHUNKS02'] }))).toContain('--knowledge-base KBRENTAL01')
    const aws = samplesFor(input({ tags: [{ key: 'team', value: 'chest' }] })).find(({ id }) => id === 'aws')
    expect(aws?.code).toContain('--job-tags key=team,value=chest')
  })

  it('runs and sweeps', () => {
    const run = cratonCommand(input({ ownRole: true, roleArn: 'arn:aws:iam::111122223333:role/E' }))
    expect(run).toContain('craton eval run evaluation-4711a')
    expect(run).toContain('--kind rag \\\n  --knowledge-base KBRENTAL01 \\\n  --generator smollm2-135m-instruct \\\n  --search HYBRID \\\n  --results 10')
    expect(run).not.toContain('aws iam')
    const sweep = cratonCommand(input({ sweep: true, counts: '3,5' }))
    expect(sweep).toContain('craton eval sweep evaluation-4711a')
    expect(sweep).toContain('--counts 3,5 \\\n  --searches HYBRID,SEMANTIC')
    expect(sweep).toContain('aws iam create-role')
    expect(cratonCommand(input({ own: true, source: 'mine', kind: 'model' }))).toContain('--kind model \\\n  --own mine')
  })

  it('shows what a line of the dataset looks like', () => {
    expect(JSON.parse(lineOf({ kind: 'model', own: true, source: 'mine' }))).toHaveProperty('modelResponses')
    expect(JSON.parse(lineOf({ kind: 'model', own: false, source: '' }))).not.toHaveProperty('modelResponses')
    expect(lineOf({ kind: 'retrieve-only', own: true, source: '' })).toContain('retrievedResults')
    expect(lineOf({ kind: 'retrieve-and-generate', own: true, source: '' })).toContain('retrievedPassages')
  })
})

describe('metrics', () => {
  it('are those of the server', () => {
    const count = (kind: Parameters<typeof groupsOf>[0]) => groupsOf(kind).reduce((sum, { metrics }) => sum + metrics.length, 0)
    expect([count('retrieve-only'), count('retrieve-and-generate'), count('model')]).toEqual([2, 10 + 9, 12 + 9])
    expect(new Set(METRICS.map(({ name }) => name)).size).toBe(METRICS.length)
    expect([metricLabel('Builtin.Coherence'), metricLabel('Builtin.New'), metricLabel('tone')]).toEqual(['Logical coherence', 'New', 'tone'])
  })
})

describe('words', () => {
  test('every status has a text, and three are ends', () => {
    expect(Object.keys(STATUSES)).toEqual([...EVALUATION_STATUSES])
    expect(EVALUATION_STATUSES.filter(isOver)).toEqual(['Completed', 'Failed', 'Stopped'])
  })

  test('progress is told with the time left', () => {
    const progress = [
      { dataset: 'd', metricName: null, done: 10 },
      { dataset: 'd', metricName: 'Builtin.Correctness', done: 5 },
    ]
    expect(progressText({ total: null, progress: [], secondsLeft: null })).toBe('Reading the datasets')
    expect(progressText({ total: 40, progress, secondsLeft: 130 })).toBe('15 of 40 answers and scores, about 2 min 10 s left')
    expect(progressText({ total: 40, progress, secondsLeft: 0 })).toContain('nearly done')
    expect([percentOf({ total: 40, progress }), percentOf({ total: null, progress })]).toEqual([37, undefined])
    expect(metricBars({ total: 40, progress }, [{ dataset: 'd', metrics: ['Builtin.Correctness'] }])).toEqual([
      { dataset: 'd', label: 'Answers', done: 10, percent: 50 },
      { dataset: 'd', label: 'Correctness', done: 5, percent: 25 },
    ])
    const two = [{ dataset: 'd', metrics: [] }, { dataset: 'e', metrics: [] }]
    expect(metricBars({ total: 40, progress }, two).map(({ percent }) => percent)).toEqual([undefined, undefined])
  })

  test('a judge is trusted as far as its passport says', () => {
    expect(trustOf(null)).toBeUndefined()
    expect(trustOf('not calibrated: its agreement with people is not known')).toBe('uncalibrated')
    expect(trustOf('not usable for this metric: balanced accuracy …')).toBe('unusable')
    expect(trustOf('usable: balanced accuracy …')).toBe('usable')
  })

  test('figures have a proper minus and no negative nought', () => {
    const interval = { value: -0.001, low: -0.125, high: 0.1 }
    expect([withInterval(interval), range(interval), withInterval(null)]).toEqual(['0.00 (−0.13 to 0.10)', '−0.13 to 0.10', '–'])
    expect([probability(0.0004), probability(0.0321), probability(null)]).toEqual(['< 0.001', '0.032', '–'])
    expect([barText({ from: 0.5, to: 0.5, count: 1 }), barText({ from: 0.1, to: 0.2, count: 1 })]).toEqual(['0.50', '0.1 to 0.2'])
  })

  test('systems and judges are found in what was asked for', () => {
    expect(systemsOfRow({ inferenceConfigSummary: { ragConfigSummary: { bedrockKnowledgeBaseIdentifiers: ['KB'] } } })).toEqual({ names: ['KB'], own: false })
    expect(systemsOfRow({})).toEqual({ names: [], own: false })
    const asked = requestOf(GOOD, 'r', settingsOf(GOOD)[0]!)
    expect(systemsOf(asked.inferenceConfig).map(({ value }) => value)).toEqual(['KBRENTAL01', 'smollm2-135m-instruct', 'hybrid', '10'])
    expect(systemsOf({ models: [{ precomputedInferenceSource: { inferenceSourceIdentifier: 'mine' } }] })).toEqual([{ label: 'Answers of', value: 'mine' }])
    expect(judgesOf(asked as EvaluationDetails)).toEqual([JUDGE])
    expect([shortId('arn:aws:bedrock:us-east-1:111122223333:evaluation-job/abc'), shortId('abc')]).toEqual(['abc', 'abc'])
    expect(reportUrl('a/b', 'html')).toBe('/craton/v1/evaluation-jobs/a%2Fb/report?format=html')
  })

  test('what varies with the wording, and what came from the cache', () => {
    const falling = { value: -0.04, low: -0.07, high: -0.01 }
    expect(variedText({ askings: 6, agreeing: 0.825, deviation: 0.061, listedFalling: falling })).toBe(
      'Asked 6 times: the same label in 83 %, expected scores within ±0.06, −0.04 (−0.07 to −0.01) more where the labels are listed from the highest down.',
    )
    expect(variedText({ askings: 2, agreeing: 1, deviation: null, listedFalling: null })).toBe('Asked 2 times: the same label in 100 %.')
    expect(repeatedText({ askings: 4, agreeing: 3, mean: 0.5, deviation: 0.11, listedFalling: null })).toBe('the same label in 3 of 4 askings (expected ±0.11)')
    expect(cachedText({ reads: 'passages', share: 0.512, bound: 0.6 })).toBe('51 % of what reads passages (its prompts allow 60 %)')
    expect(cachedText({ reads: 'passages', share: 0.512 })).toBe('51 % of what reads passages')
  })

  test('what a job cost', () => {
    expect([moneyText(0), moneyText(0.00001), moneyText(0.01234)]).toEqual(['0.0000', '< 0.0001', '0.0123'])
    expect(machineText({ pricePerHour: 0.36, seconds: 90.4, cost: 0.00904 })).toBe('The machine cost 0.0090: 1 min 30 s at 0.36 an hour.')
  })

  test('what follows of a comparison is told by name', () => {
    const told = (judgement: string) => judgementOf({ judgement } as MetricComparison, 'a', 'b').text
    expect(['the first is better', 'the second is better', 'not distinguishable', 'same model: not a comparison', 'no records in common', 'new'].map(told)).toEqual([
      'a is better',
      'b is better',
      'Not distinguishable',
      'Same model: not a comparison',
      'No records in common',
      'new',
    ])
  })
})

describe('charts', () => {
  it('draws every bar inside the box, a few beside many still seen', () => {
    const bars = histogram([{ from: 0, to: 0, count: 1 }, { from: 0.5, to: 0.5, count: 0 }, { from: 1, to: 1, count: 1000 }], 300, 112)
    expect(bars.map(({ height }) => height)).toEqual([2, 0, 78])
    expect(bars.every(({ x, width, y }) => x >= 0 && x + width <= 300 && y >= 0)).toBe(true)
    expect(bars.map(({ label }) => label)).toEqual(['0.00', '0.50', '1.00'])
    const narrow = histogram(Array.from({ length: 10 }, (_, at) => ({ from: at / 10, to: (at + 1) / 10, count: 1 })), 160, 112)
    expect(narrow.filter(({ label }) => label !== '').length).toBe(4)
    expect(histogramText('Correctness', [{ from: 0, to: 0, count: 2 }])).toBe('Scores of Correctness: 0.00: 2')
  })

  it('keeps intervals inside their scale', () => {
    expect(place({ value: 0, low: -2, high: 0.5 }, -1, 1, 100)).toEqual({ low: 0, at: 50, high: 75 })
    expect([reach([]), reach([{ value: 0, low: -0.03, high: 0.12 }, null])]).toEqual([0.05, 0.2])
    expect(intervalText('Correctness', null)).toBe('Correctness: no score')
  })
})

describe('a comparison of several', () => {
  const report = (value: number | null, metric = 'Builtin.Correctness', higherIsWorse = false) =>
    ({ section: { card: { metrics: [{ metricName: metric, higherIsWorse, mean: value === null ? null : { value, low: 0, high: 1 } }] } } }) as unknown as Side

  it('names parts of jobs in addresses', () => {
    expect([keyOfPart({ job: 'abc', dataset: 0, system: 0 }), keyOfPart({ job: 'abc', dataset: 1, system: 0 })]).toEqual(['abc', 'abc:1.0'])
    expect(partOf('abc')).toEqual({ job: 'abc', dataset: 0, system: 0 })
    expect(partOf('abc:2.1')).toEqual({ job: 'abc', dataset: 2, system: 1 })
    expect(partOf('abc:nonsense')).toEqual({ job: 'abc', dataset: 0, system: 0 })
  })

  it('finds what is compared of a job, and what it is called', () => {
    const sections = (names: [string, string][]) =>
      ({ jobName: 'j', kind: 'model', status: 'Completed', results: names.map(([dataset, system]) => ({ dataset, system })) }) as unknown as Report
    const part = (dataset: number, system: number) => ({ job: 'abc', dataset, system })
    const [one, two] = [sections([['d', 's']]), sections([['d', 's'], ['d', 't'], ['e', 's'], ['e', 't']])]
    expect(sideOf(part(0, 0), one)).toMatchObject({ key: 'abc', name: 'j', section: { system: 's' } })
    expect(partsOf(sideOf(part(0, 0), one))).toEqual([])
    const side = sideOf(part(1, 1), two)
    expect(side).toMatchObject({ key: 'abc:1.1', name: 'j of t on e', section: { dataset: 'e', system: 't' } })
    expect(partsOf(side).map(({ value }) => value)).toEqual(['abc', 'abc:0.1', 'abc:1.0', 'abc:1.1'])
    expect(partsOf(side)[1]?.label).toBe('of t on d')
    expect(sideOf(part(5, 0), two).section).toBeUndefined()
  })

  it('compares any answers pair by pair, but for a system with itself', () => {
    const report = (names: [string, string][], change: Partial<Report> = {}) =>
      ({ jobName: 'j', kind: 'model', status: 'Completed', ...change, results: names.map(([dataset, system]) => ({ dataset, system })) }) as unknown as Report
    const of = (job: string, dataset: number, system: number, found: Report) => sideOf({ job, dataset, system }, found)
    const [alone, two] = [report([['d', 's']]), report([['d', 's'], ['d', 't'], ['e', 's'], ['e', 't']])]
    const first = of('abc', 0, 0, two)
    expect([of('abc', 0, 1, two), of('abc', 1, 1, two), of('def', 1, 0, two)].map((other) => isForPairs(first, other))).toEqual([true, true, true])
    expect([first, of('abc', 1, 0, two)].map((other) => isForPairs(first, other))).toEqual([false, false])
    const without = [report([['d', 's']], { kind: 'retrieve-only' }), report([['d', 's']], { status: 'Stopped' })]
    expect(without.map((found) => isForPairs(first, of('def', 0, 0, found)))).toEqual([false, false])
    // Nothing is said of what a job has one of; of two, both sides are said.
    expect(pairwisePartsOf(of('abc', 0, 0, alone), of('def', 0, 0, alone))).toEqual({})
    expect(pairwisePartsOf(of('abc', 1, 1, two), of('def', 0, 0, alone))).toEqual({ dataset: '1', system: '1', otherDataset: '0', otherSystem: '0' })
    const datasets = report([['d', 's'], ['e', 's']])
    expect(pairwisePartsOf(of('abc', 0, 0, alone), of('def', 1, 0, datasets))).toEqual({ dataset: '0', otherDataset: '1' })
  })

  it('finds the best, whichever way is better', () => {
    expect(bestOf([report(0.2), report(0.7), report(0.7), report(null)], 'Builtin.Correctness')).toBe(1)
    expect(bestOf([report(0.2, 'Builtin.Refusal', true), report(0.7, 'Builtin.Refusal', true)], 'Builtin.Refusal')).toBe(0)
    expect(bestOf([report(null)], 'Builtin.Correctness')).toBeUndefined()
    expect(sharedMetrics([report(1), report(1)])).toEqual(['Builtin.Correctness'])
    expect(sharedMetrics([report(1), report(1, 'tone')])).toEqual([])
  })

  it('recommends, and says what may be chosen as well', () => {
    const with_ = (judgement: string) => ({ first: 'a', second: 'b', turns: 1, metrics: [{ metricName: 'm', judgement }] as MetricComparison[] })
    const found = verdicts([with_('the first is better'), with_('not distinguishable'), undefined], ['b', 'c', 'd'], 'm')
    expect(found).toEqual({ worse: ['b'], alike: ['c'], unknown: ['d'] })
    expect(recommendation('a', 'Correctness', found)).toBe(
      'a has the best mean of Correctness. Not distinguishable from it, and as good a choice: c. Worse: b. Not comparable with it: d.',
    )
  })
})

describe('labels of people', () => {
  it('are read line by line, and the line that is wrong is named', () => {
    expect(readLabels('{"record":1,"metric":"m","label":2}\n\n{"record":2,"turn":3,"metric":"m","label":0}')).toEqual({
      labels: [
        { record: 1, metric: 'm', label: 2 },
        { record: 2, turn: 3, metric: 'm', label: 0 },
      ],
    })
    expect(readLabels('{"record":1,"metric":"m","label":2}\n{"record":0,"metric":"m","label":2}')).toEqual({ fault: expect.stringMatching(/^Line 2/) })
    expect(readLabels('nonsense')).toEqual({ fault: expect.stringMatching(/^Line 1/) })
    expect(readLabels('[1]')).toEqual({ fault: expect.stringMatching(/^Line 1/) })
    expect(readLabels(' \n')).toEqual({ fault: 'There is no label in it' })
  })

  it('are counted by metric', () => {
    const many = Array.from({ length: 20 }, (_, at) => ({ record: at + 1, metric: 'm', label: 0 }))
    expect(countsText([...many, { record: 1, metric: 'n', label: 0 }])).toBe('m: 20, n: 1 (at least 20 are needed)')
  })
})
