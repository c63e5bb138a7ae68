import { describe, expect, test } from 'vitest'
import type { ImportDetails, NeededPolicy, Quality } from '../../api/imports.ts'
import { modelOf, type Job } from '../../api/jobs.ts'
import type { KeyRow } from '../../api/kms.ts'
import { rawBody, samplesFor } from './code.ts'
import { commandOf, cratonCommandOf, draftOf, faults, keyArn, newDraft, parse, policyRequestOf, requestOf, type Draft } from './draft.ts'
import { byAccount, pageOf, scriptOf } from './policies.ts'
import { changeText, figure, perplexityText, share } from './quality.ts'
import { stageOf, stageStatus } from './stages.ts'

const HOST = '777788889999'
const KEY = `arn:aws:kms:us-east-1:${HOST}:key/6cd5d3bf-3d9b-4d1c-83d5-8df6284435a1`
const NOW = new Date('2026-05-04T08:12:09Z')
const GOOD: Draft = {
  ...newDraft(NOW),
  s3Uri: 's3://model-artifacts-111122223333/mistral-model-weights/',
  sourceAccount: '111122223333',
  roleArn: `arn:aws:iam::${HOST}:role/BedrockCMIExecutionRole-${HOST}`,
  modelName: 'mistral-777788889999-01',
}

