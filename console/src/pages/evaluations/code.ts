/** The evaluation of the wizard as programs and commands. */
import type { Sample } from '../../ui/CodeTabs.tsx'
import { python, shell } from '../../ui/literals.ts'
import { askingsOf, embedderOf, needsJudge, promptsOf, sweeps, type Draft } from './draft.ts'
import { requestOf, rolePolicy, settingsOf, trustPolicy } from './request.ts'

export interface CodeInput {
  draft: Draft
  endpoint: string
  region: string
  account: string
}

/** The same by the clients that people have. */
export function samplesFor(input: CodeInput): Sample[] {
  const craton = cratonCommand(input)
  return [
    ...(craton === undefined ? [] : [{ id: 'craton', label: 'craton', code: craton }]),
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
  const { jobName, jobDescription, roleArn, customerEncryptionKeyId, applicationType, evaluationConfig, inferenceConfig, outputDataConfig } = fieldsOf(input)
  const create = command('aws bedrock create-evaluation-job', [
    `--endpoint-url ${shell(input.endpoint)}`,
    `--region ${shell(input.region)}`,
    `--job-name ${shell(jobName)}`,
    ...(jobDescription ? [`--job-description ${shell(jobDescription)}`] : []),
    `--role-arn ${shell(roleArn)}`,
    ...(customerEncryptionKeyId ? [`--customer-encryption-key-id ${shell(customerEncryptionKeyId)}`] : []),
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

/** The command line reads prompts out of files. */
function promptFiles(draft: Draft): string {
  return promptsOf(draft)
    .map(({ name, text }) => `printf %s ${shell(text)} > ${name.trim()}\n`)
    .join('')
}

/** Craton's own line; none where it has no options for what was chosen. */
export function cratonCommand(input: CodeInput): string | undefined {
  const { draft } = input
  const usual = draft.custom.length === 0 && draft.otherModel === '' && draft.temperature.trim() === '' && draft.maxTokens.trim() === ''
  if (!usual || draft.kmsKey.trim() !== '' || draft.description.trim() !== '') return undefined
  const kind = { model: 'model', 'retrieve-only': 'retrieve', 'retrieve-and-generate': 'rag' }[draft.kind]
  const asked = draft.own
    ? [`--own ${shell(draft.source.trim())}`]
    : draft.kind === 'model'
      ? [`--generator ${shell(draft.model)}`]
      : [`--knowledge-base ${shell(draft.base)}`, ...(draft.kind === 'retrieve-only' ? [] : [`--generator ${shell(draft.generator.trim())}`])]
  const search =
    draft.own || draft.kind === 'model'
      ? []
      : sweeps(draft)
        ? [`--counts ${settingsOf(draft).map(({ results }) => results).filter((one, at, all) => all.indexOf(one) === at).join(',')}`, `--searches ${draft.searches.join(',')}`, ...promptOptions(draft)]
        : [`--search ${draft.search}`, `--results ${draft.results.trim()}`]
  const options = [
    `--kind ${kind}`,
    ...asked,
    ...search,
    ...(needsJudge(draft) ? [`--judge ${shell(draft.judge.trim())}`] : []),
    ...(askingsOf(draft) > 1 ? [`--askings ${askingsOf(draft)}`] : []),
    ...(draft.pricePerHour.trim() === '' ? [] : [`--price-per-hour ${Number(draft.pricePerHour)}`]),
    ...(draft.embedder.trim() !== '' && embedderOf(draft) !== undefined ? [`--embedding-model ${shell(draft.embedder.trim())}`] : []),
    ...draft.metrics.map((name) => `--metric ${name}`),
    `--dataset ${shell(draft.dataset.trim())}`,
    `--to ${shell(draft.output.trim())}`,
    `--role-arn ${shell(roleArnOf(input))}`,
  ]
  const verb = sweeps(draft) ? 'sweep' : 'run'
  return `${promptFiles(draft)}${roleCommands(input)}${command(`craton eval ${verb} ${shell(draft.name)}`, options)}`
}
