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
}

const QUESTION = 'What is granite?'
const TOKENS = 200

/** The same question by the clients that people have. */
export function samplesFor(target: Target): Sample[] {
  const { endpoint, region, modelArn } = target
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

/** The body that models of the family have at Bedrock. */
export function nativeBody(architecture: string): Record<string, unknown> {
  return architecture.startsWith('Llama') ? { prompt: QUESTION, max_gen_len: TOKENS } : { prompt: QUESTION, max_tokens: TOKENS }
}

function invokeModel({ endpoint, region, modelArn, architecture }: Target): string {
  return `# pip install boto3; credentials: eval "$(craton env)"
import json

import boto3

client = boto3.client(
    "bedrock-runtime",
    endpoint_url=${python(endpoint)},
    region_name=${python(region)},
)
response = client.invoke_model(
    modelId=${python(modelArn)},
    body=json.dumps(${python(nativeBody(architecture))}),
)
print(json.load(response["body"]))
`
}

function invokeCommand({ endpoint, region, modelArn, architecture }: Target): string {
  return `
# the model's own body; version 2 of the AWS CLI also wants --cli-binary-format raw-in-base64-out
aws bedrock-runtime invoke-model \\
  --endpoint-url ${shell(endpoint)} \\
  --region ${shell(region)} \\
  --model-id ${shell(modelArn)} \\
  --body ${shell(JSON.stringify(nativeBody(architecture)))} \\
  /dev/stdout
`
}

function openai({ endpoint, modelArn }: Target): string {
  return `# pip install openai; CRATON_API_KEY: an API key from the page "Access keys" that opens OpenAI
import os

from openai import OpenAI

client = OpenAI(base_url=${python(`${endpoint}/v1`)}, api_key=os.environ["CRATON_API_KEY"])
answer = client.chat.completions.create(
    model=${python(modelArn)},
    messages=[{"role": "user", "content": ${python(QUESTION)}}],
    max_tokens=${TOKENS},
)
print(answer.choices[0].message.content)
`
}
