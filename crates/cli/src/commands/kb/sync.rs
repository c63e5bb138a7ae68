//! `craton kb sync`.

use std::io::IsTerminal as _;
use std::time::Duration;

use anyhow::{Result, bail};
use http::Method;
use serde_json::{Value, json};

use super::aws;
use crate::args::Format;
use crate::client::Client;
use crate::commands::jobs;
use crate::fields::text;
use crate::output;

const POLL: Duration = Duration::from_millis(300);

pub(super) async fn run(
    client: &Client,
    base: &str,
    source: Option<&str>,
    no_wait: bool,
    format: Format,
    here: &str,
) -> Result<()> {
    let id = aws::find(client, base).await?;
    let mut sources = aws::sources(client, &id).await?;
    if let Some(wanted) = source {
        sources.retain(|source| source["dataSourceId"] == wanted || source["name"] == wanted);
    }
    if sources.is_empty() {
        let which = source.map_or_else(|| "no data source".to_owned(), |source| format!("no data source `{source}`"));
        bail!("the knowledge base `{base}` has {which}\nhint: `craton kb show {base}{here}` shows them");
    }
    let mut synced = Vec::new();
    let several = sources.len() > 1;
    for source in &sources {
        let source = text(source, "dataSourceId");
        // Of several, those that are handed their documents are none that anybody meant.
        if several && aws::is_custom(client, &id, &source).await? {
            continue;
        }
        synced.push(match no_wait {
            true => start(client, &id, &source).await?,
            false => one(client, (&id, base), &source, here).await?,
        });
    }
    if synced.is_empty() {
        bail!("the data sources of `{base}` are handed their documents: there is nothing to read in");
    }
    if format == Format::Json {
        output::json(&json!({ "items": synced }))?;
    } else {
        for job in &synced {
            output::line(told(job))?;
        }
    }
    synced.iter().try_for_each(check)
}

/// Syncs a data source, and gives the job when it has ended.
pub(super) async fn one(client: &Client, (id, name): (&str, &str), source: &str, here: &str) -> Result<Value> {
    let job = text(&start(client, id, source).await?, "ingestionJobId");
    let path = format!("{}/ingestionjobs/{job}", aws::source_path(id, source));
    let (bar, mut said) = (jobs::bar(name), String::new());
    let interrupted = tokio::signal::ctrl_c();
    tokio::pin!(interrupted);
    loop {
        let job = aws::bedrock(client, Method::GET, &path, None).await?["ingestionJob"].take();
        let status = text(&job, "status");
        if matches!(status.as_str(), "COMPLETE" | "FAILED" | "STOPPED") {
            bar.finish_and_clear();
            return Ok(job);
        }
        jobs::show(&bar, name, &progress(&job));
        if status != said && !std::io::stderr().is_terminal() {
            output::note(&format!("{name}: {}", status.to_lowercase()));
        }
        said = status;
        tokio::select! {
            () = tokio::time::sleep(POLL) => {}
            _ = &mut interrupted => {
                bar.finish_and_clear();
                bail!("not followed to its end: the sync goes on\nhint: `craton kb show {name}{here}` tells how it ends");
            }
        }
    }
}

/// What became of a sync, in one line.
pub(super) fn told(job: &Value) -> String {
    let count = |name: &str| job["statistics"][name].as_u64().unwrap_or(0);
    let parts = [
        ("new", count("numberOfNewDocumentsIndexed")),
        ("changed", count("numberOfModifiedDocumentsIndexed")),
        ("with changed metadata", count("numberOfMetadataDocumentsModified")),
        ("deleted", count("numberOfDocumentsDeleted")),
        ("failed", count("numberOfDocumentsFailed")),
    ];
    let told: Vec<String> =
        parts.iter().filter(|(_, count)| *count > 0).map(|(what, count)| format!("{count} {what}")).collect();
    let told = if told.is_empty() { "nothing changed".to_owned() } else { told.join(", ") };
    format!("{}  {}: {told}", text(job, "dataSourceId"), text(job, "status").to_lowercase())
}

/// # Errors
/// Where a sync failed.
pub(super) fn check(job: &Value) -> Result<()> {
    if job["status"] == "FAILED" {
        let reasons = job["failureReasons"].as_array().map_or(&[][..], Vec::as_slice);
        let reasons: Vec<&str> = reasons.iter().filter_map(Value::as_str).collect();
        bail!("the sync failed: {}", reasons.join("; "));
    }
    Ok(())
}

async fn start(client: &Client, base: &str, source: &str) -> Result<Value> {
    let path = format!("{}/ingestionjobs/", aws::source_path(base, source));
    Ok(aws::bedrock(client, Method::PUT, &path, Some(&json!({}))).await?["ingestionJob"].take())
}

/// How far a sync is, as jobs tell it.
fn progress(job: &Value) -> Value {
    let count = |name: &str| job["statistics"][name].as_u64().unwrap_or(0);
    let done = count("numberOfNewDocumentsIndexed")
        + count("numberOfModifiedDocumentsIndexed")
        + count("numberOfMetadataDocumentsModified")
        + count("numberOfDocumentsFailed");
    let total = Some(count("numberOfDocumentsScanned")).filter(|total| *total > 0);
    json!({ "done": done, "total": total, "unit": "documents", "message": text(job, "status").to_lowercase() })
}