describe('draft', () => {
  test('what the article imports has no fault', () => {
    expect(faults(GOOD, HOST)).toEqual({})
    expect(GOOD.jobName).toBe('import-20260504-081209')
  })

  test.each([
    ['s3Uri', 'https://model-artifacts/weights'],
    ['s3Uri', 's3://Model-Artifacts/weights'],
    ['s3Uri', 's3://model-artifacts//weights'],
    ['s3Uri', ''],
    ['sourceAccount', '1111'],
    ['sourceKey', 'alias/mine'],
    ['roleArn', `arn:aws:sts::${HOST}:role/import`],
    ['roleArn', 'arn:aws:iam::111122223333:role/import'],
    ['jobName', '-import'],
    ['jobName', 'j'.repeat(64)],
    ['modelName', 'two--hyphens'],
    ['modelName', 'with.dot'],
    ['modelName', ''],
    ['kmsKey', 'my-key'],
  ] as const)('%s cannot be `%s`', (field, value) => {
    expect(Object.keys(faults({ ...GOOD, [field]: value }, HOST))).toEqual([field])
  })

  test.each([
    ['s3Uri', 's3://model-artifacts'],
    ['s3Uri', "s3://model.artifacts/a_b/(c)'d!*/"],
    ['roleArn', `arn:aws:iam::${HOST}:role/teams/ml/import`],
    ['jobName', 'import-7B+1.5'],
    ['modelName', 'Mistral_7B-v1'],
    ['kmsKey', 'alias/models'],
    ['kmsKey', KEY],
    ['kmsKey', '6cd5d3bf-3d9b-4d1c-83d5-8df6284435a1'],
  ] as const)('%s can be `%s`', (field, value) => {
    expect(faults({ ...GOOD, [field]: value }, HOST)).toEqual({})
  })

  test('a tag needs a key and may have no value', () => {
    expect(faults({ ...GOOD, tags: [{ key: 'team', value: '' }] }, HOST)).toEqual({})
    expect(faults({ ...GOOD, tags: [{ key: ' ', value: 'x' }] }, HOST)).toHaveProperty('tags')
  })

  test.each(['none', 'labels=0.9', 'labels=0.9, argmax=0.8,perplexity=1.1', ''])('a bound can be `%s`', (bound) => {
    expect(faults({ ...GOOD, bound }, HOST)).toEqual({})
  })

  test.each(['label=0.9', '0.9', 'labels=0.9;argmax=1'])('a bound cannot be `%s`', (bound) => {
    expect(Object.keys(faults({ ...GOOD, bound }, HOST))).toEqual(['bound'])
  })

  test('a bound is asked for, and shown on the command line, where it is given', () => {
    expect(requestOf(GOOD)).not.toHaveProperty('bound')
    const asked = requestOf({ ...GOOD, quantization: 'Q8_0', bound: ' labels=0.9 ' })
    expect(asked.bound).toBe('labels=0.9')
    expect(cratonCommandOf(asked)).toContain('--quantization Q8_0 \\\n  --bound labels=0.9')
  })

  test('the request leaves out a key that was not given', () => {
    expect(requestOf(GOOD)).not.toHaveProperty('kmsKeyId')
    expect(requestOf({ ...GOOD, kmsKey: ` ${KEY} ` }).kmsKeyId).toBe(KEY)
  })

  test('policies name the caller’s account and its key by ARN where those were left out or shortened', () => {
    const keys = [{ KeyId: '6cd5d3bf-3d9b-4d1c-83d5-8df6284435a1', Arn: KEY, aliases: ['alias/models'] } as KeyRow]
    const asked = policyRequestOf({ ...GOOD, sourceAccount: '', kmsKey: 'alias/models' }, HOST, keys)
    expect(asked).toEqual({ roleArn: GOOD.roleArn, s3Uri: GOOD.s3Uri, sourceAccount: HOST, kmsKeyArn: KEY })
    expect(keyArn(`arn:aws:kms:us-east-1:${HOST}:alias/models`, keys)).toBe(KEY)
    expect(keyArn('alias/unknown', keys)).toBe('alias/unknown')
    expect(keyArn('', keys)).toBe('')
  })

  test('a draft outlasts a look at another page, and what is odd in it does not', () => {
    const draft: Draft = { ...GOOD, quantization: 'Q8_0', tags: [{ key: 'team', value: 'ml' }] }
    expect(parse(JSON.stringify(draft), NOW)).toEqual(draft)
    expect(parse('{"s3Uri": 7, "quantization": "Q2", "tags": "x"}', NOW)).toEqual(newDraft(NOW))
    for (const text of [null, '{', 'null', '[]']) expect(parse(text, NOW)).toEqual(newDraft(NOW))
  })

  test('an import is asked for again under another job name', () => {
    const job = { ...GOOD, jobName: 'first', kmsKeyArn: KEY, quantization: 'Q4_K_M' } as unknown as ImportDetails
    expect(draftOf(job, NOW)).toMatchObject({ s3Uri: GOOD.s3Uri, jobName: 'import-20260504-081209', kmsKey: KEY, quantization: 'Q4_K_M' })
  })

  test('Craton’s command has the quantization and the tags of both', () => {
    const request = requestOf({ ...GOOD, jobName: 'j', quantization: 'Q8_0', tags: [{ key: 'team', value: 'ml' }] })
    expect(cratonCommandOf(request)).toBe(
      [
        'craton import create',
        '--job-name j',
        '--model-name mistral-777788889999-01',
        '--from s3://model-artifacts-111122223333/mistral-model-weights/',
        `--role-arn arn:aws:iam::${HOST}:role/BedrockCMIExecutionRole-${HOST}`,
        '--quantization Q8_0',
        '--tag team=ml',
        '--model-tag team=ml',
      ].join(' \\\n  '),
    )
  })

  test('the command is the article’s', () => {
    const request = requestOf({ ...GOOD, jobName: 'cmi-job-01', kmsKey: KEY, tags: [{ key: 'team', value: "ML's" }] })
    expect(commandOf(request)).toBe(
      [
        'aws bedrock create-model-import-job',
        '--job-name cmi-job-01',
        '--imported-model-name mistral-777788889999-01',
        `--role-arn arn:aws:iam::${HOST}:role/BedrockCMIExecutionRole-${HOST}`,
        `--model-data-source '{"s3DataSource":{"s3Uri":"s3://model-artifacts-111122223333/mistral-model-weights/"}}'`,
        `--imported-model-kms-key-id ${KEY}`,
        `--job-tags 'key=team,value=ML'\\''s'`,
        `--imported-model-tags 'key=team,value=ML'\\''s'`,
      ].join(' \\\n  '),
    )
  })
})

