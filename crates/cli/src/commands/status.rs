//! `craton status`.

use anyhow::Result;
use http::Method;
use serde_json::Value;

use crate::args::Format;
use crate::client::Client;
use crate::output;

pub(super) async fn run(client: &Client, format: Format) -> Result<()> {
    let status = client.craton(Method::GET, "/status", None).await?;
    if format == Format::Json {
        return output::json(&status);
    }
    let text = |pointer: &str| status.pointer(pointer).and_then(Value::as_str).unwrap_or("-").to_owned();
    let number = |pointer: &str| status.pointer(pointer).and_then(Value::as_u64).unwrap_or_default();
    output::line(format!("Craton {} at {}, up {} s", text("/version"), client.url(), number("/uptimeSeconds")))?;
    output::line(format!("account  {}", text("/account")))?;
    output::line(format!("you are  {}", text("/arn")))?;
    output::line(format!(
        "memory   {} resident, models {} of {}",
        output::bytes(number("/memory/residentBytes")),
        output::bytes(number("/memory/usedBytes")),
        output::bytes(number("/memory/budgetBytes")),
    ))?;
    if let Some(bytes) = status.pointer("/prefixSnapshots/bytes").and_then(Value::as_u64) {
        output::line(format!("prefixes {} on disk (craton models forget MODEL)", output::bytes(bytes)))?;
    }
    // A server of an earlier version does not say.
    if status["loading"].is_object() {
        output::line(format!("loading  {}", loading(&status["loading"])))?;
    }
    output::line(format!(
        "aliases  {} AWS model ids, {} set by this account (craton models alias list)",
        number("/aliases/total"),
        number("/aliases/set"),
    ))?;
    let loaded = status["loaded"].as_array().map_or(&[][..], Vec::as_slice);
    if loaded.is_empty() {
        return output::line("models   none loaded; a model loads on first use");
    }
    let rows: Vec<[String; 8]> = loaded.iter().map(row).collect();
    output::line("")?;
    let titles = ["MODEL", "KIND", "MEMORY", "PROFILE", "ACTIVE", "QUEUED", "PER STEP", "FROM CACHE"];
    output::line(output::table(titles, &rows))?;
    show_recent(loaded)?;
    // Those that a tuning has changed.
    for model in loaded.iter().filter(|model| model["loadedWith"].is_object()) {
        if model["loadedWith"] != status["loading"] {
            let name = model["name"].as_str().unwrap_or("-");
            output::line(format!("loaded   {name}: {}", loading(&model["loadedWith"])))?;
        }
    }
    for model in loaded {
        // Why a model's tuned profile is not used.
        if let Some(warning) = model.pointer("/profile/warning").and_then(Value::as_str) {
            output::line(format!("warning: {}: {warning}", model["name"].as_str().unwrap_or("-")))?;
        }
    }
    Ok(())
}

