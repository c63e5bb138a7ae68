//! `craton import status`, `list` and `cancel`.

use anyhow::{Result, bail};
use http::Method;
use serde_json::Value;

use super::{checks, described, follow, listing};
use crate::args::Format;
use crate::client::Client;
use crate::commands::{jobs, segment};
use crate::fields::{items, text};
use crate::import_args::Status;
use crate::output;

pub(super) async fn status(client: &Client, job: &str, watch: bool, format: Format, here: &str) -> Result<()> {
    let import = client.craton(Method::GET, &format!("/imports/{}", segment(job)), None).await?;
    let import = if watch { follow::to_the_end(client, job, &text(&import, "modelName"), here).await? } else { import };
    let work = match import["workId"].as_str() {
        // The progress is a help: the import itself was answered.
        Some(work) => client.craton(Method::GET, &format!("/jobs/{}", segment(work)), None).await.unwrap_or_default(),
        None => Value::Null,
    };
    if format == Format::Json {
        let mut import = import.clone();
        import["progress"] = work["progress"].clone();
        output::json(&import)?;
    } else {
        output::line(job_lines(&import, &work))?;
        let found = checks::findings(&import["report"]);
        if !found.is_empty() {
            output::line(format!("\n{found}"))?;
        }
    }
    if watch { follow::completed(&import, here) } else { Ok(()) }
}

/// A job for people.
pub(super) fn job_lines(import: &Value, work: &Value) -> String {
    let progress = &work["progress"];
    let runs = import["status"] == "InProgress";
    let stage = if runs { text(progress, "message") } else { String::new() };
    let amount = if runs { jobs::amount(progress).unwrap_or_default() } else { String::new() };
    described(&[
        ("job", text(import, "jobName")),
        ("id", text(import, "jobId")),
        ("status", text(import, "status")),
        ("stage", stage),
        ("progress", amount),
        ("failure", text(import, "failureMessage")),
        ("model", text(import, "modelName")),
        ("model arn", text(import, "modelArn")),
        ("from", text(import, "s3Uri")),
        ("role", text(import, "roleArn")),
        ("key", import["kmsKeyArn"].as_str().unwrap_or("Craton's own").to_owned()),
        ("kept as", text(import, "quantization")),
        ("bound", text(import, "bound")),
        ("created", text(import, "createdAt")),
        ("ended", text(import, "endedAt")),
    ])
}

pub(super) async fn list(client: &Client, status: Option<Status>, format: Format) -> Result<()> {
    let query = status.map(|status| format!("&statusEquals={}", status.name())).unwrap_or_default();
    let listed = listing(client, "/model-import-jobs", &query, "modelImportJobSummaries").await?;
    if format == Format::Json {
        return output::json(&listed);
    }
    let row =
        |job: &Value| ["jobName", "status", "importedModelName", "creationTime", "endTime"].map(|name| text(job, name));
    let rows: Vec<[String; 5]> = items(&listed).iter().map(row).collect();
    output::line(output::table(["JOB", "STATUS", "MODEL", "CREATED", "ENDED"], &rows))
}

pub(super) async fn cancel(client: &Client, job: &str, format: Format) -> Result<()> {
    let import = client.craton(Method::GET, &format!("/imports/{}", segment(job)), None).await?;
    let name = text(&import, "jobName");
    let status = text(&import, "status");
    if status != "InProgress" {
        bail!("the import `{name}` has ended: {status}");
    }
    let Some(work) = import["workId"].as_str() else {
        bail!("the import `{name}` is being started\nhint: try again in a moment");
    };
    let work = client.craton(Method::POST, &format!("/jobs/{}/cancel", segment(work)), None).await?;
    if format == Format::Json {
        return output::json(&work);
    }
    output::line(format!("cancelled {name}"))
}
