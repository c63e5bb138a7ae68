//! `craton eval`: evaluation jobs and their reports.

mod calibrate;
pub(crate) mod convert;
mod list;
mod pairwise;
mod passports;
mod rated;
mod request;
mod sources;
mod sweep;
mod validate;

#[cfg(test)]
mod tests;

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use http::Method;
use serde_json::Value;

use super::segment;
use crate::args::{Format, Global};
use crate::client::Client;
use crate::eval_args::{Compare, Eval, Kind, Run};
use crate::output;

/// How long to wait before a job is looked at again.
const PAUSE: Duration = Duration::from_secs(2);

/// Runs a command of evaluations that needs a server.
pub(super) async fn run(client: &Client, command: Eval, global: &Global) -> Result<()> {
    let format = global.output;
    match command {
        // `commands::run` does it before: it needs no server.
        Eval::Convert(args) => convert::run(&args),
        Eval::Validate(args) => validate::run(client, &args, format).await,
        Eval::Run(args) => start(client, &args, format).await,
        Eval::List { status, name } => list::list(client, status, name.as_deref(), format).await,
        Eval::Status { job, wait } if wait => follow(client, &job, format).await,
        Eval::Status { job, .. } => show_status(client, &job, format).await,
        Eval::Report { job, html: Some(path) } => {
            let page = text(client, &format!("{}/report?format=html", path_of(&job))).await?;
            fs::write(&path, page).with_context(|| format!("cannot write `{}`", path.display()))?;
            output::note(&format!("the report is in `{}`", path.display()));
            Ok(())
        }
        Eval::Report { job, html: None } => printed(client, &format!("{}/report", path_of(&job)), format).await,
        Eval::Compare(args) if args.pairwise.is_some() => pairwise::run(client, &args, format).await,
        Eval::Compare(args) => printed(client, &compare_path(&args), format).await,
        Eval::Show { job, metric, limit } => show(client, &job, metric.as_deref(), limit, format).await,
        Eval::Calibrate(args) => calibrate::run(client, &args, format, &super::import::here(global)).await,
        Eval::Passport { judge } => {
            let path = format!("/judges/{}/passport", segment(&judge));
            passports::show(&client.craton(Method::GET, &path, None).await?, format)
        }
        Eval::Sweep(args) => sweep::run(client, &args, format).await,
        Eval::Stop { job } => {
            let path = format!("/evaluation-job/{}/stop", segment(&arn(client, &job).await?));
            client.send("bedrock", Method::POST, &path, Vec::new()).await.map(drop)
        }
        Eval::Delete { jobs, yes } => list::delete(client, &jobs, yes, format).await,
    }
}

async fn start(client: &Client, args: &Run, format: Format) -> Result<()> {
    let answer = client.craton(Method::POST, "/evaluation-jobs", Some(&request::body(args)?)).await?;
    for warning in answer["warnings"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        output::note(warning);
    }
    if args.wait {
        return follow(client, answer["jobId"].as_str().unwrap_or_default(), format).await;
    }
    match format {
        Format::Json => output::json(&answer),
        Format::Text => output::line(answer["jobId"].as_str().unwrap_or_default()),
    }
}

/// The text of a file.
fn read(file: &Path) -> Result<String> {
    fs::read_to_string(file).with_context(|| format!("`{}` cannot be read", file.display()))
}

/// What the server calls it.
fn kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Rag => "rag",
        Kind::Retrieve => "retrieve",
        Kind::Model => "model",
    }
}

/// The parts of the jobs that are named, as the server calls them.
fn parts(Compare { dataset, system, other_dataset, other_system, .. }: &Compare) -> Vec<(&'static str, &str)> {
    let parts =
        [("dataset", dataset), ("system", system), ("otherDataset", other_dataset), ("otherSystem", other_system)];
    parts.into_iter().filter_map(|(name, part)| Some((name, part.as_deref()?))).collect()
}

/// Where a comparison is read, with the parts of the jobs that are named.
fn compare_path(args: &Compare) -> String {
    let named = parts(args).into_iter().map(|(name, part)| format!("{name}={}", segment(part)));
    let query = named.collect::<Vec<_>>().join("&");
    let path = format!("{}/compare/{}", path_of(&args.first), segment(&args.second));
    if query.is_empty() { path } else { format!("{path}?{query}") }
}

fn path_of(job: &str) -> String {
    // An ARN's last part is the id.
    format!("/evaluation-jobs/{}", segment(job.rsplit('/').next().unwrap_or(job)))
}

/// How far a job is.
async fn standing(client: &Client, job: &str) -> Result<Value> {
    client.craton(Method::GET, &format!("{}/report?format=progress", path_of(job)), None).await
}

async fn report(client: &Client, job: &str) -> Result<Value> {
    client.craton(Method::GET, &format!("{}/report", path_of(job)), None).await
}

