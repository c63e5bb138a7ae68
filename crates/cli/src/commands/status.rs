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
    output::line(format!(
        "aliases  {} AWS model ids, {} set by this account (craton models alias list)",
        number("/aliases/total"),
        number("/aliases/set"),
    ))?;
    let loaded = status["loaded"].as_array().map_or(&[][..], Vec::as_slice);
    if loaded.is_empty() {
        return output::line("models   none loaded; a model loads on first use");
    }
    let rows: Vec<[String; 5]> = loaded.iter().map(row).collect();
    output::line("")?;
    output::line(output::table(["MODEL", "KIND", "MEMORY", "ACTIVE", "QUEUED"], &rows))?;
    for model in loaded {
        // Why a model's tuned profile is not used.
        if let Some(warning) = model.pointer("/profile/warning").and_then(Value::as_str) {
            output::line(format!("warning: {}: {warning}", model["name"].as_str().unwrap_or("-")))?;
        }
    }
    Ok(())
}

fn row(model: &Value) -> [String; 5] {
    let count = |name: &str| model[name].as_u64().unwrap_or_default();
    [
        model["name"].as_str().unwrap_or("-").to_owned(),
        model["kind"].as_str().unwrap_or("-").to_owned(),
        output::bytes(count("memoryBytes")),
        count("activeSequences").to_string(),
        count("queued").to_string(),
    ]
}
