/** A policy of these statements. */
export function policy(Statement: object[]): string {
  return JSON.stringify({ Version: '2012-10-17', Statement }, null, 2)
}

/** Lets Bedrock take a role on for one kind of its resources (`knowledge-base`), those of this account and region alone. */
export function bedrockTrust(account: string, region: string, kind: string): string {
  return policy([
    {
      Effect: 'Allow',
      Principal: { Service: 'bedrock.amazonaws.com' },
      Action: 'sts:AssumeRole',
      Condition: {
        StringEquals: { 'aws:SourceAccount': account },
        ArnLike: { 'aws:SourceArn': `arn:aws:bedrock:${region}:${account}:${kind}/*` },
      },
    },
  ])
}
