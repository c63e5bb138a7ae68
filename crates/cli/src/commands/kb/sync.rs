//! `craton kb sync`, `syncs`, `follow` and `stop`.

use std::io::IsTerminal as _;
use std::time::Duration;

use anyhow::{Result, anyhow, bail};
use http::Method;
use serde_json::{Value, json};

use super::aws;
use crate::args::Format;
use crate::client::Client;
use crate::commands::{jobs, segment};
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
    let mut synced = Vec::new();
    for source in with_a_bucket(client, (&id, base), source, here).await? {
        synced.push(match no_wait {
            true => start(client, &id, &source).await?,
            false => one(client, (&id, base), &source, here).await?,
        });
    }
    if format == Format::Json {
        output::json(&json!({ "items": synced }))?;
    } else {
        for job in &synced {
            tell(job, (base, here))?;
            if let Some(next) = next_step(job, (base, here)) {
                output::note(&next);
            }
        }
    }
    synced.iter().try_for_each(check)
}

/// The ids of the data sources of that name or id, or of all that have something to read in.
async fn with_a_bucket(
    client: &Client,
    (id, base): (&str, &str),
    wanted: Option<&str>,
    here: &str,
) -> Result<Vec<String>> {
    let sources = aws::sources_called(client, (id, base), wanted, here).await?;
    // Of several, those that are handed their documents are none that anybody meant.
    if sources.len() == 1 {
        return Ok(sources);
    }
    let mut found = Vec::new();
    for source in sources {
        if !aws::is_custom(client, id, &source).await? {
            found.push(source);
        }
    }
    if found.is_empty() {
        bail!("the data sources of `{base}` are handed their documents: there is nothing to read in");
    }
    Ok(found)
}

pub(super) async fn list(client: &Client, base: &str, source: Option<&str>, format: Format, here: &str) -> Result<()> {
    let id = aws::find(client, base).await?;
    let mut found = Vec::new();
    for source in aws::sources_called(client, (&id, base), source, here).await? {
        found.extend(aws::syncs(client, &id, &source).await?);
    }
    if format == Format::Json {
        return output::json(&json!({ "items": found }));
    }
    let row = |job: &Value| {
        let [id, source, started] = ["ingestionJobId", "dataSourceId", "startedAt"].map(|of| text(job, of));
        let did = did(job).unwrap_or_else(|| "-".to_owned());
        [id, source, started, text(job, "status").to_lowercase(), did]
    };
    let rows: Vec<[String; 5]> = found.iter().map(row).collect();
    output::line(output::table(["SYNC", "SOURCE", "STARTED", "STATUS", "WHAT IT DID"], &rows))
}

pub(super) async fn follow(client: &Client, base: &str, job: &str, format: Format, here: &str) -> Result<()> {
    let id = aws::find(client, base).await?;
    let source = source_of(client, (&id, base), job, here).await?;
    let ended = to_the_end(client, (&id, base), (&source, job), here).await?;
    if format == Format::Json {
        output::json(&ended)?;
    } else {
        tell(&ended, (base, here))?;
    }
    check(&ended)
}

pub(super) async fn stop(client: &Client, base: &str, job: &str, format: Format, here: &str) -> Result<()> {
    let id = aws::find(client, base).await?;
    let source = source_of(client, (&id, base), job, here).await?;
    let path = format!("{}/stop", job_path(&id, &source, job));
    let stopped = aws::bedrock(client, Method::POST, &path, None).await?["ingestionJob"].take();
    if format == Format::Json {
        return output::json(&stopped);
    }
    output::line(format!("{} {job}", text(&stopped, "status").to_lowercase()))
}

/// The data source whose sync this is.
async fn source_of(client: &Client, (id, base): (&str, &str), job: &str, here: &str) -> Result<String> {
    for source in aws::sources_called(client, (id, base), None, here).await? {
        if aws::syncs(client, id, &source).await?.iter().any(|sync| sync["ingestionJobId"] == job) {
            return Ok(source);
        }
    }
    bail!("the knowledge base `{base}` has no sync `{job}`\nhint: `craton kb syncs {base}{here}` shows them")
}

fn job_path(base: &str, source: &str, job: &str) -> String {
    format!("{}/ingestionjobs/{}", aws::source_path(base, source), segment(job))
}

/// Syncs a data source, and gives the job when it has ended.
pub(super) async fn one(client: &Client, (id, name): (&str, &str), source: &str, here: &str) -> Result<Value> {
    let started = tokio::select! {
        started = start(client, id, source) => started?,
        _ = tokio::signal::ctrl_c() => bail!(
            "broken off: a sync may have been started\nhint: `craton kb syncs {name}{here}` shows it"
        ),
    };
    to_the_end(client, (id, name), (source, &text(&started, "ingestionJobId")), here).await
}

