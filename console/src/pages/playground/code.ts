/** Programs that send the same request as the playground. */
import type { ContentBlock, ConverseRequest } from '../../api/converse.ts'
import { python, shell } from '../../ui/literals.ts'

export interface CodeInput {
  /** For example `http://127.0.0.1:4566`. */
  endpoint: string
  region: string
  modelId: string
  request: ConverseRequest
}

export const LANGUAGES = [
  { id: 'boto3', label: 'Python (boto3)' },
  { id: 'cli', label: 'AWS CLI' },
  { id: 'curl', label: 'curl (OpenAI)' },
] as const
export type Language = (typeof LANGUAGES)[number]['id']

export function codeFor(language: Language, input: CodeInput): string {
  switch (language) {
    case 'boto3':
      return boto3(input)
    case 'cli':
      return awsCli(input)
    case 'curl':
      return curl(input)
  }
}

function boto3({ endpoint, region, modelId, request }: CodeInput): string {
  const { messages, system, inferenceConfig, outputConfig, additionalModelRequestFields: fields, additionalModelResponseFieldPaths: paths } = request
  const members = [
    `modelId=${python(modelId)},`,
    `messages=${python(messages, 1)},`,
    ...(system ? [`system=${python(system, 1)},`] : []),
    ...(inferenceConfig ? [`inferenceConfig=${python(inferenceConfig, 1)},`] : []),
    ...(outputConfig ? [`outputConfig=${python(outputConfig, 1)},`] : []),
    ...(fields ? [`additionalModelRequestFields=${python(fields, 1)},`] : []),
    ...(paths ? [`additionalModelResponseFieldPaths=${python(paths, 1)},`] : []),
  ]
  return `# pip install boto3; credentials: eval "$(craton env)"
import boto3

client = boto3.client(
    "bedrock-runtime",
    endpoint_url=${python(endpoint)},
    region_name=${python(region)},
)
response = client.converse_stream(
    ${members.join('\n    ')}
)
for event in response["stream"]:
    if "contentBlockDelta" in event:
        print(event["contentBlockDelta"]["delta"]["text"], end="", flush=True)
    elif "metadata" in event:
        print("\\n", event["metadata"]["usage"])
`
}

function awsCli({ endpoint, region, modelId, request }: CodeInput): string {
  const { messages, system, inferenceConfig, outputConfig, additionalModelRequestFields: fields, additionalModelResponseFieldPaths: paths } = request
  const options = [
    `--endpoint-url ${shell(endpoint)}`,
    `--region ${shell(region)}`,
    `--model-id ${shell(modelId)}`,
    `--messages ${shell(JSON.stringify(messages))}`,
    ...(system ? [`--system ${shell(JSON.stringify(system))}`] : []),
    ...(inferenceConfig ? [`--inference-config ${shell(JSON.stringify(inferenceConfig))}`] : []),
    ...(outputConfig ? [`--output-config ${shell(JSON.stringify(outputConfig))}`] : []),
    ...(fields ? [`--additional-model-request-fields ${shell(JSON.stringify(fields))}`] : []),
    ...(paths ? [`--additional-model-response-field-paths ${shell(JSON.stringify(paths))}`] : []),
  ]
  return `# credentials: eval "$(craton env)"; the AWS CLI has no command for the streaming call
aws bedrock-runtime converse \\
  ${options.join(' \\\n  ')}
`
}

function curl({ endpoint, modelId, request }: CodeInput): string {
  const { messages, system, inferenceConfig = {}, outputConfig, additionalModelRequestFields: fields = {} } = request
  const { temperature, topP, maxTokens, stopSequences } = inferenceConfig
  // OpenAI's bodies have no cache points: the cache works there without.
  const text = (content: ContentBlock[]) => content.flatMap((block) => block.text ?? []).join('\n')
  const body = {
    model: modelId,
    messages: [
      ...(system ? [{ role: 'system', content: text(system) }] : []),
      ...messages.map(({ role, content }) => ({ role, content: text(content) })),
    ],
    temperature,
    top_p: topP,
    max_tokens: maxTokens,
    stop: stopSequences,
    response_format: outputConfig && responseFormat(outputConfig.textFormat.structure.jsonSchema),
    ...fields,
    stream: true,
    stream_options: { include_usage: true },
  }
  return `# CRATON_API_KEY: an API key from the page "Access keys" that opens OpenAI
curl -N ${shell(`${endpoint}/v1/chat/completions`)} \\
  -H "Authorization: Bearer $CRATON_API_KEY" \\
  -H 'Content-Type: application/json' \\
  -d ${shell(JSON.stringify(body, null, 2))}
`
}

/** A schema as OpenAI's bodies have it; one that is no JSON yet stands as its text. */
function responseFormat({ name, schema }: { name: string; schema: string }): object {
  return { type: 'json_schema', json_schema: { name, schema: parsed(schema), strict: true } }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}
