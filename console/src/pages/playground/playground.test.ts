import { describe, expect, test } from 'vitest'
import type { Alias } from '../../api/aliases.ts'
import type { Card } from '../../api/models.ts'
import type { EndpointRow } from '../../api/endpoints.ts'
import { modelOptions, shownId, usable } from './choices.ts'
import { codeFor, type CodeInput } from './code.ts'
import { advance, messagesOf, messagesToShow, tokensPerSecond, type Turn } from './conversation.ts'
import type { Message } from '../../api/converse.ts'
import { check, INITIAL, requestOf, type Settings } from './settings.ts'

const TURN: Turn = { id: 1, prompt: 'Hi', modelId: 'm', answer: '', state: 'waiting', figures: {} }

describe('settings', () => {
  test('an empty field is not sent', () => {
    const settings = { ...INITIAL, maxTokens: '' }
    expect(requestOf(settings, [])).toEqual({ messages: [] })
  })

  test('every field that is set is sent', () => {
    const settings = { ...INITIAL, system: 'S', temperature: '0', topP: '0.9', maxTokens: '64', stopSequences: 'END\n\n###' }
    expect(requestOf(settings, [])).toEqual({
      messages: [],
      system: [{ text: 'S' }],
      inferenceConfig: { temperature: 0, topP: 0.9, maxTokens: 64, stopSequences: ['END', '###'] },
    })
  })

  test('what AWS has no parameters for is sent beside them', () => {
    const settings: Settings = {
      ...INITIAL,
      maxTokens: '',
      ngramSize: '3',
      ngramCountsPrompt: false,
      loopDetection: true,
      priority: 'high',
      deterministic: true,
    }
    expect(requestOf(settings, [])).toEqual({
      messages: [],
      additionalModelRequestFields: {
        no_repeat_ngram_size: 3,
        no_repeat_ngram_scope: 'output',
        loop_detection: true,
        priority: 'high',
        deterministic: true,
      },
      additionalModelResponseFieldPaths: ['/stop_reason_detail'],
    })
  })

  test('sampling beyond AWS’s own, and what a loop is, are sent where they were said', () => {
    const settings = { ...INITIAL, maxTokens: '', topK: '40', minP: '0.05', seed: '7', frequencyPenalty: '-0.5', presencePenalty: '1' }
    expect(requestOf(settings, [])).toEqual({
      messages: [],
      additionalModelRequestFields: { top_k: 40, min_p: 0.05, seed: 7, frequency_penalty: -0.5, presence_penalty: 1 },
    })
    const loops = { ...INITIAL, maxTokens: '', loopDetection: true, loopRepeats: '3', loopMinTokens: '16' }
    expect(requestOf(loops, []).additionalModelRequestFields).toEqual({ loop_detection: { repeats: 3, min_tokens: 16 } })
  })

  test('the form of an answer is a schema of AWS’s, or a form of our own', () => {
    const asked = (form: Settings['form'], formText: string) => requestOf({ ...INITIAL, maxTokens: '', form, formText }, [])
    expect(asked('schema', '{"type": "object"}')).toEqual({
      messages: [],
      outputConfig: { textFormat: { type: 'json_schema', structure: { jsonSchema: { name: 'answer', schema: '{"type": "object"}' } } } },
    })
    const form = (...of: Parameters<typeof asked>) => asked(...of).additionalModelRequestFields?.['structured_outputs']
    expect(form('regex', '[0-9]+')).toEqual({ regex: '[0-9]+' })
    expect(form('grammar', 'start: "yes"')).toEqual({ grammar: 'start: "yes"' })
    expect(form('choice', 'yes\nno\n')).toEqual({ choice: ['yes', 'no'] })
    expect(form('none', 'left over')).toBeUndefined()
  })

  test('a cache point comes after the system prompt or after the last question', () => {
    const point = { cachePoint: { type: 'default' } }
    const asked: Message[] = [{ role: 'user', content: [{ text: 'Hi' }] }]
    expect(requestOf({ ...INITIAL, system: 'S', cachePoint: 'system' }, asked).system).toEqual([{ text: 'S' }, point])
    expect(requestOf({ ...INITIAL, cachePoint: 'system' }, asked).system).toBeUndefined()
    expect(requestOf({ ...INITIAL, cachePoint: 'conversation' }, asked).messages).toEqual([
      { role: 'user', content: [{ text: 'Hi' }, point] },
    ])
    expect(asked[0]?.content).toHaveLength(1)
  })

  test('what cannot be sent is named by field', () => {
    const bad = { ...INITIAL, temperature: '1.1', topP: 'x', maxTokens: '0', stopSequences: 'a\nb\nc\nd\ne', ngramSize: '257' }
    expect(Object.keys(check(bad)).sort()).toEqual(['maxTokens', 'ngramSize', 'stopSequences', 'temperature', 'topP'])
    expect(check({ ...INITIAL, temperature: '1', topP: '0', maxTokens: '1', ngramSize: '256' })).toEqual({})
    const more = { ...INITIAL, topK: '1.5', minP: '2', seed: '-1', frequencyPenalty: '3', presencePenalty: 'x', loopDetection: true, loopRepeats: '1', form: 'schema' as const, formText: '[]' }
    expect(Object.keys(check(more)).sort()).toEqual(['formText', 'frequencyPenalty', 'loopRepeats', 'minP', 'presencePenalty', 'seed', 'topK'])
    expect(check({ ...INITIAL, loopRepeats: '1' })).toEqual({})
    for (const [form, formText] of [['schema', '{'], ['regex', ' '], ['choice', '']] as const) {
      expect(Object.keys(check({ ...INITIAL, form, formText }))).toEqual(['formText'])
    }
  })
})

