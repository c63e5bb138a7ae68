/** What was typed to deploy a model, checked as the server would. */
import type { Deployment } from '../../api/endpoints.ts'
import type { Card } from '../../api/models.ts'

export type Target = 'marketplace' | 'sagemaker'

export interface Draft {
  target: Target
  name: string
  instances: string
  instanceType: string
  /** Whether it is made as a role that was typed, and not as the one that is made for endpoints. */
  ownRole: boolean
  roleArn: string
  kmsKeyId: string
  /** Whether the number of instances follows the work. */
  scales: boolean
  least: string
  most: string
  acceptEula: boolean
}

export type DraftErrors = Partial<Record<keyof Draft, string>>

/** The version under which the hub lists every model. */
const HUB_VERSION = '1.0.0'
/** The longest names: of Bedrock Marketplace, and of SageMaker. */
export const LONGEST = { marketplace: 50, sagemaker: 63 } as const
export const MOST_INSTANCES = 100
/** A role that services of the account may use for endpoints; made where nothing else was chosen. */
export const ROLE_NAME = 'CratonEndpoints'
export const TRUST = JSON.stringify({
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Principal: { Service: 'sagemaker.amazonaws.com' }, Action: 'sts:AssumeRole' }],
})

/** Instance types that are offered; the server knows more. What a machine can do is told by the fit, not by its name here. */
export const INSTANCE_TYPES = [
  'ml.g6.12xlarge',
  'ml.g6.xlarge',
  'ml.g5.xlarge',
  'ml.g5.2xlarge',
  'ml.g5.12xlarge',
  'ml.p4d.24xlarge',
  'ml.m5.xlarge',
  'ml.c5.2xlarge',
  'ml.c6i.4xlarge',
] as const

export function initial({ name, jumpstartId }: Pick<Card, 'name' | 'jumpstartId'>): Draft {
  return {
    // Bedrock Marketplace knows the models of SageMaker's public hub, and no others.
    target: jumpstartId ? 'marketplace' : 'sagemaker',
    name: nameOf(name),
    instances: '1',
    instanceType: INSTANCE_TYPES[0],
    ownRole: false,
    roleArn: '',
    kmsKeyId: '',
    scales: false,
    least: '0',
    most: '2',
    acceptEula: false,
  }
}

/** An endpoint's name of a model's. */
export function nameOf(model: string): string {
  const plain = model.replace(/[^A-Za-z0-9]+/g, '-').replace(/^-+|-+$/g, '')
  return plain.slice(0, LONGEST.marketplace).replace(/-+$/, '')
}

/** What cannot be sent, by field. */
export function check(draft: Draft, mustAccept: boolean): DraftErrors {
  const errors: DraftErrors = {}
  const longest = LONGEST[draft.target]
  if (draft.name === '') errors.name = 'A name is needed'
  else if (draft.name.length > longest) errors.name = `At most ${longest} characters; these are ${draft.name.length}`
  else if (!/^[A-Za-z0-9](-*[A-Za-z0-9])*$/.test(draft.name)) errors.name = 'Letters, digits and hyphens within'
  if (!isCount(draft.instances, 1, MOST_INSTANCES)) errors.instances = `A whole number from 1 to ${MOST_INSTANCES}`
  if (!/^ml\.[a-z0-9-]+\.[a-z0-9-]+$/.test(draft.instanceType)) errors.instanceType = 'A type such as ml.g6.12xlarge'
  if (draft.ownRole && !/^arn:aws[a-z-]*:iam::\d{12}:role\/.+$/.test(draft.roleArn)) errors.roleArn = 'The ARN of a role'
  if (draft.target === 'sagemaker' && draft.scales) {
    if (!isCount(draft.least, 0, MOST_INSTANCES)) errors.least = `A whole number from 0 to ${MOST_INSTANCES}`
    if (!isCount(draft.most, Math.max(1, Number(draft.least) || 0), MOST_INSTANCES)) errors.most = 'At least 1, and no less than the least'
  }
  if (mustAccept && !draft.acceptEula) errors.acceptEula = 'The terms must be accepted'
  return errors
}

function isCount(text: string, least: number, most: number): boolean {
  const value = Number(text)
  return /^\d{1,3}$/.test(text.trim()) && value >= least && value <= most
}

/** What is asked of the server. Bedrock Marketplace is told the hub's content, SageMaker the catalogue's name. */
export function deploymentOf(draft: Draft, card: Card, region: string, roleArn: string): Deployment {
  const content = card.jumpstartId
    ? `arn:aws:sagemaker:${region}:aws:hub-content/SageMakerPublicHub/Model/${card.jumpstartId}/${HUB_VERSION}`
    : card.name
  return {
    endpointName: draft.name,
    model: draft.target === 'marketplace' ? content : card.name,
    instances: Number(draft.instances),
    instanceType: draft.instanceType,
    roleArn,
    kmsKeyId: draft.kmsKeyId.trim() || undefined,
    // What was accepted for the account before holds.
    acceptEula: draft.acceptEula || Boolean(card.licence.accepted),
    scaling:
      draft.target === 'sagemaker' && draft.scales ? { least: Number(draft.least), most: Number(draft.most) } : undefined,
  }
}
