//! `GET /craton/v1/requests`: the latest requests of the caller's account.

use base::Error;
use http::StatusCode;
use serde_json::{Value, json};

use crate::call::{Answer, Call, Labels, json as respond};
use crate::recent::Entry;

const DEFAULT: usize = 100;
const MOST: usize = 1000;

/// Newest first.
pub(super) async fn list(call: Call<Labels>) -> Answer {
    let limit = match call.query("limit") {
        Some(text) => text.parse().ok().filter(|limit| (1..=MOST).contains(limit)).ok_or_else(|| {
            Error::invalid(format!("`limit` is `{text}`.")).with_hint(format!("It is a number from 1 to {MOST}."))
        })?,
        None => DEFAULT,
    };
    let items: Vec<Value> = call.api.recent().of(call.ctx.account(), limit).iter().map(describe).collect();
    Ok(respond(StatusCode::OK, &json!({"items": items})))
}

fn describe(entry: &Entry) -> Value {
    let told = entry.answered.as_ref();
    json!({
        "requestId": entry.request_id,
        "time": entry.time.to_iso8601(),
        "service": entry.service,
        "operation": entry.operation,
        "status": entry.status,
        "errorCode": entry.error_code,
        "durationMs": entry.duration_ms,
        "principal": entry.principal,
        "servedBy": entry.served_by,
        "replica": told.and_then(|told| told.replica),
        "promptTokens": told.map(|told| told.prompt_tokens),
        "cachedTokens": told.map(|told| told.cached_tokens),
        "outputTokens": told.map(|told| told.output_tokens),
        "queuedMs": told.and_then(|told| told.queued_ms),
        "firstTokenMs": told.and_then(|told| told.first_token_ms),
        "stopReason": told.and_then(|told| told.stop_reason),
    })
}