describe('conversation', () => {
  test('text adds up and the first and last times are kept', () => {
    const first = advance(TURN, { type: 'text', text: 'a' }, 100)
    const second = advance(first, { type: 'text', text: 'b' }, 350)
    expect(second).toMatchObject({ answer: 'ab', state: 'streaming', figures: { firstTextMs: 100, lastTextMs: 350 } })
  })

  test('what the server found odd about a prompt is kept', () => {
    const start = { type: 'start', servedBy: undefined, requestId: undefined } as const
    expect(advance(TURN, { ...start, warning: 'odd' }, 5).warning).toBe('odd')
    expect(advance(TURN, start, 5)).not.toHaveProperty('warning')
  })

  test('the prompt is counted whole, with what came from the cache beside it', () => {
    const usage = { inputTokens: 4, outputTokens: 2, totalTokens: 106, cacheReadInputTokens: 60, cacheWriteInputTokens: 40 }
    const { figures } = advance(TURN, { type: 'metadata', usage, latencyMs: 1 }, 5)
    expect(figures).toEqual({ inputTokens: 104, outputTokens: 2, cachedTokens: 60, keptTokens: 40 })
  })

  test('speed leaves the first token out, whose time is that of the prompt', () => {
    expect(tokensPerSecond({ outputTokens: 11, firstTextMs: 500, lastTextMs: 1000 })).toBe(20)
    expect(tokensPerSecond({ outputTokens: 1, firstTextMs: 500, lastTextMs: 500 })).toBeUndefined()
    expect(tokensPerSecond({ firstTextMs: 500, lastTextMs: 900 })).toBeUndefined()
  })

  test('failed and empty answers are left out of the next request', () => {
    const turns: Turn[] = [
      { ...TURN, answer: 'Hello', state: 'done' },
      { ...TURN, id: 2, prompt: 'broken', answer: 'Hal', state: 'failed' },
      { ...TURN, id: 3, prompt: 'stopped early', answer: '', state: 'stopped' },
    ]
    expect(messagesOf(turns, 'Next').map(({ role, content }) => [role, content[0]?.text])).toEqual([
      ['user', 'Hi'],
      ['assistant', 'Hello'],
      ['user', 'Next'],
    ])
  })

  test('the code view repeats the latest question until another is being written', () => {
    const turns: Turn[] = [{ ...TURN, answer: 'Hello', state: 'done' }]
    const prompts = (draft: string) => messagesToShow(turns, draft).map(({ content }) => content[0]?.text)
    expect(prompts(' ')).toEqual(['Hi'])
    expect(prompts('More')).toEqual(['Hi', 'Hello', 'More'])
    expect(messagesToShow([], '')).toEqual([{ role: 'user', content: [{ text: 'Hello!' }] }])
  })
})

