//! `GET /craton/v1/models/{name}/fit`: what a model will take and how fast it will be, and how far that was from what came
//! of it.

use base::{Error, Result};
use http::StatusCode;
use inference::{ByThreads, CacheType};
use models::{DEPTH, Fit, FitAsk, FitBasis, FitMeasured, PROMPT};
use serde_json::{Value, json};

use crate::call::{Answer, Call, Labels, json as respond};

/// The prediction for a model, as the query asks: `context`, `slots`, `cacheType`; `measure=true` measures the machine anew.
pub(super) async fn get(call: Call<Labels>) -> Answer {
    let cache_type = call.query("cacheType").map(|text| text.parse::<CacheType>()).transpose();
    let cache_type = cache_type.map_err(|error| Error::invalid(error.to_string()))?;
    let anew = flag(&call, "measure")?;
    let ask = FitAsk { context: number(&call, "context")?, slots: number(&call, "slots")?, cache_type, anew };
    let fit = call.api.models().fit(&call.ctx, call.label(0), ask).await?;
    Ok(respond(StatusCode::OK, &describe(&fit)))
}

fn number(call: &Call<Labels>, name: &str) -> Result<Option<u32>> {
    let parse = |text: String| {
        text.parse::<u32>().map_err(|_| Error::invalid(format!("`{name}` is a number, and not `{text}`.")))
    };
    call.query(name).filter(|text| !text.is_empty()).map(parse).transpose()
}

fn flag(call: &Call<Labels>, name: &str) -> Result<bool> {
    match call.query(name).as_deref() {
        None | Some("" | "false") => Ok(false),
        Some("true") => Ok(true),
        Some(text) => Err(Error::invalid(format!("`{name}` is `true` or `false`, and not `{text}`."))),
    }
}

pub(super) fn describe(fit: &Fit) -> Value {
    json!({
        "name": fit.name,
        "fromFiles": fit.from_files,
        "context": fit.context,
        "slots": fit.slots,
        "cacheType": fit.cache_type.to_string(),
        "weightsBytes": fit.weights_bytes,
        "cacheBytes": fit.cache_bytes,
        "workingBytes": fit.working_bytes,
        "memoryBytes": fit.memory_bytes,
        "loadBytes": fit.load_bytes,
        "availableBytes": fit.available_bytes,
        "fits": fit.fits,
        "missingBytes": fit.missing_bytes,
        "prefillTokensPerSecond": fit.prefill_tokens_per_second,
        "decodeTokensPerSecond": fit.decode_tokens_per_second,
        "basis": basis(&fit.basis),
        "measured": fit.measured.as_ref().map(measured),
    })
}

/// A figure of writing by one thread, and by all that the server is allowed.
fn by_threads(figure: ByThreads) -> Value {
    json!({ "oneThread": figure.one, "allThreads": figure.all })
}

fn basis(basis: &FitBasis) -> Value {
    let rates = basis.rates.iter().map(|rate| {
        json!({
            "format": rate.format,
            "bytesPerSecond": by_threads(rate.bytes_per_second),
            "multiplicationsPerSecond": rate.numbers_per_second,
            "activationsAlonePerSecond": by_threads(rate.activations_alone_per_second),
            "activationsTogetherPerSecond": rate.activations_together_per_second,
        })
    });
    json!({
        "bandwidthBytesPerSecond": basis.bandwidth,
        "stepSeconds": by_threads(basis.step_seconds),
        "rates": rates.collect::<Vec<Value>>(),
        "attention": {
            "onePass": basis.one_pass,
            "alonePerSecond": by_threads(basis.attention.alone_per_second),
            "togetherPerSecond": basis.attention.together_per_second,
        },
        "promptTokens": PROMPT,
        "depthTokens": DEPTH,
    })
}

/// Errors are parts of what was measured: 0.1 where the prediction was a tenth too high.
fn measured(measured: &FitMeasured) -> Value {
    json!({
        "memoryBytes": measured.memory_bytes,
        "prefillTokensPerSecond": measured.prefill_tokens_per_second,
        "decodeTokensPerSecond": measured.decode_tokens_per_second,
        "errors": {
            "memory": measured.memory_error,
            "prefill": measured.prefill_error,
            "decode": measured.decode_error,
        },
    })
}
