//! Tunings of pulled models, their reports and the profiles that they left.
//!
//! As all accounts share the models, only administrators of the deployment tune them.

use base::Error;
use http::StatusCode;
use models::{
    EngineRole as Role, Gain, MachineFacts, Measurement, OwnRequest, Slo, TriedWeights, TuneRequest, Tuned,
    TunedSettings, TuningPoint, TuningReport, Workload,
};
use serde_json::{Value, json};

use super::models::may_change;
use super::no_content;
use super::quantizations::share;
use crate::call::{Answer, Call, Labels, json as respond};
use crate::json_fields::{Fields, Node, Wording};

/// Minutes that are measured, and clients, where nothing else is asked for.
const MINUTES: f64 = 5.0;
const CLIENTS: u32 = 8;

/// Starts to tune a model.
pub(super) async fn start(call: Call<Labels>) -> Answer {
    may_change(&call).await?;
    let body = call.json()?;
    let root = Fields::root(&body, Wording::OpenAi)?.without_nulls();
    let members = [
        "slo",
        "workload",
        "requests",
        "minutes",
        "clients",
        "leastContext",
        "boundedAnswers",
        "quantized",
        "allow",
        "pricePerHour",
    ];
    root.only(&members)?;
    let request = TuneRequest {
        model: call.label(0).to_owned(),
        slo: root.required("slo")?.text()?.to_owned(),
        workload: workload(&root)?,
        minutes: root.number("minutes", 0.0, f64::MAX)?.map_or(MINUTES, f64::from),
        clients: root.count("clients", 0, u32::MAX)?.unwrap_or(CLIENTS),
        least_context: root.count("leastContext", 0, u32::MAX)?,
        bounded_answers: root.count("boundedAnswers", 0, u32::MAX)?,
        quantized: root.boolean("quantized")?.unwrap_or(false),
        rounded_caches: rounded_caches(&root)?,
        price_per_hour: root.number("pricePerHour", 0.0, f64::MAX)?.map(f64::from),
    };
    let job = call.api.models().tune(&call.ctx, request).await?;
    Ok(respond(StatusCode::ACCEPTED, &json!({"job": super::jobs::describe(&job)})))
}

/// The reports of a model's tunings, the profile with which it is loaded, and the tuning that goes on.
pub(super) async fn list(call: Call<Labels>) -> Answer {
    let (models, name) = (call.api.models(), call.label(0));
    let reports = models.tunings(&call.ctx, name).await?;
    let items: Vec<Value> = reports.iter().map(describe).collect();
    let (profile, running) = (models.tuned(&call.ctx, name), models.tuning_under_way(&call.ctx, name).await?);
    let (profile, running) = (profile.as_ref().map(profile_json), running.as_ref().map(super::jobs::describe));
    Ok(respond(StatusCode::OK, &json!({"items": items, "profile": profile, "running": running})))
}

/// One report.
pub(super) async fn get(call: Call<Labels>) -> Answer {
    let report = call.api.models().tuning(&call.ctx, call.label(0), call.label(1)).await?;
    Ok(respond(StatusCode::OK, &describe(&report)))
}

/// Has a model loaded as the server's settings say.
pub(super) async fn reset(call: Call<Labels>) -> Answer {
    may_change(&call).await?;
    call.api.models().reset_tuning(&call.ctx, call.label(0)).await?;
    Ok(no_content())
}

/// What may change the model's answers beside fewer bits of its weights.
fn rounded_caches(root: &Fields<'_>) -> base::Result<bool> {
    let allowed: Vec<&str> =
        root.list("allow")?.iter().map(|one| one.one_of(&["kv-q8_0"])).collect::<base::Result<_>>()?;
    Ok(!allowed.is_empty())
}

fn workload(root: &Fields<'_>) -> base::Result<Workload> {
    match (root.text("workload")?, root.optional("requests")) {
        (Some(name), None) => Workload::named(name).ok_or_else(|| {
            Error::invalid(format!("`{name}` is no workload.")).with_hint(
                "The workloads are `chat`, `moderation`, `judge` and `embed`; or give `requests` of your own.",
            )
        }),
        (None, Some(requests)) => {
            Ok(Workload::Requests(requests.list()?.iter().map(own).collect::<base::Result<_>>()?))
        }
        _ => Err(Error::invalid("A tuning has either a `workload` or `requests`.")),
    }
}

fn own(node: &Node<'_>) -> base::Result<OwnRequest> {
    let fields = node.fields()?;
    fields.only(&["prompt", "messages", "max_tokens"])?;
    let messages = fields.list("messages")?;
    Ok(OwnRequest {
        prompt: fields.text("prompt")?.map(str::to_owned),
        messages: messages.iter().map(message).collect::<base::Result<_>>()?,
        max_tokens: fields.count("max_tokens", 0, u32::MAX)?.unwrap_or(64),
    })
}