describe('choices', () => {
  const card = (name: string, kind: Card['kind'], state: Card['state']) => ({ name, title: name, kind, state }) as Card
  const alias = (modelId: string, local: string | null): Alias => ({
    modelId,
    local,
    upstream: local === null ? { baseUrl: 'http://127.0.0.1:1/v1', model: 'big', hasApiKey: false } : null,
    pool: null,
    builtIn: true,
  })

  test('only text models that are there can be chosen, and AWS ids that one of them or another server answers', () => {
    const cards = [card('a', 'text', 'not-pulled'), card('b', 'text', 'ready'), card('e', 'embedding', 'ready')]
    const aliases = [alias('aws.a', 'a'), alias('aws.b', 'b'), alias('aws.e', 'e'), alias('aws.far', null)]
    expect(usable(modelOptions(cards, aliases, [])).map(({ value }) => value)).toEqual(['b', 'aws.b', 'aws.far'])
  })

  test('imported models are a group of their own, asked for by their ARNs', () => {
    const modelArn = 'arn:aws:bedrock:us-east-1:111122223333:imported-model/abcdefghijkl'
    const imported = [{ modelArn, modelName: 'mine', creationTime: '2026-05-04T08:00:00Z' }]
    const groups = modelOptions([], [], imported)
    expect(groups.find(({ label }) => label === 'Imported models')?.options).toEqual([{ value: modelArn, label: 'mine' }])
    const base = modelOptions([], [], [{ ...imported[0]!, instructSupported: false }])
    expect(usable(base)).toEqual([])
    expect(modelOptions([], [], []).some(({ label }) => label === 'Imported models')).toBe(false)
  })

  test('endpoints that Bedrock knows and that answer are a group of their own', () => {
    const row = (name: string, status: EndpointRow['status'], registered = true): EndpointRow => {
      const arn = `arn:aws:sagemaker:us-east-1:111122223333:endpoint/${name}`
      const known = { endpointArn: arn, modelSourceIdentifier: 'm', status: 'REGISTERED', createdAt: '' } as const
      return { name, arn, status, createdAt: undefined, marketplace: registered ? known : undefined }
    }
    const rows = [row('a', 'InService'), row('b', 'Creating'), row('c', 'InService', false), row('d', 'Updating')]
    const groups = modelOptions([], [], [], rows)
    expect(groups.find(({ label }) => label === 'Endpoints')?.options.map(({ label }) => label)).toEqual(['a', 'b', 'd'])
    expect(usable(groups).map(({ label }) => label)).toEqual(['a', 'd'])
  })

  test('an endpoint is called by its name, anything else as it is', () => {
    expect(shownId('arn:aws:sagemaker:us-east-1:111122223333:endpoint/shop')).toBe('shop')
    expect(shownId('amazon.nova-micro-v1:0')).toBe('amazon.nova-micro-v1:0')
  })
})