async fn arn(client: &Client, job: &str) -> Result<String> {
    let report = standing(client, job).await?;
    report["jobArn"].as_str().map(str::to_owned).context("the server's answer names no job")
}

/// What a path tells, as JSON or as text.
async fn printed(client: &Client, path: &str, format: Format) -> Result<()> {
    match format {
        Format::Json => output::json(&client.craton(Method::GET, path, None).await?),
        Format::Text => {
            let more = if path.contains('?') { '&' } else { '?' };
            output::line(text(client, &format!("{path}{more}format=text")).await?.trim_end())
        }
    }
}

async fn text(client: &Client, path: &str) -> Result<String> {
    let response = client.send("craton", Method::GET, &format!("/craton/v1{path}"), Vec::new()).await?;
    Ok(response.text().await?)
}

/// Follows a job to its end.
async fn follow(client: &Client, job: &str, format: Format) -> Result<()> {
    let mut said = String::new();
    loop {
        let report = standing(client, job).await?;
        let status = report["status"].as_str().unwrap_or_default();
        if matches!(status, "Completed" | "Failed" | "Stopped") {
            show_status(client, job, format).await?;
            return match status {
                "Completed" => Ok(()),
                _ => bail!("the evaluation job `{job}` is {status}"),
            };
        }
        let line = progress(&report);
        if line != said {
            output::note(&line);
            said = line;
        }
        tokio::time::sleep(PAUSE).await;
    }
}

async fn show_status(client: &Client, job: &str, format: Format) -> Result<()> {
    if format == Format::Json {
        return output::json(&report(client, job).await?);
    }
    let report = standing(client, job).await?;
    output::line(progress(&report))?;
    if let Some(description) = report["description"].as_str() {
        output::line(format!("description: {description}"))?;
    }
    if let Some(tags) = tags(&report) {
        output::line(format!("tags: {tags}"))?;
    }
    for message in report["messages"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        output::line(message)?;
    }
    Ok(())
}

/// The tags of a job; none where it has none.
fn tags(report: &Value) -> Option<String> {
    let tag = |tag: &Value| Some(format!("{}={}", tag["key"].as_str()?, tag["value"].as_str()?));
    let tags: Vec<String> = report["tags"].as_array()?.iter().filter_map(tag).collect();
    (!tags.is_empty()).then(|| tags.join(", "))
}

/// How far a job is, in a line.
fn progress(report: &Value) -> String {
    let parts = report["progress"].as_array().map_or(&[][..], Vec::as_slice);
    let done: u64 = parts.iter().filter_map(|part| part["done"].as_u64()).sum();
    let each = parts.iter().map(|part| {
        format!("{} {}", part["metricName"].as_str().unwrap_or("answers"), part["done"].as_u64().unwrap_or_default())
    });
    let each: Vec<String> = each.collect();
    let mut line = report["status"].as_str().unwrap_or_default().to_owned();
    if let Some(total) = report["total"].as_u64() {
        line.push_str(&format!("  {done} of {total}"));
    }
    if let Some(seconds) = report["secondsLeft"].as_u64() {
        line.push_str(&format!(", about {seconds} s left"));
    }
    if !each.is_empty() {
        line.push_str(&format!("  ({})", each.join(", ")));
    }
    line
}

async fn show(client: &Client, job: &str, metric: Option<&str>, limit: u32, format: Format) -> Result<()> {
    let metric = metric.map(|metric| format!("&metric={}", segment(metric))).unwrap_or_default();
    let path = format!("{}/records?limit={limit}{metric}", path_of(job));
    let answer = client.craton(Method::GET, &path, None).await?;
    if format == Format::Json {
        return output::json(&answer);
    }
    for row in answer["rows"].as_array().into_iter().flatten() {
        output::line(row_text(row))?;
    }
    Ok(())
}

/// A record with the columns of the article: input, output, sources, ground truth, score and explanation.
fn row_text(row: &Value) -> String {
    let mut text = format!("--- record {}, turn {}\n", row["record"], row["turn"]);
    let mut tell = |name: &str, value: &str| text.push_str(&format!("{name}: {value}\n"));
    tell("input", row["conversationInput"].as_str().unwrap_or_default());
    let answer = row["generationOutput"].as_str().or_else(|| row["error"].as_str()).unwrap_or("-");
    tell("output", answer);
    tell("retrieved sources", &row["retrievedSources"].to_string());
    for truth in row["groundTruth"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        tell("ground truth", truth);
    }
    for span in row["unsupported"].as_array().into_iter().flatten() {
        tell("unsupported", span["text"].as_str().unwrap_or_default());
    }
    for score in row["scores"].as_array().into_iter().flatten() {
        let result = score["result"].as_f64().map_or_else(|| "-".to_owned(), |result| format!("{result:.2}"));
        let why = score["error"].as_str().or_else(|| score["explanation"].as_str()).unwrap_or_default();
        tell(score["metricName"].as_str().unwrap_or_default(), &format!("{result}  {why}"));
    }
    text.trim_end().to_owned()
}
