//! `GET /craton/v1/requests/{id}/explanation`: why a request was denied, and what would allow it.

use http::StatusCode;
use identity::{Allowed, Change, Consulted, ConsultedStatement, Explanation, OtherSide};
use serde_json::{Map, Value, json};

use crate::call::{Answer, Call, Labels, json as respond};

/// The id is a request's, or a token of an explanation.
pub(super) async fn get(call: Call<Labels>) -> Answer {
    let explanation = call.api.identity().explain(&call.ctx, call.label(0)).await?;
    Ok(respond(StatusCode::OK, &describe(&explanation)))
}

fn describe(explanation: &Explanation) -> Value {
    let entry = &explanation.entry;
    let context: Map<String, Value> =
        explanation.context.iter().map(|(name, values)| (name.clone(), json!(values))).collect();
    let denied_by = explanation.denied_by.as_ref().map(|denied_by| {
        json!({
            "side": denied_by.side.as_str(),
            "policyType": denied_by.policy_type,
            "policy": denied_by.policy,
            "statement": denied_by.statement,
            "text": denied_by.text,
        })
    });
    let findings = explanation.findings.iter();
    let findings: Vec<Value> = findings.map(|f| json!({"mistake": f.mistake.as_str(), "text": f.text})).collect();
    json!({
        "requestId": entry.request_id,
        "time": entry.time.to_iso8601(),
        "region": entry.region,
        "principal": entry.principal,
        "accountId": entry.caller_account.as_str(),
        "accessKeyId": text(&entry.access_key_id),
        "sourceIp": explanation.source_ip,
        "userAgent": explanation.user_agent,
        "eventSource": entry.event_source,
        "eventName": entry.event_name,
        "action": entry.action,
        "resource": entry.resource,
        "resourceAccountId": explanation.resource_account,
        "context": context,
        "decision": entry.decision.as_str(),
        "message": explanation.message,
        "deniedBy": denied_by,
        "policies": explanation.policies.iter().map(consulted).collect::<Vec<_>>(),
        "allowedNow": explanation.allowed_now,
        "findings": findings,
        "changes": explanation.changes.iter().map(change).collect::<Vec<_>>(),
        "proven": explanation.proven,
        "alsoAllows": {
            "count": explanation.also_allows_count,
            "items": explanation.also_allows.iter().map(allowed).collect::<Vec<_>>(),
        },
        "advice": explanation.advice,
        "otherSides": explanation.other_sides.iter().map(other_side).collect::<Vec<_>>(),
    })
}

fn text(text: &str) -> Option<&str> {
    Some(text).filter(|text| !text.is_empty())
}

fn consulted(policy: &Consulted) -> Value {
    json!({
        "side": policy.side.as_str(),
        "policyType": policy.policy_type,
        "policy": policy.policy,
        "verdict": policy.verdict,
        "readable": policy.readable,
        "statements": policy.statements.iter().map(statement).collect::<Vec<_>>(),
    })
}

fn statement(statement: &ConsultedStatement) -> Value {
    json!({
        "index": statement.index,
        "sid": statement.sid,
        "effect": statement.effect,
        "matched": statement.matched,
        "why": statement.why,
        "statement": statement.text,
    })
}

fn change(change: &Change) -> Value {
    json!({
        "side": change.side.as_str(),
        "policyType": change.policy_type,
        "policy": change.policy,
        "exists": change.exists,
        "summary": change.summary,
        "statement": change.statement,
        "document": change.document,
        "commands": change.commands,
    })
}

fn allowed(allowed: &Allowed) -> Value {
    json!({"principal": allowed.principal, "action": allowed.action, "resource": allowed.resource})
}

fn other_side(side: &OtherSide) -> Value {
    json!({
        "side": side.side.as_str(),
        "accountId": side.account.as_ref().map(|account| account.as_str()),
        "text": side.text,
        "token": side.token,
    })
}