describe('policies', () => {
  const policy = (fields: Partial<NeededPolicy>): NeededPolicy => ({
    account: HOST,
    side: 'host',
    step: 2,
    kind: 'role-policy',
    title: 'Role policy',
    resource: `arn:aws:iam::${HOST}:role/teams/import`,
    document: {},
    command: 'aws iam put-role-policy',
    ...fields,
  })

  test('the source’s account comes first and every account has its steps in order', () => {
    const groups = byAccount([
      policy({ step: 5, title: 'Keys' }),
      policy({}),
      policy({ account: '111122223333', side: 'source', step: 3, title: 'Key', command: 'aws kms put-key-policy' }),
      policy({ account: '111122223333', side: 'source', step: 1, title: 'Bucket', command: 'aws s3api put-bucket-policy' }),
    ])
    expect(groups.map(({ account, policies }) => [account, policies.map(({ step }) => step)])).toEqual([
      ['111122223333', [1, 3]],
      [HOST, [2, 5]],
    ])
    expect(groups[0]?.script).toBe('# 1. Bucket\naws s3api put-bucket-policy\n\n# 3. Key\naws kms put-key-policy\n')
  })

  test('a document is written to the file that its command puts, and a statement is added to the key’s policy', () => {
    const put = policy({ document: { Version: '2012-10-17' }, command: 'aws iam put-role-policy --policy-document file://role.json' })
    expect(scriptOf(put)).toBe(
      `# 2. Role policy\ncat > role.json <<'JSON'\n{\n  "Version": "2012-10-17"\n}\nJSON\naws iam put-role-policy --policy-document file://role.json\n`,
    )
    const trust = policy({ kind: 'trust-policy', command: 'aws iam update-assume-role-policy --policy-document file://trust.json' })
    expect(scriptOf(trust)).toContain(
      'aws iam get-role --role-name import > /dev/null 2>&1 \\\n  || aws iam create-role --role-name import --assume-role-policy-document file://trust.json > /dev/null\n',
    )
    const key = policy({ step: 4, kind: 'key-policy-statement', resource: KEY, document: { Sid: 'Use' }, command: 'aws kms put-key-policy --policy file://key.json' })
    expect(scriptOf(key)).toBe(
      '# 4. Role policy\naws kms get-key-policy --key-id 6cd5d3bf-3d9b-4d1c-83d5-8df6284435a1 --policy-name default --query Policy --output text \\\n' +
        `  | jq '.Statement += [{"Sid":"Use"}]' > key.json\naws kms put-key-policy --policy file://key.json\n`,
    )
  })

  test('one account that is both sides is shown once', () => {
    const groups = byAccount([policy({}), policy({ side: 'source', step: 1 })])
    expect(groups.map(({ description }) => description)).toEqual(['Owns the checkpoint and hosts the model.'])
  })

  test('each is opened where the console edits it', () => {
    expect(pageOf(policy({}))).toBe('/roles?role=import')
    expect(pageOf(policy({ kind: 'bucket-policy', resource: 'arn:aws:s3:::models' }))).toBe('/buckets?bucket=models')
    expect(pageOf(policy({ kind: 'key-policy-statement', resource: KEY }))).toBe('/kms?key=6cd5d3bf-3d9b-4d1c-83d5-8df6284435a1')
  })
})

