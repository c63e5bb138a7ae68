/** Who a new role may trust. */
export const TRUSTED = [
  { value: 'account', label: 'This account', description: 'Its users and roles, as far as their own policies let them' },
  { value: 'bedrock.amazonaws.com', label: 'Amazon Bedrock', description: 'Model import, knowledge bases, evaluations, agents' },
  { value: 'sagemaker.amazonaws.com', label: 'Amazon SageMaker', description: 'Training, processing, endpoints' },
  { value: 'qbusiness.amazonaws.com', label: 'Amazon Q Business', description: 'Applications and data sources' },
  { value: 'lambda.amazonaws.com', label: 'AWS Lambda', description: 'Functions' },
] as const

/** A trust policy for one of them. Services are held to work for this account. */
export function trustOf(trusted: string, account: string): string {
  const statement =
    trusted === 'account'
      ? { Effect: 'Allow', Principal: { AWS: `arn:aws:iam::${account}:root` }, Action: 'sts:AssumeRole' }
      : {
          Effect: 'Allow',
          Principal: { Service: trusted },
          Action: 'sts:AssumeRole',
          Condition: { StringEquals: { 'aws:SourceAccount': account } },
        }
  return JSON.stringify({ Version: '2012-10-17', Statement: [statement] }, null, 2)
}

/** The principals that a trust policy names, for a list. */
export function trustedBy(trust: string): string {
  try {
    const { Statement } = JSON.parse(trust) as { Statement: unknown }
    const names = [Statement].flat().flatMap((statement) => {
      const { Principal } = statement as { Principal?: string | Record<string, string | string[]> }
      if (Principal === undefined) return []
      return typeof Principal === 'string' ? [Principal] : Object.values(Principal).flat()
    })
    return [...new Set(names)].join(', ') || '–'
  } catch {
    return '–'
  }
}
