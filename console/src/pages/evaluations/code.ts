/** The evaluation of the wizard as programs and commands. */
import type { Sample } from '../../ui/CodeTabs.tsx'
import { python, shell } from '../../ui/literals.ts'
import { askingsOf, basesOf, customJudgeOf, embedderOf, generates, needsJudge, promptsOf, sweeps, type Draft } from './draft.ts'
import { definitionOf, requestOf, rolePolicy, settingsOf, trustPolicy } from './request.ts'

export interface CodeInput {
  draft: Draft
  endpoint: string
  region: string
  account: string
}

/** The same by the clients that people have. */
export function samplesFor(input: CodeInput): Sample[] {
  return [
    { id: 'craton', label: 'craton', code: cratonCommand(input) },
    // AWS has no sweeps, and asks a judge once.
    ...(sweeps(input.draft) || requestOf(input.draft, '', settingsOf(input.draft)[0]!).craton
      ? []
      : [
          { id: 'aws', label: 'AWS CLI', code: awsCli(input) },
          { id: 'boto3', label: 'Python (boto3)', code: boto3(input) },
        ]),
  ]
}

function roleArnOf({ draft, account }: CodeInput): string {
  return draft.ownRole ? draft.roleArn.trim() : `arn:aws:iam::${account}:role/${draft.newRole}`
}

const command = (head: string, options: string[]) => `${head} \\\n  ${options.join(' \\\n  ')}\n`

const compact = (document: string) => JSON.stringify(JSON.parse(document))

function roleCommands({ draft, region, account }: CodeInput): string {
  if (draft.ownRole) return ''
  return [
    command('aws iam create-role', [`--role-name ${shell(draft.newRole)}`, `--assume-role-policy-document ${shell(compact(trustPolicy(account, region)))}`]),
    command('aws iam put-role-policy', [
      `--role-name ${shell(draft.newRole)}`,
      '--policy-name Evaluation',
      `--policy-document ${shell(compact(rolePolicy(draft, region, account)))}`,
    ]),
    '',
  ].join('\n')
}

function fieldsOf(input: CodeInput) {
  const [setting] = settingsOf(input.draft)
  const request = requestOf(input.draft, roleArnOf(input), setting!)
  return { ...request, applicationType: input.draft.kind === 'model' ? 'ModelEvaluation' : 'RagEvaluation' }
}

function awsCli(input: CodeInput): string {
  const { jobName, jobDescription, roleArn, customerEncryptionKeyId, jobTags = [], applicationType, evaluationConfig, inferenceConfig, outputDataConfig } = fieldsOf(input)
  const create = command('aws bedrock create-evaluation-job', [
    `--endpoint-url ${shell(input.endpoint)}`,
    `--region ${shell(input.region)}`,
    `--job-name ${shell(jobName)}`,
    ...(jobDescription ? [`--job-description ${shell(jobDescription)}`] : []),
    `--role-arn ${shell(roleArn)}`,
    ...(customerEncryptionKeyId ? [`--customer-encryption-key-id ${shell(customerEncryptionKeyId)}`] : []),
    ...(jobTags.length > 0 ? [`--job-tags ${jobTags.map(({ key, value }) => shell(`key=${key},value=${value}`)).join(' ')}`] : []),
    `--application-type ${applicationType}`,
    `--evaluation-config ${shell(JSON.stringify(evaluationConfig))}`,
    `--inference-config ${shell(JSON.stringify(inferenceConfig))}`,
    `--output-data-config ${shell(JSON.stringify(outputDataConfig))}`,
  ])
  return `# credentials: eval "$(craton env)"\n${roleCommands(input)}${create}`
}

function boto3(input: CodeInput): string {
  const fields = Object.entries(fieldsOf(input)).map(([name, value]) => `    ${name}=${python(value, 1)},\n`)
  return `# pip install boto3; credentials: eval "$(craton env)"
import boto3

client = boto3.client(
    "bedrock",
    endpoint_url=${python(input.endpoint)},
    region_name=${python(input.region)},
)
response = client.create_evaluation_job(
${fields.join('')})
print(response["jobArn"])
`
}