/// Follows a sync, and gives it when it has ended, however that is. Ctrl-C ends the following, not the sync.
///
/// # Errors
/// Where it cannot be followed to its end; they say how to come back to it.
async fn to_the_end(
    client: &Client,
    (id, name): (&str, &str),
    (source, job_id): (&str, &str),
    here: &str,
) -> Result<Value> {
    let path = job_path(id, source, job_id);
    let (bar, mut said) = (jobs::bar(name), String::new());
    let interrupted = tokio::signal::ctrl_c();
    tokio::pin!(interrupted);
    loop {
        let asked = tokio::select! {
            asked = aws::bedrock(client, Method::GET, &path, None) => asked,
            _ = &mut interrupted => Err(anyhow!("interrupted")),
        };
        let job = match asked {
            Ok(mut answer) => answer["ingestionJob"].take(),
            Err(error) => {
                bar.finish_and_clear();
                return Err(error.context(broken_off(name, job_id, here)));
            }
        };
        let status = text(&job, "status");
        if is_over(&job) {
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
                bail!("{}", broken_off(name, job_id, here));
            }
        }
    }
}

/// Whether a sync will never change again.
fn is_over(job: &Value) -> bool {
    matches!(job["status"].as_str(), Some("COMPLETE" | "FAILED" | "STOPPED"))
}

/// What is said to who does not follow a sync to its end.
pub(super) fn broken_off(name: &str, job: &str, here: &str) -> String {
    format!("the sync `{job}` was not followed to its end, and goes on\nhint: {}", ways(name, job, here))
}

fn ways(name: &str, job: &str, here: &str) -> String {
    format!("come back with `craton kb follow {name} {job}{here}`, or end it with `craton kb stop {name} {job}{here}`")
}

/// What can be done about a sync that has not ended.
pub(super) fn next_step(job: &Value, (base, here): (&str, &str)) -> Option<String> {
    let id = text(job, "ingestionJobId");
    (!is_over(job)).then(|| format!("the sync `{id}` goes on: {}", ways(base, &id, here)))
}

/// Prints what became of a sync, and which documents failed, and why.
pub(super) fn tell(job: &Value, (base, here): (&str, &str)) -> Result<()> {
    output::line(told(job))?;
    for line in failures(job, (base, here)) {
        output::line(line)?;
    }
    Ok(())
}

/// What became of a sync, in one line; of one that has not ended, with its id.
pub(super) fn told(job: &Value) -> String {
    let mut told = format!("{}  {}", text(job, "dataSourceId"), text(job, "status").to_lowercase());
    if !is_over(job) {
        told.push_str(&format!(" {}", text(job, "ingestionJobId")));
    }
    match did(job) {
        Some(did) => format!("{told}: {did}"),
        None => told,
    }
}

/// What a sync did, as it is counted; nothing, where it did nothing and may not have looked at everything.
fn did(job: &Value) -> Option<String> {
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
    match told.is_empty() {
        true => (job["status"] == "COMPLETE").then(|| "nothing changed".to_owned()),
        false => Some(told.join(", ")),
    }
}

/// The documents that a sync could not read in, and why, a line each; of some that are not told, how many there are.
pub(super) fn failures(job: &Value, (base, here): (&str, &str)) -> Vec<String> {
    // The first reason of a sync that failed is its own.
    let own = usize::from(job["status"] == "FAILED");
    let mut lines: Vec<String> = reasons(job).into_iter().skip(own).map(|reason| format!("  {reason}")).collect();
    let failed = job["statistics"]["numberOfDocumentsFailed"].as_u64().unwrap_or(0);
    let untold = failed.saturating_sub(lines.len() as u64);
    if untold > 0 && !job["failureReasons"].is_null() {
        lines.push(format!(
            "  and {untold} more: `craton kb documents {base} --failed{here}` shows those that fail still"
        ));
    }
    lines
}

fn reasons(job: &Value) -> Vec<&str> {
    job["failureReasons"].as_array().map_or(&[][..], Vec::as_slice).iter().filter_map(Value::as_str).collect()
}

/// # Errors
/// Where a sync failed.
pub(super) fn check(job: &Value) -> Result<()> {
    if job["status"] == "FAILED" {
        bail!("the sync failed: {}", reasons(job).first().copied().unwrap_or("it does not say why"));
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