describe('code', () => {
  const input: CodeInput = {
    endpoint: 'http://127.0.0.1:4566',
    region: 'eu-central-1',
    modelId: 'anthropic.claude-3-haiku-20240307-v1:0',
    request: requestOf({ ...INITIAL, system: `It's "so"\n`, temperature: '0.5' }, [
      { role: 'user', content: [{ text: "What's a $HOME \\ `x`?" }] },
    ]),
  }

  test('boto3', () => {
    expect(codeFor('boto3', input)).toMatchInlineSnapshot(`
      "# pip install boto3; credentials: eval "$(craton env)"
      import boto3

      client = boto3.client(
          "bedrock-runtime",
          endpoint_url="http://127.0.0.1:4566",
          region_name="eu-central-1",
      )
      response = client.converse_stream(
          modelId="anthropic.claude-3-haiku-20240307-v1:0",
          messages=[
              {
                  "role": "user",
                  "content": [
                      {"text": "What's a $HOME \\\\ \`x\`?"},
                  ],
              },
          ],
          system=[
              {"text": "It's \\"so\\"\\n"},
          ],
          inferenceConfig={"temperature": 0.5, "maxTokens": 512},
      )
      for event in response["stream"]:
          if "contentBlockDelta" in event:
              print(event["contentBlockDelta"]["delta"]["text"], end="", flush=True)
          elif "metadata" in event:
              print("\\n", event["metadata"]["usage"])
      "
    `)
  })

  test('what AWS has no parameters for is in every language', () => {
    const asked: Message[] = [{ role: 'user', content: [{ text: 'Hi' }] }]
    const settings: Settings = { ...INITIAL, loopDetection: true, ngramSize: '3', cachePoint: 'conversation' }
    const more = { ...input, request: requestOf(settings, asked) }
    expect(codeFor('boto3', more)).toContain('additionalModelRequestFields={"no_repeat_ngram_size": 3, "loop_detection": True},')
    expect(codeFor('boto3', more)).toContain('"cachePoint": {"type": "default"}')
    expect(codeFor('cli', more)).toContain(`--additional-model-response-field-paths '["/stop_reason_detail"]'`)
    expect(codeFor('curl', more)).toContain('"loop_detection": true')
    expect(codeFor('curl', more)).not.toContain('cachePoint')
  })

  test('the form of an answer is in every language', () => {
    const asked: Message[] = [{ role: 'user', content: [{ text: 'Hi' }] }]
    const schema = { ...input, request: requestOf({ ...INITIAL, form: 'schema', formText: '{"type":"object"}' }, asked) }
    expect(codeFor('boto3', schema)).toContain('"jsonSchema": {"name": "answer", "schema": "{\\"type\\":\\"object\\"}"}')
    expect(codeFor('cli', schema)).toContain('--output-config')
    expect(codeFor('curl', schema)).toMatch(/"response_format": \{\s+"type": "json_schema",\s+"json_schema": \{\s+"name": "answer",\s+"schema": \{\s+"type": "object"/)
    const regex = { ...input, request: requestOf({ ...INITIAL, form: 'regex', formText: '[a-z]+' }, asked) }
    expect(codeFor('boto3', regex)).toContain('"structured_outputs": {"regex": "[a-z]+"}')
    expect(codeFor('curl', regex)).toContain('"regex": "[a-z]+"')
  })

  test('AWS CLI', () => {
    expect(codeFor('cli', input)).toMatchInlineSnapshot(`
      "# credentials: eval "$(craton env)"; the AWS CLI has no command for the streaming call
      aws bedrock-runtime converse \\
        --endpoint-url http://127.0.0.1:4566 \\
        --region eu-central-1 \\
        --model-id anthropic.claude-3-haiku-20240307-v1:0 \\
        --messages '[{"role":"user","content":[{"text":"What'\\''s a $HOME \\\\ \`x\`?"}]}]' \\
        --system '[{"text":"It'\\''s \\"so\\"\\n"}]' \\
        --inference-config '{"temperature":0.5,"maxTokens":512}'
      "
    `)
  })

  test('curl', () => {
    expect(codeFor('curl', input)).toMatchInlineSnapshot(`
      "# CRATON_API_KEY: an API key from the page "Access keys" that opens OpenAI
      curl -N http://127.0.0.1:4566/v1/chat/completions \\
        -H "Authorization: Bearer $CRATON_API_KEY" \\
        -H 'Content-Type: application/json' \\
        -d '{
        "model": "anthropic.claude-3-haiku-20240307-v1:0",
        "messages": [
          {
            "role": "system",
            "content": "It'\\''s \\"so\\"\\n"
          },
          {
            "role": "user",
            "content": "What'\\''s a $HOME \\\\ \`x\`?"
          }
        ],
        "temperature": 0.5,
        "max_tokens": 512,
        "stream": true,
        "stream_options": {
          "include_usage": true
        }
      }'
      "
    `)
  })
})
