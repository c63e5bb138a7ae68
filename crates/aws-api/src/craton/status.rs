//! `GET /craton/v1/status`: the deployment at a glance.

use std::time::Duration;

use http::StatusCode;
use inference::{Batching, LoadOptions};
use models::{CardKind, Percentiles, ProfileInUse, RecentAnswers};
use serde_json::{Value, json};

use crate::call::{Answer, Call, Labels, json as respond};

/// What runs, and how much memory it takes.
pub(super) async fn get(call: Call<Labels>) -> Answer {
    let (api, ctx) = (&call.api, &call.ctx);
    let deployment = api.deployment();
    let status = api.models().status(ctx);
    let aliases = api.models().aliases(ctx).await?;
    let loaded: Vec<Value> = status
        .loaded
        .iter()
        .map(|model| {
            json!({
                "name": model.name,
                "kind": kind(model.kind),
                "memoryBytes": model.memory_bytes,
                "profile": profile(&model.profile),
                // Embedders have neither sequences nor caches.
                "loadedWith": (model.kind == CardKind::Text).then(|| loading(&model.options)),
                "activeSequences": model.active_sequences,
                "queued": model.queued,
                "generatedTokens": model.generated_tokens,
                "promptTokens": model.prompt_tokens,
                "cachedTokens": model.cached_tokens,
                "cacheBytes": model.cache_bytes,
                "cacheEntries": model.cache_entries,
                "occupancy": model.occupancy,
                "tokensPerSecond": model.tokens_per_second,
                "recent": model.recent.as_ref().map(recent),
            })
        })
        .collect();
    Ok(respond(
        StatusCode::OK,
        &json!({
            "version": deployment.version,
            "uptimeSeconds": api.uptime_seconds(),
            "account": ctx.account().as_str(),
            "arn": ctx.principal().arn(),
            "region": ctx.region().as_str(),
            "listen": deployment.listen,
            "dataDir": deployment.data_dir,
            "modelsDir": deployment.models_dir,
            "engine": {
                "name": deployment.engine,
                "prefillThreads": deployment.prefill_threads,
                "decodeThreads": deployment.decode_threads,
            },
            "memory": {
                "budgetBytes": status.budget_bytes,
                "usedBytes": status.used_bytes,
                "residentBytes": resident_bytes().unwrap_or_default(),
            },
            "loading": loading(&status.options),
            "prefixSnapshots": status.snapshot_bytes.map(|bytes| json!({"bytes": bytes})),
            "loaded": loaded,
            "aliases": {
                "total": aliases.len(),
                "set": aliases.iter().filter(|alias| !alias.built_in).count(),
            },
            "recommendedModel": api.models().recommended_model(),
        }),
    ))
}

/// The answers of the last minutes; times in milliseconds.
fn recent(recent: &RecentAnswers) -> Value {
    let millis = |time: Duration| (time.as_secs_f64() * 10_000.0).round() / 10.0;
    let percentiles = |times: &Percentiles| json!({"p50": millis(times.p50), "p95": millis(times.p95)});
    json!({
        "windowSeconds": recent.window.as_secs(),
        "answers": recent.answers,
        "tokensPerSecond": recent.tokens_per_second,
        "queuedMs": percentiles(&recent.queued),
        "firstTokenMs": percentiles(&recent.first_token),
    })
}

/// Which options a model was loaded with.
fn profile(profile: &ProfileInUse) -> Value {
    match profile {
        ProfileInUse::Default => json!({"name": "default"}),
        ProfileInUse::Tuned(job) => json!({"name": "tuned", "jobId": job}),
        ProfileInUse::Unfit { reason } => json!({"name": "default", "warning": reason}),
    }
}

/// How models are loaded. Numbers of GPUs and their shares mean something in builds that have GPUs alone.
fn loading(options: &LoadOptions) -> Value {
    let static_batches = match options.batching {
        Batching::Continuous => None,
        Batching::Static { size, wait, max_tokens } => {
            let wait = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
            Some(json!({"size": size, "waitMs": wait, "maxTokens": max_tokens}))
        }
    };
    json!({
        "replicas": options.replicas,
        "cores": options.cores.iter().map(ToString::to_string).collect::<Vec<String>>(),
        "parallel": options.parallel,
        "queue": options.queue,
        "contextPerSequence": options.context_per_sequence,
        "batching": if static_batches.is_some() { "static" } else { "continuous" },
        "staticBatches": static_batches,
        "cacheType": options.cache_type.to_string(),
        "onePassAttention": options.attention,
        "sharedCells": options.shared_cells,
        "prefixCacheBytes": options.prefix_cache_bytes,
        "prefillThreads": options.prefill_threads,
        "decodeThreads": options.decode_threads,
        "gpuLayers": options.gpu_layers,
        "gpuSplit": options.split.to_string(),
        "mainGpu": options.main_gpu,
        "gpuShares": options.tensor_split,
        "replicaGpus": options.gpus,
    })
}

/// `text` or `embedding`.
pub(super) fn kind(kind: CardKind) -> &'static str {
    match kind {
        CardKind::Text => "text",
        CardKind::Embedding => "embedding",
    }
}

/// Bytes of memory that this process has resident; `None` where the system does not tell.
#[must_use]
pub fn resident_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().trim_end_matches("kB").trim().parse::<u64>().ok().map(|kibibytes| kibibytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_models_are_loaded_is_told_with_the_way_in_which_requests_come_together() {
        let told = loading(&LoadOptions::default());
        assert_eq!((&told["batching"], &told["staticBatches"]), (&json!("continuous"), &Value::Null));
        assert_eq!(
            (&told["cacheType"], &told["gpuSplit"], &told["replicas"]),
            (&json!("f16"), &json!("layer"), &json!(1))
        );
        let batching = Batching::Static { size: 4, wait: Duration::from_millis(20), max_tokens: 9 };
        let options = LoadOptions { batching, cores: vec!["0-1".parse().unwrap()], ..LoadOptions::default() };
        let told = loading(&options);
        assert_eq!(told["staticBatches"], json!({"size": 4, "waitMs": 20, "maxTokens": 9}));
        assert_eq!((&told["batching"], &told["cores"]), (&json!("static"), &json!(["0-1"])));
    }
}
