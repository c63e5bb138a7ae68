//! `craton batch status`, `list` and `stop`.

use anyhow::{Result, anyhow};
use http::Method;
use serde_json::Value;

use super::follow;
use crate::args::Format;
use crate::batch_args::ListJobs;
use crate::client::Client;
use crate::commands::import::{bedrock, described, listing};
use crate::commands::segment;
use crate::fields::{items, text};
use crate::output;

/// Errors that are shown to people.
const SHOWN: usize = 10;

pub(super) async fn status(client: &Client, job: &str, wait: bool, format: Format, here: &str) -> Result<()> {
    let batch = client.craton(Method::GET, &format!("/batches/{}", segment(job)), None).await?;
    if wait {
        let batch = follow::to_the_end(client, job, &text(&batch, "jobName"), here).await?;
        return ended(&batch, format, here);
    }
    show(&batch, format, here)
}

/// Shows a job that has ended.
///
/// # Errors
/// The job has failed; why is the error.
pub(super) fn ended(batch: &Value, format: Format, here: &str) -> Result<()> {
    show(batch, format, here)?;
    match batch["status"].as_str() {
        Some(status @ ("Failed" | "Expired")) => {
            let why = batch["message"].as_str().map_or_else(|| format!("the batch is {status}"), str::to_owned);
            Err(anyhow!("{why}\nhint: `craton batch status {}{here}` shows the job", text(batch, "jobId")))
        }
        _ => Ok(()),
    }
}

fn show(batch: &Value, format: Format, here: &str) -> Result<()> {
    if format == Format::Json {
        return output::json(batch);
    }
    output::line(lines(batch, here))
}

/// A job for people.
pub(super) fn lines(batch: &Value, here: &str) -> String {
    let count = |name: &str| batch[name].as_u64().unwrap_or_default();
    let (total, done, failed) = (count("totalRecordCount"), count("processedRecordCount"), count("errorRecordCount"));
    let records = if total > 0 { format!("{done} of {total}, {failed} with errors") } else { String::new() };
    let tokens = format!("{} read, {} written", count("inputTokenCount"), count("outputTokenCount"));
    let described = described(&[
        ("job", text(batch, "jobName")),
        ("id", text(batch, "jobId")),
        ("status", text(batch, "status")),
        ("message", text(batch, "message")),
        ("records", records),
        ("tokens", if done > 0 { tokens } else { String::new() }),
        ("model", text(batch, "modelId")),
        ("type", text(batch, "modelInvocationType")),
        ("from", text(batch, "inputUri")),
        ("to", text(batch, "resultsUri")),
        ("role", text(batch, "roleArn")),
        ("created", text(batch, "createdAt")),
        ("ended", text(batch, "endedAt")),
    ]);
    let errors = batch["errors"].as_array().map_or(&[][..], Vec::as_slice);
    let told = errors.iter().take(SHOWN).map(|error| {
        let (file, line) = (text(error, "file"), error["line"].as_u64().unwrap_or_default());
        format!("\n{file}:{line}  {}  {}", error["errorCode"], text(error, "errorMessage"))
    });
    let more = (failed > SHOWN as u64).then(|| {
        format!("\n… and {} more: craton batch results {} --errors{here}", failed - SHOWN as u64, text(batch, "jobId"))
    });
    let told: String = told.chain(more).collect();
    if told.is_empty() { described } else { format!("{described}\n{told}") }
}

pub(super) async fn list(client: &Client, asked: &ListJobs, format: Format) -> Result<()> {
    let filters = [
        ("statusEquals", asked.status.map(|status| status.name().to_owned())),
        ("nameContains", asked.name.clone()),
        ("submitTimeAfter", asked.after.clone()),
        ("submitTimeBefore", asked.before.clone()),
        ("sortOrder", asked.oldest_first.then(|| "Ascending".to_owned())),
    ];
    let query: String =
        filters.into_iter().filter_map(|(name, value)| Some(format!("&{name}={}", segment(&value?)))).collect();
    let listed = listing(client, "/model-invocation-jobs", &query, "invocationJobSummaries").await?;
    if format == Format::Json {
        return output::json(&listed);
    }
    let row = |job: &Value| {
        let arn = text(job, "jobArn");
        let id = arn.rsplit('/').next().unwrap_or_default().to_owned();
        let records = match job["totalRecordCount"].as_u64() {
            Some(total) => format!("{}/{total}", job["processedRecordCount"].as_u64().unwrap_or_default()),
            None => "-".to_owned(),
        };
        [id, text(job, "jobName"), text(job, "status"), records, text(job, "modelId"), text(job, "submitTime")]
    };
    let rows: Vec<[String; 6]> = items(&listed).iter().map(row).collect();
    output::line(output::table(["ID", "JOB", "STATUS", "RECORDS", "MODEL", "CREATED"], &rows))
}

pub(super) async fn stop(client: &Client, job: &str, format: Format, here: &str) -> Result<()> {
    let id = job.rsplit('/').next().unwrap_or(job);
    bedrock(client, Method::POST, &format!("/model-invocation-job/{}/stop", segment(id)), &[], None).await?;
    let batch = client.craton(Method::GET, &format!("/batches/{}", segment(id)), None).await?;
    if format == Format::Json {
        return output::json(&batch);
    }
    output::line(format!("{} {id}", text(&batch, "status")))?;
    if batch["endedAt"].is_null() {
        output::note(&format!("What was answered is being written: craton batch status {id} --wait{here}"));
    }
    Ok(())
}
