//! `GET /craton/v1/who-can?action=…&resource=…`: everyone who may.

use base::Error;
use http::StatusCode;
use identity::{Through, Who};
use serde_json::{Value, json};

use crate::call::{Answer, Call, Labels, json as respond};

pub(super) async fn get(call: Call<Labels>) -> Answer {
    let named = |name: &str, example: &str| {
        call.query(name).filter(|value| !value.is_empty()).ok_or_else(|| {
            Error::invalid(format!("`{name}` is missing.")).with_hint(format!("It looks like `{example}`."))
        })
    };
    let action = named("action", "s3:GetObject")?;
    let resource = named("resource", "arn:aws:s3:::bucket/key")?;
    let answer = call.api.identity().who_can(&call.ctx, &action, &resource).await?;
    Ok(respond(
        StatusCode::OK,
        &json!({
            "action": action,
            "resource": resource,
            "resourceAccountId": answer.owner.as_str(),
            "resourceFound": answer.found,
            "items": answer.who.iter().map(describe).collect::<Vec<_>>(),
        }),
    ))
}

fn describe(who: &Who) -> Value {
    json!({
        "principal": who.principal,
        "kind": who.kind.as_str(),
        "through": who.through.iter().map(through).collect::<Vec<_>>(),
        "unless": who.unless,
    })
}

fn through(through: &Through) -> Value {
    json!({
        "policyType": through.policy_type,
        "policy": through.policy,
        "statementIndex": through.statement,
        "sid": through.sid,
        "statement": through.text,
        "if": through.conditions,
    })
}
