//! `craton endpoints metrics`.

use anyhow::Result;
use http::Method;
use serde_json::Value;

use crate::args::Format;
use crate::client::Client;
use crate::commands::segment;
use crate::fields::text;
use crate::output;

pub(super) async fn run(client: &Client, name: &str, format: Format) -> Result<()> {
    let figures = client.craton(Method::GET, &format!("/endpoints/{}/figures", segment(name)), None).await?;
    if format == Format::Json {
        return output::json(&figures);
    }
    output::line(format!("{name}: {}, last used {}", text(&figures, "status"), used(&figures["lastUsedAt"])))?;
    let variants = figures["variants"].as_array().map_or(&[][..], Vec::as_slice);
    let rows: Vec<[String; 9]> = variants.iter().map(row).collect();
    let titles = [
        "VARIANT",
        "ANSWERS",
        "INSTANCES",
        "TOKENS/S",
        "BUSY",
        "WAITING",
        "FROM CACHE",
        "FIRST TOKEN P50/P95/P99",
        "ANSWER P50/P95/P99",
    ];
    output::line(output::table(titles, &rows))?;
    for variant in variants {
        output::line(totals(variant))?;
        if let Some(why) = variant["why"].as_str() {
            output::line(format!("{}: {why}", text(variant, "name")))?;
        }
    }
    Ok(())
}

fn used(at: &Value) -> &str {
    at.as_str().unwrap_or("never")
}

fn row(variant: &Value) -> [String; 9] {
    let served = text(variant, "servedModel");
    let answers = if variant["substituted"] == true { format!("{served} (a substitute)") } else { served };
    let number = |name: &str| variant[name].as_f64().map_or_else(|| "-".to_owned(), |value| format!("{value:.1}"));
    let share = variant["cachedTokensShare"].as_f64();
    [
        text(variant, "name"),
        answers,
        format!("{} of {}", variant["instances"], variant["desiredInstances"]),
        number("tokensPerSecond"),
        format!("{} of {}", variant["running"], variant["slots"]),
        variant["queue"].to_string(),
        share.map_or_else(|| "-".to_owned(), |share| format!("{:.0} %", 100.0 * share)),
        percentiles(&variant["firstToken"]),
        percentiles(&variant["latency"]),
    ]
}

/// Half, 95 % and 99 % stay within: `41/187/341 ms`.
fn percentiles(of: &Value) -> String {
    // Zeros: nothing was answered lately.
    if of["p99"].as_f64().is_none_or(|ms| ms <= 0.0) {
        return "-".to_owned();
    }
    let told = ["p50", "p95", "p99"].map(|name| format!("{:.0}", of[name].as_f64().unwrap_or_default()));
    format!("{} ms", told.join("/"))
}

fn totals(variant: &Value) -> String {
    let count = |name: &str| variant[name].as_u64().unwrap_or_default();
    format!(
        "{}: {} calls since the server started, {} failed, {} throttled",
        text(variant, "name"),
        count("invocations"),
        count("errors"),
        count("throttled")
    )
}
