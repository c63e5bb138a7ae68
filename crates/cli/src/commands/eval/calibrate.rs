//! `craton eval calibrate`: a judge is compared with people who have rated the same answers.

use std::fs;
use std::io::IsTerminal as _;
use std::path::Path;

use anyhow::{Context as _, Result, bail, ensure};
use base::{Clock as _, SystemClock};
use http::Method;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::rated::Rated;
use super::validate::MOST_SENT;
use super::{PAUSE, arn, kind_name, passports, path_of, request, standing};
use crate::args::Format;
use crate::client::Client;
use crate::commands::import::{bedrock, job_name};
use crate::commands::{jobs, objects, segment};
use crate::eval_args::{Calibrate, Run};
use crate::output;
use crate::shell::word;

/// The digits of a dataset's SHA-256 in the name of its object.
const DIGITS: usize = 16;
/// Problems of a dataset that are told.
const TOLD: usize = 100;

/// Compares a job's judge with people, or first has a judge judge what they rated.
pub(super) async fn run(client: &Client, args: &Calibrate, format: Format, here: &str) -> Result<()> {
    let (job, labels) = match (&args.labels, &args.dataset) {
        (Some(labels), _) => (args.named.clone(), human(labels)?),
        (None, Some(dataset)) => judged(client, args, dataset, (here, format)).await?,
        // The arguments ask for one of them.
        (None, None) => bail!("nothing tells what people say\nhint: --dataset FILE, or --labels FILE of a job"),
    };
    let answer = client.craton(Method::POST, &format!("{}/calibrate", path_of(&job)), Some(&labels)).await?;
    passports::show(&answer, format)
}

/// What people say, out of a file of JSON lines.
fn human(path: &Path) -> Result<Value> {
    let text = fs::read_to_string(path).with_context(|| format!("cannot read `{}`", path.display()))?;
    let mut labels = Vec::new();
    for (number, line) in (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty()) {
        let label: Value =
            serde_json::from_str(line).with_context(|| format!("line {number} of the labels is no JSON"))?;
        labels.push(label);
    }
    Ok(json!({ "labels": labels }))
}

/// The job in which the judge has judged a dataset, and the labels of its records.
async fn judged(
    client: &Client,
    args: &Calibrate,
    dataset: &str,
    (here, format): (&str, Format),
) -> Result<(String, Value)> {
    let text = match dataset.starts_with("s3://") {
        true => String::from_utf8(objects::get(client, dataset).await?)
            .with_context(|| format!("`{dataset}` is not UTF-8"))?,
        false => fs::read_to_string(dataset).with_context(|| format!("cannot read `{dataset}`"))?,
    };
    let rated = Rated::read(&text).or_else(|problems| refuse(dataset, &problems, format))?;
    let job = match &args.job {
        Some(job) => {
            same(client, job, (dataset, &text), &args.named).await?;
            job.clone()
        }
        None => start(client, args, (dataset, &text), &rated, format).await?,
    };
    let again = again(&args.named, dataset, &job, here);
    if args.job.is_none() {
        // Whatever ends this command from here on, the job is there.
        output::note(&format!("the evaluation job `{job}` has started: come back to it with `{again}`"));
    }
    follow(client, &job, &again).await?;
    Ok((job, rated.human()))
}

/// The command that goes on with a job.
fn again(judge: &str, dataset: &str, job: &str, here: &str) -> String {
    format!("craton eval calibrate {} --dataset {} --job {}{here}", word(judge), word(dataset), word(job))
}

/// Tells what is wrong with a dataset.
fn refuse<T>(dataset: &str, problems: &[String], format: Format) -> Result<T> {
    match format {
        Format::Json => output::json(&json!({ "problems": problems }))?,
        Format::Text => problems.iter().take(TOLD).for_each(|problem| output::note(problem)),
    }
    bail!("`{dataset}` cannot be calibrated with as it is: {} problems", problems.len())
}

/// Starts the job, once nothing is wrong with what it would read.
async fn start(
    client: &Client,
    args: &Calibrate,
    (dataset, text): (&str, &str),
    rated: &Rated,
    format: Format,
) -> Result<String> {
    // The arguments ask for both.
    let (to, role_arn) = args.to.as_deref().zip(args.role_arn.as_deref()).context("--to and --role-arn are missing")?;
    // What lies in S3 is copied, too: if it changed, people's labels would be those of other records.
    let uri = place(to, dataset, text);
    let is_sent = text.len() <= MOST_SENT;
    if !is_sent && uri != dataset {
        objects::put_lines(client, &uri, text).await?;
    }
    let run = asked(args, (&uri, to, role_arn), rated);
    let body = request::body(&run)?;
    let shown = if is_sent { ("lines", text) } else { ("s3Uri", uri.as_str()) };
    check(client, &body, shown, (dataset, rated), format).await?;
    if is_sent && uri != dataset {
        objects::put_lines(client, &uri, text).await?;
    }
    let answer = client.craton(Method::POST, "/evaluation-jobs", Some(&body)).await?;
    for warning in answer["warnings"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        output::note(warning);
    }
    Ok(answer["jobId"].as_str().context("the server's answer names no job")?.to_owned())
}

/// Where a dataset is written to: its name and what it has in it.
fn place(to: &str, dataset: &str, text: &str) -> String {
    let stem = Path::new(dataset).file_stem().unwrap_or_default().to_string_lossy();
    let name: String = stem.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).take(40).collect();
    let slash = if to.ends_with('/') { "" } else { "/" };
    format!("{to}{slash}{name}-{}.jsonl", digits(text))
}

