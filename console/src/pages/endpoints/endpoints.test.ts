import { describe, expect, it } from 'vitest'
import type { EndpointFigures, VariantFigures } from '../../api/endpoints.ts'
import type { Card } from '../../api/models.ts'
import { check, deploymentOf, initial, nameOf, type Draft } from './draft.ts'
import { KEPT, line, remembered } from './history.ts'
import { came } from './predicted.ts'
import { answering, isMoving, modelName, occupancy, percentiles, percentText, scalingText, statusOf } from './text.ts'

const draft = (change: Partial<Draft>): Draft => ({ ...initial({ name: 'smollm2-135m-instruct', jumpstartId: 'huggingface-llm-x' }), ...change })

describe('what is typed to deploy a model', () => {
  it('has a name of the model that an endpoint can have', () => {
    expect(nameOf('qwen2.5-1.5b-instruct')).toBe('qwen2-5-1-5b-instruct')
    expect(nameOf('.x'.repeat(60))).toMatch(/^[A-Za-z0-9](-*[A-Za-z0-9])*$/)
    expect(nameOf('.x'.repeat(60)).length).toBeLessThanOrEqual(50)
    expect(check(initial({ name: 'qwen2.5-1.5b-instruct', jumpstartId: null }), false)).toEqual({})
  })

  it('is refused by field', () => {
    expect(check(draft({ name: '' }), false)).toHaveProperty('name')
    expect(check(draft({ name: 'a_b' }), false)).toHaveProperty('name')
    expect(check(draft({ name: 'a'.repeat(51) }), false).name).toContain('51')
    expect(check(draft({ name: 'a'.repeat(51), target: 'sagemaker' }), false)).toEqual({})
    for (const instances of ['0', '101', '1.5', '', 'two']) expect(check(draft({ instances }), false)).toHaveProperty('instances')
    for (const instances of ['1', '100']) expect(check(draft({ instances }), false)).toEqual({})
    expect(check(draft({ instanceType: 'g6' }), false)).toHaveProperty('instanceType')
    expect(check(draft({ ownRole: true, roleArn: '' }), false)).toHaveProperty('roleArn')
    expect(check(draft({ ownRole: true, roleArn: 'arn:aws:iam::111122223333:role/x' }), false)).toEqual({})
  })

  it('goes through SageMaker where the public hub does not have the model', () => {
    expect(initial({ name: 'mine', jumpstartId: null }).target).toBe('sagemaker')
    expect(initial({ name: 'm', jumpstartId: 'huggingface-llm-m' }).target).toBe('marketplace')
  })

  it('needs the terms accepted where the licence asks for it', () => {
    expect(check(draft({}), true)).toHaveProperty('acceptEula')
    expect(check(draft({ acceptEula: true }), true)).toEqual({})
  })

  it('scales between two numbers, and to nothing', () => {
    const scales = { target: 'sagemaker', scales: true } as const
    expect(check(draft({ ...scales, least: '0', most: '4' }), false)).toEqual({})
    expect(check(draft({ ...scales, least: '3', most: '2' }), false)).toHaveProperty('most')
    expect(check(draft({ ...scales, least: '0', most: '0' }), false)).toHaveProperty('most')
    expect(check(draft({ scales: true, least: 'x' }), false)).toEqual({})
  })

  it('names the hub’s content to Bedrock Marketplace and the catalogue’s name to SageMaker', () => {
    const card = { name: 'm', jumpstartId: 'huggingface-llm-m', licence: {} } as Card
    const asked = (change: Partial<Draft>) => deploymentOf(draft(change), card, 'eu-west-1', 'arn:role')
    expect(asked({}).model).toBe('arn:aws:sagemaker:eu-west-1:aws:hub-content/SageMakerPublicHub/Model/huggingface-llm-m/1.0.0')
    expect(asked({ target: 'sagemaker' }).model).toBe('m')
    expect(deploymentOf(draft({}), { name: 'm', licence: {} } as Card, 'eu-west-1', '').model).toBe('m')
    expect(asked({ target: 'sagemaker', scales: true, least: '0', most: '3' }).scaling).toEqual({ least: 0, most: 3 })
    expect(asked({ scales: true }).scaling).toBeUndefined()
    const accepted = { ...card, licence: { accepted: { acceptedBy: 'a', acceptedAt: '' } } } as Card
    expect(deploymentOf(draft({}), accepted, 'eu-west-1', '').acceptEula).toBe(true)
    expect(asked({}).acceptEula).toBe(false)
    expect(asked({ kmsKeyId: '  ' }).kmsKeyId).toBeUndefined()
  })
})

