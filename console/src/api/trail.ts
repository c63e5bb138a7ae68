/** CloudTrail's event history: what was done and what was refused. */
import { awsJson } from './awsJson.ts'

export interface TrailEvent {
  EventId: string
  EventName: string
  EventSource: string
  /** Seconds since 1970. */
  EventTime: number
  Username?: string
  ReadOnly?: string
  Resources?: { ResourceType?: string; ResourceName?: string }[]
  /** The whole event as JSON text. */
  CloudTrailEvent: string
}

export interface TrailPage {
  events: TrailEvent[]
  next: string | undefined
}

/** What events can be looked up by. */
export type Attribute = 'EventName' | 'Username' | 'ResourceName' | 'EventSource' | 'AccessKeyId' | 'ReadOnly' | 'EventId'

export async function lookupEvents(
  attribute: Attribute | undefined,
  value: string,
  token?: string,
  signal?: AbortSignal,
): Promise<TrailPage> {
  const input = {
    MaxResults: 50,
    ...(attribute && value ? { LookupAttributes: [{ AttributeKey: attribute, AttributeValue: value }] } : {}),
    ...(token ? { NextToken: token } : {}),
  }
  const page = await awsJson<{ Events?: TrailEvent[]; NextToken?: string }>('cloudtrail', 'LookupEvents', input, signal)
  return { events: page.Events ?? [], next: page.NextToken || undefined }
}

/** What the event says of itself beyond its columns. */
export function detailsOf(event: TrailEvent): { errorCode?: string; errorMessage?: string; requestID?: string } {
  try {
    return JSON.parse(event.CloudTrailEvent) as { errorCode?: string; errorMessage?: string; requestID?: string }
  } catch {
    return {}
  }
}