/// The first digits of the SHA-256.
fn digits(text: &str) -> String {
    Sha256::digest(text).iter().take(DIGITS / 2).map(|byte| format!("{byte:02x}")).collect()
}

/// The job that is asked for: the dataset's answers, and every metric that people rated.
fn asked(args: &Calibrate, (dataset, to, role_arn): (&str, &str, &str), rated: &Rated) -> Run {
    let rated_metrics = rated.metrics().into_keys().map(str::to_owned);
    let mut metrics: Vec<String> = rated_metrics.collect();
    metrics.extend(args.metrics.iter().filter(|name| !rated.metrics().contains_key(name.as_str())).cloned());
    let name = args.name.clone();
    Run {
        name: name.unwrap_or_else(|| job_name(&args.named, SystemClock.now()).to_ascii_lowercase()),
        judge: Some(args.named.clone()),
        custom_judge: None,
        generators: Vec::new(),
        temperature: None,
        top_p: None,
        stop_sequences: Vec::new(),
        max_tokens: None,
        latency: None,
        knowledge_base: None,
        results: 10,
        search: "HYBRID".to_owned(),
        prompt: None,
        own: Some(rated.source.clone()),
        kind: rated.kind,
        dataset: dataset.to_owned(),
        to: to.to_owned(),
        role_arn: role_arn.to_owned(),
        kms_key: None,
        description: Some("Answers that people rated, to calibrate the judge".to_owned()),
        tags: Vec::new(),
        metrics,
        custom_metrics: args.custom_metrics.clone(),
        askings: args.askings,
        embedding_model: None,
        price_per_hour: None,
        prices: Vec::new(),
        wait: false,
    }
}

/// Sees whether the job could read the dataset, and whether its labels are on the scales.
async fn check(
    client: &Client,
    body: &Value,
    shown: (&str, &str),
    (dataset, rated): (&str, &Rated),
    format: Format,
) -> Result<()> {
    let automated = &body["evaluationConfig"]["automated"];
    let mut asked = json!({
        "kind": kind_name(rated.kind),
        "ownResponses": true,
        "judge": automated["evaluatorModelConfig"]["bedrockEvaluatorModels"][0]["modelIdentifier"],
        "metricNames": automated["datasetMetricConfigs"][0]["metricNames"],
        "unlimited": true,
    });
    asked[shown.0] = json!(shown.1);
    if automated["customMetricConfig"].is_object() {
        asked["customMetrics"] = automated["customMetricConfig"]["customMetrics"].clone();
    }
    let answer = client.craton(Method::POST, "/evaluation-datasets/check", Some(&asked)).await?;
    let found = answer["problems"].as_array().into_iter().flatten();
    let mut problems: Vec<String> =
        found.filter_map(|problem| problem["message"].as_str().map(str::to_owned)).collect();
    problems.extend(rated.problems(&answer["scales"]));
    if problems.is_empty() { Ok(()) } else { refuse(dataset, &problems, format) }
}

/// Sees whether a job that was started before judges this dataset, by this judge.
async fn same(client: &Client, job: &str, (dataset, text): (&str, &str), judge: &str) -> Result<()> {
    let path = format!("/evaluation-jobs/{}", segment(&arn(client, job).await?));
    let found = bedrock(client, Method::GET, &path, &[], None).await?;
    let automated = &found["evaluationConfig"]["automated"];
    let uri = automated["datasetMetricConfigs"][0]["dataset"]["datasetLocation"]["s3Uri"].as_str().unwrap_or_default();
    let is_same = uri.ends_with(&format!("-{}.jsonl", digits(text)));
    ensure!(
        is_same,
        "the job `{job}` judges `{uri}`, not `{dataset}` as it is now\nhint: leave --job out to start another"
    );
    let known = automated["evaluatorModelConfig"]["bedrockEvaluatorModels"][0]["modelIdentifier"].as_str();
    let known = known.unwrap_or_default();
    ensure!(known == judge, "the judge of the job `{job}` is `{known}`, not `{judge}`");
    Ok(())
}

/// Follows a job to its end with a progress bar on standard error, where that is a terminal, and lines elsewhere. Ctrl-C ends the
/// following, not the job.
async fn follow(client: &Client, job: &str, again: &str) -> Result<()> {
    let (title, mut told) = ("judging", String::new());
    let bar = jobs::bar(title);
    let interrupted = tokio::signal::ctrl_c();
    tokio::pin!(interrupted);
    loop {
        let report = standing(client, job).await?;
        match report["status"].as_str().unwrap_or_default() {
            "Completed" => {
                bar.finish_and_clear();
                return Ok(());
            }
            status @ ("Failed" | "Stopped") => {
                bar.finish_and_clear();
                let said = report["messages"][0].as_str().map(|said| format!(": {said}")).unwrap_or_default();
                bail!("the evaluation job `{job}` is {status}{said}");
            }
            _ => {}
        }
        jobs::show(&bar, title, &progress(&report));
        let line = super::progress(&report);
        if line != told && !std::io::stderr().is_terminal() {
            output::note(&line);
        }
        told = line;
        tokio::select! {
            () = tokio::time::sleep(PAUSE) => {}
            _ = &mut interrupted => {
                bar.finish_and_clear();
                bail!("not followed to its end: the job goes on\nhint: come back with `{again}`, or end it with `craton eval stop {job}`");
            }
        }
    }
}

/// How far a job is, as jobs tell it.
fn progress(report: &Value) -> Value {
    let done: u64 = report["progress"].as_array().into_iter().flatten().filter_map(|part| part["done"].as_u64()).sum();
    json!({"done": done, "total": report["total"], "unit": "answers and scores", "message": ""})
}

#[cfg(test)]
#[path = "calibrate_tests.rs"]
mod tests;
