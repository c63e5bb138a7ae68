//! `GET /craton/v1/endpoints`, `GET /craton/v1/endpoints/{name}/figures` and `…/fit`: what endpoints do, and how far that is
//! from what was predicted.

use std::time::Duration;

use http::StatusCode;
use models::{EndpointFigures, Spread, VariantFigures};
use serde_json::{Value, json};

use super::fits;
use crate::call::{Answer, Call, Labels, json as respond};

/// Every endpoint of the account and region.
pub(super) async fn list(call: Call<Labels>) -> Answer {
    let all = call.api.models().all_endpoint_figures(&call.ctx).await?;
    let items: Vec<Value> = all.iter().map(describe).collect();
    Ok(respond(StatusCode::OK, &json!({ "items": items })))
}

/// One endpoint.
pub(super) async fn get(call: Call<Labels>) -> Answer {
    let figures = call.api.models().endpoint_figures(&call.ctx, call.label(0)).await?;
    Ok(respond(StatusCode::OK, &describe(&figures)))
}

/// What was predicted of the models of one, and what came of it, by variant.
pub(super) async fn fit(call: Call<Labels>) -> Answer {
    let fits = call.api.models().endpoint_fits(&call.ctx, call.label(0)).await?;
    let variants: Vec<Value> =
        fits.iter().map(|(name, fit)| json!({ "name": name, "fit": fits::describe(fit) })).collect();
    Ok(respond(StatusCode::OK, &json!({ "variants": variants })))
}

/// Times are in milliseconds.
fn describe(endpoint: &EndpointFigures) -> Value {
    json!({
        "name": endpoint.name,
        "arn": endpoint.arn,
        "status": endpoint.status.as_str(),
        "failureReason": endpoint.failure,
        "notPulled": endpoint.lacks,
        "marketplace": endpoint.market,
        "variants": endpoint.variants.iter().map(variant).collect::<Vec<Value>>(),
        "createdAt": endpoint.created.to_iso8601(),
        "lastUsedAt": endpoint.last_used.map(|time| time.to_iso8601()),
    })
}

fn variant(variant: &VariantFigures) -> Value {
    json!({
        "name": variant.name,
        "model": variant.model,
        "servedModel": variant.served_model,
        "substituted": variant.substituted,
        "why": variant.why,
        "weight": variant.weight,
        "instances": variant.instances,
        "desiredInstances": variant.desired_instances,
        "memoryBytes": variant.memory_bytes,
        "tokensPerSecond": variant.tokens_per_second,
        "queue": variant.queue,
        "running": variant.running,
        "slots": variant.slots,
        "cachedTokensShare": variant.cached_tokens_share,
        "firstToken": spread(&variant.first_token),
        "latency": spread(&variant.latency),
        "invocations": variant.invocations,
        "errors": variant.errors,
        "throttled": variant.throttled,
        "loadMs": variant.load_time.map(millis),
    })
}

fn spread(times: &Spread) -> Value {
    json!({"p50": millis(times.p50), "p95": millis(times.p95), "p99": millis(times.p99)})
}

fn millis(time: Duration) -> f64 {
    (time.as_secs_f64() * 10_000.0).round() / 10.0
}