fn message(node: &Node<'_>) -> base::Result<(Role, String)> {
    let fields = node.fields()?;
    fields.only(&["role", "content"])?;
    let role = match fields.required("role")?.one_of(&["system", "user", "assistant"])? {
        "system" => Role::System,
        "assistant" => Role::Assistant,
        _ => Role::User,
    };
    Ok((role, fields.required("content")?.text()?.to_owned()))
}

/// A report as JSON.
fn describe(report: &TuningReport) -> Value {
    let default = report.points.first();
    json!({
        "jobId": report.job,
        "model": report.model,
        "workload": report.workload,
        "slo": slo(&report.slo),
        "clients": report.clients,
        "minutes": report.minutes,
        "rounds": report.rounds,
        "pricePerHour": report.price_per_hour,
        "machine": machine(&report.machine),
        "weightsBytes": report.weights_bytes,
        "weights": report.weights.iter().map(weights).collect::<Vec<Value>>(),
        "decodeCeilingTokensPerSecond": report.decode_ceiling(),
        "coreDecodeCeilingTokensPerSecond": report.core_decode_ceiling(),
        "points": report.points.iter().map(|one| point(report, one)).collect::<Vec<Value>>(),
        "chosen": report.chosen,
        "chosenIsDefault": report.chosen == 0,
        "met": report.met,
        "gain": report.gain.as_ref().map(gain),
        "underLoad": report.under_load,
        "default": default.map(|one| settings(&one.settings)),
        "endedAt": report.ended_at().to_iso8601(),
    })
}

fn slo(slo: &Slo) -> Value {
    json!({"p50Ms": slo.p50_ms, "p95Ms": slo.p95_ms, "firstTokenP95Ms": slo.first_token_p95_ms})
}

fn machine(facts: &MachineFacts) -> Value {
    json!({
        "cores": facts.cores,
        "memoryBytes": facts.memory_bytes,
        "memoryBytesPerCore": facts.memory_per_core(),
        "coreBandwidthBytesPerSecond": facts.core_bandwidth,
        "bandwidthBytesPerSecond": facts.bandwidth,
    })
}

fn weights(weights: &TriedWeights) -> Value {
    json!({
        "model": weights.model,
        "file": weights.file,
        "sha256": weights.sha256,
        "format": weights.format,
        "bytes": weights.bytes,
        "labelAgreement": weights.labels.as_ref().map(share),
    })
}

fn point(report: &TuningReport, point: &TuningPoint) -> Value {
    json!({
        "settings": settings(&point.settings),
        "round": point.round,
        "ceilingTokensPerSecond": report.ceiling(point),
        "measured": point.measured.as_ref().map(|one| measured(report, one)),
        "throughputRange": [point.throughput_range.0, point.throughput_range.1],
        "failed": point.failed,
        "meets": point.meets,
        "pareto": point.pareto,
        "secondsPer1000": point.seconds_per_1000,
        "pricePer1000": point.price_per_1000,
    })
}

fn measured(report: &TuningReport, one: &Measurement) -> Value {
    json!({
        "seconds": one.seconds,
        "requests": one.requests,
        "throughput": one.throughput,
        "p50Ms": one.p50_ms,
        "p95Ms": one.p95_ms,
        "firstTokenP50Ms": one.first_token_p50_ms,
        "firstTokenP95Ms": one.first_token_p95_ms,
        "tokensPerSecond": one.tokens_per_second,
        "memoryBytes": one.memory_bytes,
        "bandwidthShare": report.bandwidth_share(one),
        "occupancy": one.occupancy,
        "underLoad": one.under_load,
    })
}

fn settings(settings: &TunedSettings) -> Value {
    json!({
        "replicas": settings.replicas,
        "cores": settings.cores.iter().map(ToString::to_string).collect::<Vec<String>>(),
        "cacheType": settings.cache_type.to_string(),
        "onePassAttention": settings.one_pass,
        "prefillThreads": settings.prefill_threads,
        "decodeThreads": settings.decode_threads,
        "parallel": settings.parallel,
        "contextPerSequence": settings.context_per_sequence,
        "sharedCells": settings.shared_cells,
        "staticBatches": settings.static_batches.map(|one| json!({
            "size": one.size,
            "waitMs": one.wait_ms,
            "maxTokens": one.max_tokens,
        })),
        "weights": settings.weights,
    })
}

fn profile_json(profile: &Tuned) -> Value {
    json!({"jobId": profile.job, "settings": settings(&profile.settings)})
}

fn gain(gain: &Gain) -> Value {
    json!({"median": gain.median, "low": gain.low, "high": gain.high})
}