const variant = (change: Partial<VariantFigures> = {}): VariantFigures => ({
  name: 'AllTraffic',
  model: 'm',
  servedModel: 'm',
  substituted: false,
  why: null,
  instances: 1,
  desiredInstances: 1,
  tokensPerSecond: 10,
  queue: 1,
  running: 2,
  slots: 8,
  cachedTokensShare: 0.5,
  firstToken: { p50: 40, p95: 100, p99: 1500 },
  latency: { p50: null, p95: null, p99: null },
  invocations: 1,
  errors: 0,
  throttled: 0,
  ...change,
})

const figures = (...variants: VariantFigures[]): EndpointFigures => ({
  name: 'e',
  arn: 'arn',
  status: 'InService',
  variants,
  createdAt: '',
  lastUsedAt: null,
})

describe('an endpoint in words', () => {
  it('tells states, those of AWS that are not known among them', () => {
    expect(statusOf('InService')).toEqual({ type: 'success', text: 'In service' })
    expect(statusOf('Failed').type).toBe('error')
    expect(statusOf('New' as 'Failed').text).toBe('New')
    expect(isMoving('Creating')).toBe(true)
    expect(isMoving('InService')).toBe(false)
  })

  it('tells the model of a hub’s content', () => {
    expect(modelName('arn:aws:sagemaker:us-east-1:aws:hub-content/SageMakerPublicHub/Model/huggingface-llm-x/1.0.0')).toBe('huggingface-llm-x')
    expect(modelName('smollm2')).toBe('smollm2')
  })

  it('tells figures, and a dash where there are none', () => {
    expect(percentiles(variant().firstToken)).toBe('40 ms, 100 ms, 1.50 s')
    expect(percentiles(variant().latency)).toBe('–')
    expect(percentiles({ p50: 0, p95: 0, p99: 0 })).toBe('–')
    expect(percentText(null)).toBe('–')
    expect(occupancy(variant())).toBe('2 of 8 (25 %)')
    expect(occupancy(variant({ slots: 0 }))).toBe('–')
  })

  it('tells every model that answers once', () => {
    expect(answering(figures(variant(), variant({ servedModel: 'other' }), variant()))).toBe('m, other')
    expect(answering(undefined)).toBe('–')
  })

  it('tells whether the number of instances follows the work', () => {
    const scaling = { Status: 'ENABLED', MinInstanceCount: 0, MaxInstanceCount: 3 } as const
    expect(scalingText({ configured: [{ VariantName: 'a', ManagedInstanceScaling: scaling }] })).toBe('0 to 3')
    expect(scalingText({ configured: [{ VariantName: 'a' }] })).toBe('')
  })
})

describe('what an endpoint did since its page is open', () => {
  it('adds the variants up and forgets what is long ago', () => {
    const [moment] = remembered([], figures(variant(), variant({ tokensPerSecond: null, firstToken: { p50: 90, p95: 90, p99: 90 } })))
    expect(moment).toEqual({ tokensPerSecond: 10, queue: 2, running: 4, firstTokenMs: 90 })
    const many = Array.from({ length: KEPT }, () => moment!)
    expect(remembered(many, figures(variant({ queue: 9 })))).toHaveLength(KEPT)
    expect(remembered(many, figures(variant({ queue: 9 }))).at(-1)?.queue).toBe(9)
  })

  it('is a line with gaps where nothing was measured', () => {
    expect(line([0, 10, null, 5, 0], 100, 42)).toEqual(['0,41 25,1', '75,21 100,41'])
    expect(line([7], 100, 42)).toEqual(['0,1'])
    expect(line([], 100, 42)).toEqual([])
    expect(line([0, 0], 100, 42)).toEqual(['0,41 100,41'])
  })
})

describe('predictions', () => {
  const fit = {
    name: 'm',
    context: 1,
    slots: 1,
    weightsBytes: 1,
    cacheBytes: 1,
    workingBytes: 1,
    memoryBytes: 3,
    loadBytes: 2048,
    availableBytes: 9,
    fits: true,
    missingBytes: 0,
    prefillTokensPerSecond: 200,
    decodeTokensPerSecond: 6,
  }

  it('stand beside what came of them, as far as it was measured', () => {
    const errors = { memory: null, prefill: 0.11, decode: -0.04 }
    const measured = { memoryBytes: null, prefillTokensPerSecond: 180, decodeTokensPerSecond: 5.5, errors }
    expect(came({ ...fit, measured })).toEqual([
      { label: 'Reading prompts', text: '180 tokens/s measured, 200 tokens/s predicted: 11 % too high for what was asked' },
      { label: 'Writing answers', text: '5.5 tokens/s measured, 6.0 tokens/s predicted: 4 % too low for what was asked' },
    ])
    expect(came({ ...fit, measured: null })).toEqual([])
  })
})