describe('quality', () => {
  const quality: Quality = {
    text: 'The granite text',
    tokens: 1024,
    perplexity: 12.62,
    exact: { perplexity: 12.34, agreement: 0.9534, format: 'BF16' },
    unmeasured: null,
  }

  test('perplexity is told in a sentence', () => {
    expect(perplexityText(quality)).toMatch(/^Reading 1,024 tokens of “The granite text”, .* choose among 12\.6 equally likely ones\./)
  })

  test('the change by the quantization is told with both figures', () => {
    expect(changeText(quality, 'Q4_K_M')).toBe(
      'The weights as they came (BF16) have 12.3: Q4_K_M makes it 2.3 % higher. Both expect the same next token at 95.3 % of all places.',
    )
    expect(changeText({ ...quality, perplexity: 12.341, exact: { perplexity: 12.34, agreement: 1, format: 'F16' } }, 'F16')).toBe(
      'The same as that of the weights as they came (F16). Both expect the same next token at 100 % of all places.',
    )
    expect(changeText({ ...quality, perplexity: 11.1 }, 'Q8_0')).toContain('Q8_0 makes it 10 % lower')
  })

  test('why nothing was compared is told', () => {
    const alone = { ...quality, exact: null, unmeasured: 'it does not fit in memory.' }
    expect(changeText(alone, 'F16')).toBe('The weights as they came were not measured: it does not fit in memory.')
    expect(changeText({ ...alone, unmeasured: null }, 'F16')).toContain('were not measured')
  })

  test('figures are not more exact than what they tell', () => {
    expect([figure(9.876), figure(98.76), figure(258.9), figure(12_345.6)]).toEqual(['9.88', '98.8', '259', '12,346'])
    expect([share(1), share(0.99999), share(0.9723), share(0.5), share(0)]).toEqual(['100 %', '99.9 %', '97.2 %', '50 %', '0 %'])
  })
})

describe('stages', () => {
  const at = (message: string | null) => ({ progress: { done: 0, total: null, unit: 'bytes', message } }) as Job

  test('the job’s words tell the stage; what was before it is done', () => {
    expect(stageOf(undefined)).toBe(0)
    expect(stageOf(at('importing the weights'))).toBe(2)
    expect(stageOf(at('something else'))).toBe(0)
    expect([0, 2, 4].map((stage) => stageStatus(stage, 2))).toEqual(['success', 'loading', 'pending'])
  })

  test('a job that imported leads to the imported model, one that downloaded to the catalogue’s', () => {
    expect(modelOf({ output: { importedModelArn: 'arn', importedModelName: 'mine' } } as Job)).toEqual({ name: 'mine', imported: true })
    expect(modelOf({ output: { name: 'smollm2' } } as Job)).toEqual({ name: 'smollm2', imported: false })
    expect(modelOf({ output: null } as Job)).toBeUndefined()
  })
})

describe('code', () => {
  const target = {
    endpoint: 'http://127.0.0.1:4566',
    region: 'eu-central-1',
    modelArn: `arn:aws:bedrock:eu-central-1:${HOST}:imported-model/abcdefghijkl`,
    architecture: 'MistralForCausalLM',
    instruct: true,
  }

  test('each client asks for the ARN at this endpoint', () => {
    const samples = samplesFor(target)
    expect(samples.map(({ label }) => label)).toEqual(['boto3 Converse', 'boto3 InvokeModel', 'AWS CLI', 'Python (openai)', 'curl (OpenAI)'])
    for (const { code } of samples) {
      expect(code).toContain(target.modelArn)
      expect(code).toContain(target.endpoint)
    }
  })

  test('a model without a chat template is given texts to carry on', () => {
    const samples = samplesFor({ ...target, instruct: false })
    expect(samples.map(({ id }) => id)).toEqual(['invoke', 'cli', 'openai'])
    expect(samples[0]?.code).toContain('body=json.dumps({"prompt": "Granite is a rock that", "max_tokens": 200}),')
    expect(samples[2]?.code).toContain('client.completions.create(')
    expect(samples[2]?.code).toContain('print(answer.choices[0].text)')
  })

  test('InvokeModel sends a conversation, and tells the body of the family for a raw prompt', () => {
    expect(rawBody('LlamaForCausalLM', 'x')).toEqual({ prompt: 'x', max_gen_len: 200 })
    expect(rawBody('MistralForCausalLM', 'x')).toEqual({ prompt: 'x', max_tokens: 200 })
    expect(samplesFor(target)[1]?.code).toContain('carried on as it stands: {"prompt":"…","max_tokens":200}')
    expect(samplesFor(target)[1]?.code).toContain('{"role": "user", "content": "What is granite?"},')
    expect(samplesFor(target)[2]?.code).toContain(`--body '{"messages":[{"role":"user","content":"What is granite?"}],"max_tokens":200}'`)
  })
})
