/** Programs that ask an imported model. */
import type { ConverseRequest } from '../../api/converse.ts'
import type { Sample } from '../../ui/CodeTabs.tsx'
import { python, shell } from '../../ui/literals.ts'
import { codeFor } from '../playground/code.ts'

export interface Target {
  /** For example `http://127.0.0.1:4566`. */
  endpoint: string
  region: string
  modelArn: string
  /** The class: `MistralForCausalLM`. */
  architecture: string
  /** Whether it has conversations; others only carry texts on. */
  instruct: boolean
}

const QUESTION = 'What is granite?'
const TEXT = 'Granite is a rock that'
const TOKENS = 200
/** A conversation, which is put into the model's own template. */
const BODY = { messages: [{ role: 'user', content: QUESTION }], max_tokens: TOKENS }

/** The same question by the clients that people have. */
export function samplesFor(target: Target): Sample[] {
  const { endpoint, region, modelArn, instruct } = target
  if (!instruct) {
    return [
      { id: 'invoke', label: 'boto3 InvokeModel', code: invokeModel(target) },
      { id: 'cli', label: 'AWS CLI', code: invokeCommand(target).trimStart() },
      { id: 'openai', label: 'Python (openai)', code: openai(target) },
    ]
  }
  const request: ConverseRequest = { messages: [{ role: 'user', content: [{ text: QUESTION }] }], inferenceConfig: { maxTokens: TOKENS } }
  const input = { endpoint, region, modelId: modelArn, request }
  return [
    { id: 'converse', label: 'boto3 Converse', code: codeFor('boto3', input) },
    { id: 'invoke', label: 'boto3 InvokeModel', code: invokeModel(target) },
    { id: 'cli', label: 'AWS CLI', code: codeFor('cli', input) + invokeCommand(target) },
    { id: 'openai', label: 'Python (openai)', code: openai(target) },
    { id: 'curl', label: 'curl (OpenAI)', code: codeFor('curl', input) },
  ]
}

/** A text that the model carries on, in the body that its family has at Bedrock. */
export function rawBody(architecture: string, prompt: string): object {
  return architecture.startsWith('Llama') ? { prompt, max_gen_len: TOKENS } : { prompt, max_tokens: TOKENS }
}

function invokeModel({ endpoint, region, modelArn, architecture, instruct }: Target): string {
  const hint = `# or a raw prompt with the model's own control tokens, carried on as it stands: ${JSON.stringify(rawBody(architecture, '…'))}\n`
  return `# pip install boto3; credentials: eval "$(craton env)"
import json

import boto3

client = boto3.client(
    "bedrock-runtime",
    endpoint_url=${python(endpoint)},
    region_name=${python(region)},
)
${instruct ? hint : ''}response = client.invoke_model(
    modelId=${python(modelArn)},
    body=json.dumps(${python(instruct ? BODY : rawBody(architecture, TEXT), 1)}),
)
print(json.load(response["body"]))
`
}

function invokeCommand({ endpoint, region, modelArn, architecture, instruct }: Target): string {
  return `
# InvokeModel; version 2 of the AWS CLI also wants --cli-binary-format raw-in-base64-out
aws bedrock-runtime invoke-model \\
  --endpoint-url ${shell(endpoint)} \\
  --region ${shell(region)} \\
  --model-id ${shell(modelArn)} \\
  --body ${shell(JSON.stringify(instruct ? BODY : rawBody(architecture, TEXT)))} \\
  answer.json && cat answer.json
`
}

function openai({ endpoint, modelArn, instruct }: Target): string {
  const asked = instruct ? `messages=[{"role": "user", "content": ${python(QUESTION)}}]` : `prompt=${python(TEXT)}`
  return `# pip install openai; CRATON_API_KEY: an API key from the page "Access keys" that opens OpenAI
import os

from openai import OpenAI

client = OpenAI(base_url=${python(`${endpoint}/v1`)}, api_key=os.environ["CRATON_API_KEY"])
answer = client.${instruct ? 'chat.completions' : 'completions'}.create(
    model=${python(modelArn)},
    ${asked},
    max_tokens=${TOKENS},
)
print(answer.choices[0].${instruct ? 'message.content' : 'text'})
`
}
