//! `craton eval`: evaluation jobs and their reports.

pub(crate) mod convert;
mod pairwise;
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
use serde_json::{Map, Value, json};

use super::segment;
use crate::args::Format;
use crate::client::Client;
use crate::eval_args::{Eval, Kind, Run};
use crate::output;

/// How long to wait before a job is looked at again.
const PAUSE: Duration = Duration::from_secs(2);

/// Runs a command of evaluations that needs a server.
pub(super) async fn run(client: &Client, command: Eval, format: Format) -> Result<()> {
    match command {
        // `commands::run` does it before: it needs no server.
        Eval::Convert(args) => convert::run(&args),
        Eval::Validate(args) => validate::run(client, &args, format).await,
        Eval::Run(args) => start(client, &args, format).await,
        Eval::Status { job, wait } if wait => follow(client, &job, format).await,
        Eval::Status { job, .. } => show_status(client, &job, format).await,
        Eval::Report { job, html: Some(path) } => {
            let page = text(client, &format!("{}/report?format=html", path_of(&job))).await?;
            fs::write(&path, page).with_context(|| format!("cannot write `{}`", path.display()))?;
            output::note(&format!("the report is in `{}`", path.display()));
            Ok(())
        }
        Eval::Report { job, html: None } => printed(client, &format!("{}/report", path_of(&job)), format).await,
        Eval::Compare { first, second, pairwise: Some(judge) } => {
            pairwise::run(client, (&first, &second), &judge, format).await
        }
        Eval::Compare { first, second, pairwise: None } => {
            printed(client, &format!("{}/compare/{}", path_of(&first), segment(&second)), format).await
        }
        Eval::Show { job, metric, limit } => show(client, &job, metric.as_deref(), limit, format).await,
        Eval::Calibrate { job, labels } => {
            let answer =
                client.craton(Method::POST, &format!("{}/calibrate", path_of(&job)), Some(&human(&labels)?)).await?;
            show_passports(&answer, format)
        }
        Eval::Passport { judge } => show_passports(
            &client.craton(Method::GET, &format!("/judges/{}/passport", segment(&judge)), None).await?,
            format,
        ),
        Eval::Sweep(args) => sweep::run(client, &args, format).await,
        Eval::Stop { job } => {
            let path = format!("/evaluation-job/{}/stop", segment(&arn(client, &job).await?));
            client.send("bedrock", Method::POST, &path, Vec::new()).await.map(drop)
        }
    }
}

