//! `craton eval validate`: what is wrong with a dataset, line by line.

use std::fs;

use anyhow::{Context as _, Result, bail};
use http::Method;
use serde_json::{Value, json};

use super::kind_name;
use super::request::{custom_metric, metric_names};
use crate::args::Format;
use crate::client::Client;
use crate::eval_args::Validate;
use crate::output;

/// The most bytes of a file that is sent; what is longer is looked at in S3.
pub(super) const MOST_SENT: usize = 2 << 20;

/// Has the server look at a dataset, and tells what it found.
pub(super) async fn run(client: &Client, args: &Validate, format: Format) -> Result<()> {
    let answer = client.craton(Method::POST, "/evaluation-datasets/check", Some(&body(args)?)).await?;
    let problems = answer["problems"].as_array().map_or(&[][..], Vec::as_slice);
    match format {
        Format::Json => output::json(&answer)?,
        Format::Text => {
            for metric in answer["customMetrics"].as_array().into_iter().flatten() {
                output::line(variables(metric))?;
            }
            for scale in answer["scales"].as_array().into_iter().flatten() {
                output::line(places(scale))?;
            }
            for problem in problems {
                output::line(told(problem))?;
            }
            output::line(format!("{} records, {} problems", answer["records"], problems.len()))?;
        }
    }
    if problems.is_empty() { Ok(()) } else { bail!("`{}` cannot be evaluated as it is", args.dataset) }
}

fn body(args: &Validate) -> Result<Value> {
    let custom = args.custom_metrics.iter().map(|file| custom_metric(file)).collect::<Result<Vec<_>>>()?;
    let mut body = json!({
        "kind": kind_name(args.kind),
        "ownResponses": args.own,
        "metricNames": metric_names(&args.metrics, &custom),
        "unlimited": !args.aws_limits,
    });
    if !custom.is_empty() {
        body["customMetrics"] = json!(custom);
    }
    if let Some(judge) = &args.judge {
        body["judge"] = json!(judge);
    }
    if args.dataset.starts_with("s3://") {
        body["s3Uri"] = json!(args.dataset);
        return Ok(body);
    }
    let text = fs::read_to_string(&args.dataset).with_context(|| format!("cannot read `{}`", args.dataset))?;
    if text.len() > MOST_SENT {
        bail!("`{}` has more than {MOST_SENT} bytes\nhint: upload it, and name its s3:// URI", args.dataset);
    }
    body["lines"] = json!(text);
    Ok(body)
}

/// What a metric of one's own names.
fn variables(metric: &Value) -> String {
    let names = metric["variables"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let names: Vec<String> = names.map(|name| format!("{{{{{name}}}}}")).collect();
    let names = if names.is_empty() { "nothing of a record".to_owned() } else { names.join(", ") };
    format!("{} names {names}", metric["metricName"].as_str().unwrap_or_default())
}

/// What people's labels of a metric mean.
fn places(scale: &Value) -> String {
    let labels = scale["labels"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let labels: Vec<String> = labels.enumerate().map(|(at, label)| format!("{at} {label}")).collect();
    format!("{} has the labels {}", scale["metricName"].as_str().unwrap_or_default(), labels.join(", "))
}

/// A problem: the server's messages name the line themselves, where they are of one.
fn told(problem: &Value) -> String {
    problem["message"].as_str().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eval_args::Kind;

    fn args(dataset: &str) -> Validate {
        let metrics = vec!["Craton.RougeL".to_owned()];
        let (dataset, custom_metrics) = (dataset.to_owned(), Vec::new());
        Validate { dataset, kind: Kind::Rag, own: true, metrics, custom_metrics, judge: None, aws_limits: false }
    }

    #[test]
    fn metrics_of_ones_own_are_sent_with_their_definitions() {
        let dir = tempfile::tempdir().unwrap();
        let [bare, whole, wrong] = ["bare.json", "whole.json", "wrong.json"].map(|name| dir.path().join(name));
        fs::write(&bare, r#"{"name": "tone", "instructions": "{{prediction}}"}"#).unwrap();
        fs::write(&whole, r#"{"customMetricDefinition": {"name": "length", "instructions": "{{prompt}}"}}"#).unwrap();
        fs::write(&wrong, r#"{"title": "tone"}"#).unwrap();
        let metrics = vec!["Craton.RougeL".to_owned(), "tone".to_owned()];
        let sent = body(&Validate { custom_metrics: vec![bare, whole], metrics, ..args("s3://b/d.jsonl") }).unwrap();
        assert_eq!(sent["metricNames"], json!(["Craton.RougeL", "tone", "length"]));
        assert_eq!(sent["customMetrics"][0]["customMetricDefinition"]["instructions"], "{{prediction}}");
        assert_eq!(sent["customMetrics"][1]["customMetricDefinition"]["name"], "length");
        assert!(body(&args("s3://b/d.jsonl")).unwrap().get("customMetrics").is_none());
        let refused =
            body(&Validate { custom_metrics: vec![wrong], ..args("s3://b/d.jsonl") }).unwrap_err().to_string();
        assert!(refused.contains("defines no metric"), "{refused}");
        let told = json!({"metricName": "tone", "variables": ["prediction", "context"]});
        assert_eq!(variables(&told), "tone names {{prediction}}, {{context}}");
        let scale = json!({"metricName": "Builtin.Refusal", "labels": ["No", "Yes"]});
        assert_eq!(places(&scale), "Builtin.Refusal has the labels 0 No, 1 Yes");
    }

    #[test]
    fn a_file_is_sent_and_an_object_is_named() {
        let named = body(&args("s3://b/d.jsonl")).unwrap();
        assert_eq!((&named["s3Uri"], named.get("judge")), (&json!("s3://b/d.jsonl"), None));
        let judged = Validate { judge: Some("amazon.nova-2-lite-v1:0".to_owned()), ..args("s3://b/d.jsonl") };
        assert_eq!(body(&judged).unwrap()["judge"], "amazon.nova-2-lite-v1:0");
        assert_eq!(
            (&named["kind"], &named["ownResponses"], &named["unlimited"]),
            (&json!("rag"), &json!(true), &json!(true))
        );
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), "{}\n").unwrap();
        assert_eq!(body(&args(file.path().to_str().unwrap())).unwrap()["lines"], "{}\n");
        fs::write(file.path(), " ".repeat(MOST_SENT + 1)).unwrap();
        assert!(body(&args(file.path().to_str().unwrap())).unwrap_err().to_string().contains("s3:// URI"));
        assert!(body(&args("nowhere.jsonl")).is_err());
    }
}
