//! The event history.

use aws_wire::generated::cloudtrail::{
    EventCategory, EventShape, LookupAttribute as WireAttribute, LookupEventsRequest, LookupEventsResponse, Resource,
};
use base::{Error, PageRequest};
use identity::{AuditEntry, AuditLookup, Ctx, Decision, LookupAttribute};
use serde_json::{Value, json};

use crate::body::full;
use crate::call::Answer;
use crate::dispatch::AwsCall;

/// How many events are given at once, and where nothing is said.
const MOST: u32 = 50;

pub(super) async fn lookup_events(call: AwsCall) -> Answer {
    let input: LookupEventsRequest = call.decode()?;
    let limit = input.max_results.and_then(|n| u32::try_from(n).ok()).unwrap_or(MOST).min(MOST);
    let page = PageRequest::from_token(limit, input.next_token.as_deref())
        .map_err(|error| error.with_code("InvalidNextTokenException"))?;
    let lookup = AuditLookup {
        attribute: attribute(input.lookup_attributes.unwrap_or_default())?,
        start: input.start_time.map(Into::into),
        end: input.end_time.map(Into::into),
    };
    // Insights are found in trails, of which there are none.
    let page = match input.event_category {
        Some(EventCategory::Insight) => base::Page { items: Vec::new(), next_after: None },
        None => {
            let page = call.api.identity().lookup_audit(&call.ctx, &lookup, &page).await;
            page.map_err(|error| match error.kind {
                base::ErrorKind::Invalid if lookup.start.is_some() => error.with_code("InvalidTimeRangeException"),
                _ => error,
            })?
        }
    };
    let next_token = page.next_token();
    let events = page.items.iter().map(|entry| describe(entry, &call.ctx)).collect();
    Ok(call.encode(&LookupEventsResponse { events: Some(events), next_token }).map(full))
}

fn attribute(attributes: Vec<WireAttribute>) -> Result<Option<(LookupAttribute, String)>, Error> {
    let invalid = |text: &str| Error::invalid(text).with_code("InvalidLookupAttributesException");
    match attributes.as_slice() {
        [] => Ok(None),
        [one] => {
            let name = LookupAttribute::parse(one.attribute_key.as_str());
            let name = name.ok_or_else(|| invalid("The lookup attribute is not known."))?;
            Ok(Some((name, one.attribute_value.clone())))
        }
        _ => Err(invalid("Only one lookup attribute is supported.")),
    }
}

fn describe(entry: &AuditEntry, ctx: &Ctx) -> EventShape {
    let details = entry.details();
    let (kind, name) = &details.resource;
    let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let resources = (!kind.is_empty())
        .then(|| Resource { resource_type: some(kind), resource_name: some(name) })
        .into_iter()
        .collect();
    EventShape {
        event_id: Some(entry.event_id().to_owned()),
        event_name: Some(entry.event_name.clone()),
        read_only: Some(entry.read_only.to_string()),
        access_key_id: some(&entry.access_key_id),
        event_time: Some(entry.time.into()),
        event_source: Some(entry.event_source.clone()),
        username: some(&entry.user_name),
        resources: Some(resources),
        cloud_trail_event: Some(record(entry, ctx).to_string()),
    }
}

/// CloudTrail's record of an event.
fn record(entry: &AuditEntry, ctx: &Ctx) -> Value {
    let details = entry.details();
    let mut identity = json!({
        "type": details.identity_type,
        "principalId": details.principal_id,
        "arn": entry.principal,
        "accountId": entry.caller_account.as_str(),
    });
    if !entry.access_key_id.is_empty() {
        identity["accessKeyId"] = json!(entry.access_key_id);
    }
    if ["IAMUser", "WebIdentityUser"].contains(&details.identity_type) {
        identity["userName"] = json!(entry.user_name);
    }
    if let Some((arn, id, name)) = &details.issuer {
        identity["sessionContext"] = json!({"sessionIssuer": {
            "type": "Role", "principalId": id, "arn": arn, "accountId": entry.caller_account.as_str(), "userName": name,
        }});
    }
    let mut record = json!({
        "eventVersion": "1.11",
        "userIdentity": identity,
        "eventTime": entry.time.to_iso8601(),
        "eventSource": entry.event_source,
        "eventName": entry.event_name,
        "awsRegion": entry.region,
        "sourceIPAddress": details.source_ip,
        "userAgent": details.user_agent,
    });
    if entry.decision == Decision::Denied {
        record["errorCode"] = json!("AccessDenied");
        record["errorMessage"] = json!(details.message);
    }
    record["requestParameters"] = Value::Null;
    record["responseElements"] = Value::Null;
    record["additionalEventData"] = json!({"action": entry.action, "decision": entry.decision.as_str()});
    record["requestID"] = json!(entry.request_id);
    record["eventID"] = json!(entry.event_id());
    record["readOnly"] = json!(entry.read_only);
    if entry.resource != "*" {
        record["resources"] = json!([{
            "accountId": details.resource_account, "type": details.resource.0, "ARN": entry.resource,
        }]);
    }
    record["eventType"] = json!("AwsApiCall");
    record["managementEvent"] = json!(true);
    record["recipientAccountId"] = json!(ctx.account().as_str());
    record["eventCategory"] = json!("Management");
    record
}