/// How models are loaded, in a few words.
fn loading(options: &Value) -> String {
    let replicas = match options["replicas"].as_u64() {
        Some(1) => "1 replica".to_owned(),
        replicas => format!("{} replicas", replicas.unwrap_or_default()),
    };
    let cores: Vec<&str> = options["cores"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let cores = if cores.is_empty() { String::new() } else { format!(" on cores {}", cores.join(":")) };
    let batches = match options["staticBatches"]["size"].as_u64() {
        Some(size) => format!("static batches of {size}"),
        None => "continuous batches".to_owned(),
    };
    let context = match options["contextPerSequence"].as_u64() {
        Some(0) | None => "the model's own context each".to_owned(),
        Some(tokens) => format!("{tokens} tokens each"),
    };
    let caches = options["cacheType"].as_str().unwrap_or("-");
    format!("{replicas}{cores}, {} requests side by side, {context}, {batches}, {caches} caches", options["parallel"])
}

/// The answers of the last minutes, of the models that gave any.
fn show_recent(loaded: &[Value]) -> Result<()> {
    let answered: Vec<&Value> = loaded.iter().filter(|model| !model["recent"].is_null()).collect();
    let Some(minutes) = answered.first().and_then(|model| model.pointer("/recent/windowSeconds")?.as_u64()) else {
        return Ok(());
    };
    let rows: Vec<[String; 7]> = answered.iter().map(|model| recent_row(model)).collect();
    output::line(format!("\nanswers of the last {} minutes", minutes / 60))?;
    let titles = ["MODEL", "ANSWERS", "TOKENS/S", "FIRST TOKEN P50", "P95", "WAITED P50", "P95"];
    output::line(output::table(titles, &rows))
}

fn recent_row(model: &Value) -> [String; 7] {
    let millis = |pointer: &str| {
        let time = model.pointer(pointer).and_then(Value::as_f64);
        time.map_or_else(|| "-".to_owned(), |millis| format!("{millis:.0} ms"))
    };
    let speed = model.pointer("/recent/tokensPerSecond").and_then(Value::as_f64).unwrap_or_default();
    [
        model["name"].as_str().unwrap_or("-").to_owned(),
        model["recent"]["answers"].to_string(),
        format!("{speed:.1}"),
        millis("/recent/firstTokenMs/p50"),
        millis("/recent/firstTokenMs/p95"),
        millis("/recent/queuedMs/p50"),
        millis("/recent/queuedMs/p95"),
    ]
}

fn row(model: &Value) -> [String; 8] {
    let count = |name: &str| model[name].as_u64().unwrap_or_default();
    let cached = match count("promptTokens") {
        0 => "-".to_owned(),
        all => format!("{} %", count("cachedTokens") * 100 / all),
    };
    let occupancy = model["occupancy"].as_f64().map_or_else(|| "-".to_owned(), |mean| format!("{mean:.1}"));
    [
        model["name"].as_str().unwrap_or("-").to_owned(),
        model["kind"].as_str().unwrap_or("-").to_owned(),
        output::bytes(count("memoryBytes")),
        model.pointer("/profile/name").and_then(Value::as_str).unwrap_or("-").to_owned(),
        count("activeSequences").to_string(),
        count("queued").to_string(),
        occupancy,
        cached,
    ]
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_model_s_row_tells_its_share_from_the_cache_and_its_occupancy() {
        let model = json!({
            "name": "m", "kind": "text", "memoryBytes": 2_000_000, "profile": {"name": "tuned", "jobId": "j"},
            "activeSequences": 3, "queued": 1, "promptTokens": 200, "cachedTokens": 150, "occupancy": 2.3,
        });
        assert_eq!(row(&model), ["m", "text", "2.0 MB", "tuned", "3", "1", "2.3", "75 %"]);
        let fresh = json!({"name": "e", "kind": "embedding", "memoryBytes": 5, "occupancy": null});
        assert_eq!(row(&fresh), ["e", "embedding", "5 B", "-", "0", "0", "-", "-"]);
    }

    #[test]
    fn how_models_are_loaded_is_told_in_a_few_words() {
        let mut options = json!({
            "replicas": 1, "cores": [], "parallel": 8, "contextPerSequence": 4096, "staticBatches": null, "cacheType": "f16",
        });
        let usual = "1 replica, 8 requests side by side, 4096 tokens each, continuous batches, f16 caches";
        assert_eq!(loading(&options), usual);
        for (name, value) in [
            ("replicas", json!(2)),
            ("cores", json!(["0-1", "2-3"])),
            ("contextPerSequence", json!(0)),
            ("staticBatches", json!({ "size": 4 })),
        ] {
            options[name] = value;
        }
        let tuned = "2 replicas on cores 0-1:2-3, 8 requests side by side, the model's own context each, static batches of 4, f16 caches";
        assert_eq!(loading(&options), tuned);
    }

    #[test]
    fn the_last_minutes_are_told_in_milliseconds() {
        let recent = json!({
            "windowSeconds": 300, "answers": 4, "tokensPerSecond": 12.34,
            "firstTokenMs": {"p50": 20.4, "p95": 80.0}, "queuedMs": {"p50": 0.0, "p95": 7.7},
        });
        let told = recent_row(&json!({"name": "m", "recent": recent}));
        assert_eq!(told, ["m", "4", "12.3", "20 ms", "80 ms", "0 ms", "8 ms"]);
    }
}