const promptOptions = (draft: Draft) => {
  const names = promptsOf(draft).map(({ name }) => name.trim())
  return names.length > 0 ? [`--prompts ${names.join(',')}`] : []
}

const file = (text: string, name: string) => `printf %s ${shell(text)} > ${name}\n`

/** The command line reads prompts and metrics of one's own out of files. */
function files(draft: Draft): string {
  const prompts = promptsOf(draft).map(({ name, text }) => file(text, name.trim()))
  const metrics = draft.custom.map((one) => file(JSON.stringify(definitionOf(one)), metricFile(one.name)))
  return [...prompts, ...metrics].join('')
}

const metricFile = (name: string) => `${name.trim()}.json`

/** What is asked: the answers of the dataset, models, or knowledge bases. */
function systemOptions(draft: Draft): string[] {
  if (draft.own) return [`--own ${shell(draft.source.trim())}`]
  const parameters = generates(draft)
    ? [...(draft.temperature.trim() === '' ? [] : [`--temperature ${Number(draft.temperature)}`]), ...(draft.maxTokens.trim() === '' ? [] : [`--max-tokens ${Number(draft.maxTokens)}`])]
    : []
  if (draft.kind === 'model') return [...[draft.model, draft.otherModel].filter((id) => id !== '').map((id) => `--generator ${shell(id)}`), ...parameters]
  const bases = basesOf(draft)
  return [
    bases.length > 1 ? `--knowledge-bases ${shell(bases.join(','))}` : `--knowledge-base ${shell(draft.base)}`,
    ...(draft.kind === 'retrieve-only' ? [] : [`--generator ${shell(draft.generator.trim())}`]),
    ...parameters,
  ]
}

/** How it is searched: with one setting, or with several. */
function searchOptions(draft: Draft): string[] {
  if (draft.own || draft.kind === 'model') return []
  if (!sweeps(draft)) return [`--search ${draft.search}`, `--results ${draft.results.trim()}`]
  const counts = [...new Set(settingsOf(draft).map(({ results }) => results))]
  return [`--counts ${counts.join(',')}`, `--searches ${draft.searches.join(',')}`, ...promptOptions(draft)]
}

/** The judges: that of one's own metrics is named where it is another one, or the only one. */
function judgeOptions(draft: Draft): string[] {
  const [judge, own] = [draft.judge.trim(), customJudgeOf(draft)]
  return [
    ...(needsJudge(draft) ? [`--judge ${shell(judge)}`] : []),
    ...(draft.custom.length > 0 && own !== judge ? [`--custom-judge ${shell(own)}`] : []),
    ...(askingsOf(draft) > 1 ? [`--askings ${askingsOf(draft)}`] : []),
  ]
}

/** Craton's own line. */
export function cratonCommand(input: CodeInput): string {
  const { draft } = input
  const kind = { model: 'model', 'retrieve-only': 'retrieve', 'retrieve-and-generate': 'rag' }[draft.kind]
  const options = [
    `--kind ${kind}`,
    ...systemOptions(draft),
    ...searchOptions(draft),
    ...judgeOptions(draft),
    ...(draft.pricePerHour.trim() === '' ? [] : [`--price-per-hour ${Number(draft.pricePerHour)}`]),
    ...(draft.embedder.trim() !== '' && embedderOf(draft) !== undefined ? [`--embedding-model ${shell(draft.embedder.trim())}`] : []),
    ...draft.metrics.map((name) => `--metric ${name}`),
    ...draft.custom.map(({ name }) => `--custom-metric ${metricFile(name)}`),
    `--dataset ${shell(draft.dataset.trim())}`,
    `--to ${shell(draft.output.trim())}`,
    `--role-arn ${shell(roleArnOf(input))}`,
    ...(draft.kmsKey.trim() === '' ? [] : [`--kms-key ${shell(draft.kmsKey.trim())}`]),
    ...(draft.description.trim() === '' ? [] : [`--description ${shell(draft.description.trim())}`]),
    ...draft.tags.map(({ key, value }) => `--tag ${shell(`${key.trim()}=${value}`)}`),
  ]
  const verb = sweeps(draft) ? 'sweep' : 'run'
  return `${files(draft)}${roleCommands(input)}${command(`craton eval ${verb} ${shell(draft.name)}`, options)}`
}
