//! `craton eval list` and `craton eval delete`.

use std::io::{BufRead, IsTerminal as _};

use anyhow::{Context as _, Result, bail, ensure};
use http::Method;
use serde_json::{Value, json};

use super::standing;
use crate::args::Format;
use crate::client::Client;
use crate::commands::import::bedrock;
use crate::commands::segment;
use crate::eval_args::Status;
use crate::fields::{items, text};
use crate::output;

/// Bedrock deletes so many jobs at once.
const AT_ONCE: usize = 25;
/// What has to be typed, as Bedrock's console asks.
const WORD: &str = "confirm";

/// Lists jobs, the latest first.
pub(super) async fn list(client: &Client, status: Option<Status>, name: Option<&str>, format: Format) -> Result<()> {
    let status = status.map(|status| ("statusEquals", status.name().to_owned()));
    let name = name.map(|name| ("nameContains", segment(name)));
    let mut query: Vec<(&str, String)> = status.into_iter().chain(name).collect();
    let wanted = query.len();
    let mut found = Vec::new();
    loop {
        let mut answer = client.craton(Method::GET, &path(&query), None).await?;
        if let Value::Array(more) = answer["items"].take() {
            found.extend(more);
        }
        let Some(token) = answer["nextToken"].as_str() else { break };
        query.truncate(wanted);
        query.push(("nextToken", segment(token)));
    }
    let listed = json!({ "items": found });
    if format == Format::Json {
        return output::json(&listed);
    }
    let rows: Vec<[String; 6]> = items(&listed).iter().map(row).collect();
    output::line(output::table(["ID", "NAME", "KIND", "STATUS", "CREATED", "JUDGE"], &rows))
}

fn path(query: &[(&str, String)]) -> String {
    let pairs: Vec<String> = query.iter().map(|(name, value)| format!("{name}={value}")).collect();
    if pairs.is_empty() { "/evaluation-jobs".to_owned() } else { format!("/evaluation-jobs?{}", pairs.join("&")) }
}

fn row(job: &Value) -> [String; 6] {
    // As `--kind` of `craton eval run` says it.
    let kind = match job["kind"].as_str() {
        Some("retrieve-and-generate") => "rag",
        Some("retrieve-only") => "retrieve",
        Some(kind) => kind,
        None => "-",
    };
    let judges =
        ["evaluatorModelIdentifiers", "customMetricsEvaluatorModelIdentifiers"].map(|name| job[name].as_array());
    let mut judges: Vec<&str> = judges.into_iter().flatten().flatten().filter_map(Value::as_str).collect();
    judges.dedup();
    let judges = if judges.is_empty() { "-".to_owned() } else { judges.join(", ") };
    [
        id_of(&text(job, "jobArn")),
        text(job, "jobName"),
        kind.to_owned(),
        text(job, "status"),
        text(job, "creationTime"),
        judges,
    ]
}

/// The last part of an ARN.
fn id_of(arn: &str) -> String {
    arn.rsplit('/').next().unwrap_or(arn).to_owned()
}

/// A job that was not deleted, and why.
struct Refused {
    job: String,
    message: String,
}

/// Deletes jobs, once that was confirmed.
///
/// # Errors
/// The answer is another one, there is nobody to ask, or a job was not deleted; the others are.
pub(super) async fn delete(client: &Client, named: &[String], yes: bool, format: Format) -> Result<()> {
    let (mut jobs, mut refused) = (Vec::<Value>::new(), Vec::new());
    for job in named {
        match standing(client, job).await {
            Ok(found) if jobs.iter().any(|known| known["jobArn"] == found["jobArn"]) => {}
            Ok(found) => jobs.push(found),
            Err(error) => refused.push(Refused { job: job.clone(), message: said(&error) }),
        }
    }
    if !yes && !jobs.is_empty() {
        ask(&jobs)?;
    }
    let mut deleted = Vec::new();
    for some in jobs.chunks(AT_ONCE) {
        let arns: Vec<&Value> = some.iter().map(|job| &job["jobArn"]).collect();
        let body = json!({"jobIdentifiers": arns});
        let answer = match bedrock(client, Method::POST, "/evaluation-jobs/batch-delete", &[], Some(&body)).await {
            Ok(answer) => answer,
            // The jobs before are deleted already, and the ones after may be.
            Err(error) => {
                let refusal = |job: &Value| Refused { job: id_of(&text(job, "jobArn")), message: said(&error) };
                refused.extend(some.iter().map(refusal));
                continue;
            }
        };
        for error in answer["errors"].as_array().into_iter().flatten() {
            let message = error["message"].as_str().or_else(|| error["code"].as_str()).unwrap_or("no reason was given");
            refused.push(Refused { job: id_of(&text(error, "jobIdentifier")), message: message.to_owned() });
        }
        deleted.extend(answer["evaluationJobs"].as_array().into_iter().flatten().map(|job| text(job, "jobIdentifier")));
    }
    tell(&jobs, &deleted, &refused, format)?;
    if refused.is_empty() {
        return Ok(());
    }
    bail!("{} of {} evaluation jobs were not deleted", refused.len(), refused.len() + deleted.len())
}

/// The first line of an error.
fn said(error: &anyhow::Error) -> String {
    error.to_string().lines().next().unwrap_or_default().to_owned()
}

fn tell(jobs: &[Value], deleted: &[String], refused: &[Refused], format: Format) -> Result<()> {
    if format == Format::Json {
        let errors = refused.iter().map(|Refused { job, message }| json!({"job": job, "message": message}));
        return output::json(&json!({"deleted": deleted, "errors": errors.collect::<Vec<_>>()}));
    }
    for arn in deleted {
        let name = jobs.iter().find(|job| job["jobArn"] == **arn).map(|job| text(job, "jobName")).unwrap_or_default();
        output::line(format!("deleted {} {name}", id_of(arn)))?;
    }
    refused.iter().for_each(|Refused { job, message }| output::note(&format!("{job} was not deleted: {message}")));
    Ok(())
}

fn ask(jobs: &[Value]) -> Result<()> {
    if !std::io::stdin().is_terminal() {
        bail!("nothing was deleted: nobody is here to confirm it\nhint: --yes deletes without asking");
    }
    let rows: Vec<[String; 3]> =
        jobs.iter().map(|job| [id_of(&text(job, "jobArn")), text(job, "jobName"), text(job, "status")]).collect();
    output::note(&output::table(["ID", "NAME", "STATUS"], &rows));
    let these = if jobs.len() == 1 { "it" } else { "them" };
    output::piece(&format!("Reports and records of {these} are gone then. To delete {these}, type {WORD}: "))?;
    confirmed(std::io::stdin().lock())
}

/// # Errors
/// Another word was typed.
fn confirmed(mut typing: impl BufRead) -> Result<()> {
    let mut typed = String::new();
    typing.read_line(&mut typed).context("cannot read the terminal")?;
    ensure!(typed.trim() == WORD, "nothing was deleted: `{}` is not `{WORD}`", typed.trim());
    Ok(())
}

#[cfg(test)]
#[path = "list_tests.rs"]
mod tests;