async fn start(client: &Client, args: &Run, format: Format) -> Result<()> {
    let answer = client.craton(Method::POST, "/evaluation-jobs", Some(&body(args)?)).await?;
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

fn show_passports(answer: &Value, format: Format) -> Result<()> {
    if format == Format::Json {
        return output::json(answer);
    }
    let passports = answer["passports"].as_array().map_or(&[][..], Vec::as_slice);
    if passports.is_empty() {
        output::note("the judge was not calibrated");
    }
    for passport in passports {
        let (metric, summary) = (passport["metricName"].as_str(), passport["summary"].as_str());
        output::line(format!("{}  {}", metric.unwrap_or_default(), summary.unwrap_or_default()))?;
    }
    Ok(())
}

/// The text of a file.
fn read(file: &Path) -> Result<String> {
    fs::read_to_string(file).with_context(|| format!("`{}` cannot be read", file.display()))
}

/// The body of `CreateEvaluationJob`, and what Craton takes beside it.
fn body(args: &Run) -> Result<Value> {
    if args.prompt.is_some() && args.kind != Kind::Rag {
        bail!("`--prompt` is for answers from a knowledge base\nhint: --kind rag");
    }
    if args.knowledge_base.is_some() && args.kind == Kind::Model {
        bail!("a model's answers come from no knowledge base\nhint: --kind rag, or leave --knowledge-base out");
    }
    let system = match (args.kind, &args.own, &args.generator, &args.knowledge_base) {
        (Kind::Model, Some(own), ..) => {
            json!({"models": [{"precomputedInferenceSource": {"inferenceSourceIdentifier": own}}]})
        }
        (Kind::Model, None, Some(model), _) => json!({"models": [{"bedrockModel": {"modelIdentifier": model}}]}),
        (Kind::Retrieve, Some(own), ..) => rag(json!({"precomputedRagSourceConfig":
            {"retrieveSourceConfig": {"ragSourceIdentifier": own}}})),
        (Kind::Rag, Some(own), ..) => rag(json!({"precomputedRagSourceConfig":
            {"retrieveAndGenerateSourceConfig": {"ragSourceIdentifier": own}}})),
        (Kind::Retrieve, None, _, Some(base)) => rag(json!({"knowledgeBaseConfig": {"retrieveConfig":
            {"knowledgeBaseId": base, "knowledgeBaseRetrievalConfiguration": search(args)}}})),
        (Kind::Rag, None, Some(model), Some(base)) => {
            let mut asked = json!({"knowledgeBaseId": base, "modelArn": model, "retrievalConfiguration": search(args)});
            if let Some(file) = &args.prompt {
                let template = read(file)?;
                asked["generationConfiguration"] = json!({"promptTemplate": {"textPromptTemplate": template}});
            }
            rag(json!({"knowledgeBaseConfig": {"retrieveAndGenerateConfig":
                {"type": "KNOWLEDGE_BASE", "knowledgeBaseConfiguration": asked}}}))
        }
        (Kind::Model, None, None, _) => bail!("nothing is named that answers\nhint: --generator ID or --own NAME"),
        (Kind::Retrieve, ..) => bail!("nothing is named that is searched\nhint: --knowledge-base ID or --own NAME"),
        (Kind::Rag, ..) => {
            bail!("nothing is named that answers\nhint: --knowledge-base ID with --generator ID, or --own NAME")
        }
    };
    let judge = args.judge.as_ref().map(|judge| json!({"bedrockEvaluatorModels": [{"modelIdentifier": judge}]}));
    let name = args.dataset.rsplit('/').next().unwrap_or("dataset").trim_end_matches(".jsonl");
    let mut automated = json!({
        "datasetMetricConfigs": [{
            "taskType": "Custom",
            "dataset": {"name": name, "datasetLocation": {"s3Uri": args.dataset}},
            "metricNames": args.metrics,
        }],
    });
    if let Some(judge) = judge {
        automated["evaluatorModelConfig"] = judge;
    }
    let mut body = json!({
        "jobName": args.name,
        "roleArn": args.role_arn,
        "evaluationConfig": {"automated": automated},
        "inferenceConfig": system,
        "outputDataConfig": {"s3Uri": args.to},
    });
    let own = own(args);
    if !own.is_empty() {
        body["craton"] = Value::Object(own);
    }
    Ok(body)
}

/// What Craton takes beside `CreateEvaluationJob`, of what is not as usual.
fn own(args: &Run) -> Map<String, Value> {
    let mut own = Map::new();
    let mut tell = |name: &str, value: Option<Value>| value.map(|value| own.insert(name.to_owned(), value));
    tell("askings", (args.askings > 1).then(|| json!(args.askings)));
    tell("embeddingModelId", args.embedding_model.as_ref().map(|model| json!(model)));
    tell("pricePerHour", args.price_per_hour.map(|price| json!(price)));
    let prices = args.prices.iter().map(|price| {
        let mut prices = json!({"modelId": price.model, "input": price.input, "output": price.output});
        if let Some(cached) = price.cached {
            prices["cached"] = json!(cached);
        }
        prices
    });
    tell("prices", (!args.prices.is_empty()).then(|| prices.collect()));
    own
}

fn rag(config: Value) -> Value {
    json!({"ragConfigs": [config]})
}

fn search(args: &Run) -> Value {
    json!({"vectorSearchConfiguration": {"numberOfResults": args.results, "overrideSearchType": args.search}})
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
        Format::Text => output::line(text(client, &format!("{path}?format=text")).await?.trim_end()),
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
    for message in report["messages"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        output::line(message)?;
    }
    Ok(())
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
