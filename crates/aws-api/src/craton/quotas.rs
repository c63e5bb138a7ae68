//! What accounts may ask of models. Only administrators of the deployment's first account see or set it.

use base::{AccountId, Result};
use http::StatusCode;
use models::{Quota, QuotaSource, QuotaUse, SetQuota};
use serde_json::{Value, json};

use super::no_content;
use crate::call::{Answer, Call, Labels, json as respond};
use crate::json_fields::{Fields, Wording};

/// The quotas, and what is used of them.
pub(super) async fn list(call: Call<Labels>) -> Answer {
    let report = call.api.models().quotas(&call.ctx).await?;
    let body = json!({
        "default": limits(report.default),
        "items": report.set.iter().map(describe).collect::<Vec<Value>>(),
        "used": report.used.iter().map(describe_use).collect::<Vec<Value>>(),
    });
    Ok(respond(StatusCode::OK, &body))
}

/// Sets one.
pub(super) async fn put(call: Call<Labels>) -> Answer {
    let body = call.json()?;
    let quota = decode(&Fields::root(&body, Wording::OpenAi)?)?;
    let (account, model) = subject(&call)?;
    let set = call.api.models().set_quota(&call.ctx, &account, model, quota).await?;
    Ok(respond(StatusCode::OK, &describe(&set)))
}

/// Resets one.
pub(super) async fn delete(call: Call<Labels>) -> Answer {
    let (account, model) = subject(&call)?;
    call.api.models().reset_quota(&call.ctx, &account, model).await?;
    Ok(no_content())
}

/// The account and, where one is named, the model of the path.
fn subject(call: &Call<Labels>) -> Result<(AccountId, Option<&str>)> {
    Ok((call.label(0).parse()?, Some(call.label(1)).filter(|model| !model.is_empty())))
}

fn decode(root: &Fields<'_>) -> Result<Quota> {
    root.only(&["requestsPerMinute", "tokensPerMinute", "running"])?;
    let limit = |name: &str| root.count(name, 1, u32::MAX);
    Ok(Quota {
        requests_per_minute: limit("requestsPerMinute")?,
        tokens_per_minute: limit("tokensPerMinute")?,
        running: limit("running")?,
    })
}

fn limits(quota: Quota) -> Value {
    json!({
        "requestsPerMinute": quota.requests_per_minute,
        "tokensPerMinute": quota.tokens_per_minute,
        "running": quota.running,
    })
}

fn describe(set: &SetQuota) -> Value {
    let mut told = limits(set.quota);
    told["accountId"] = set.account.as_str().into();
    told["modelId"] = json!(set.model);
    told["updatedAt"] = set.updated_at.to_iso8601().into();
    told
}

fn describe_use(used: &QuotaUse) -> Value {
    let mut told = limits(used.quota);
    told["accountId"] = used.account.as_str().into();
    told["modelId"] = used.model.as_str().into();
    told["source"] = match used.source {
        QuotaSource::Default => "default",
        QuotaSource::Account => "account",
        QuotaSource::Model => "model",
    }
    .into();
    told["requestsLeft"] = json!(used.requests_left);
    told["tokensLeft"] = json!(used.tokens_left);
    told["runningNow"] = used.running.into();
    told
}
