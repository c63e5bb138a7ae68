//! `craton eval validate`: what is wrong with a dataset, line by line.

use std::fs;

use anyhow::{Context as _, Result, bail};
use http::Method;
use serde_json::{Value, json};

use crate::args::Format;
use crate::client::Client;
use crate::eval_args::{Kind, Validate};
use crate::output;

/// The most bytes of a file that is sent; what is longer is looked at in S3.
const MOST_SENT: usize = 2 << 20;

/// Has the server look at a dataset, and tells what it found.
pub(super) async fn run(client: &Client, args: &Validate, format: Format) -> Result<()> {
    let answer = client.craton(Method::POST, "/evaluation-datasets/check", Some(&body(args)?)).await?;
    let problems = answer["problems"].as_array().map_or(&[][..], Vec::as_slice);
    match format {
        Format::Json => output::json(&answer)?,
        Format::Text => {
            for problem in problems {
                output::line(told(problem))?;
            }
            output::line(format!("{} records, {} problems", answer["records"], problems.len()))?;
        }
    }
    if problems.is_empty() { Ok(()) } else { bail!("`{}` cannot be evaluated as it is", args.dataset) }
}

fn body(args: &Validate) -> Result<Value> {
    let kind = match args.kind {
        Kind::Rag => "rag",
        Kind::Retrieve => "retrieve",
        Kind::Model => "model",
    };
    let mut body = json!({
        "kind": kind,
        "ownResponses": args.own,
        "metricNames": args.metrics,
        "unlimited": !args.aws_limits,
    });
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

/// A problem: the server's messages name the line themselves, where they are of one.
fn told(problem: &Value) -> String {
    problem["message"].as_str().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(dataset: &str) -> Validate {
        let metrics = vec!["Craton.RougeL".to_owned()];
        Validate { dataset: dataset.to_owned(), kind: Kind::Rag, own: true, metrics, aws_limits: false }
    }

    #[test]
    fn a_file_is_sent_and_an_object_is_named() {
        let named = body(&args("s3://b/d.jsonl")).unwrap();
        assert_eq!(named["s3Uri"], "s3://b/d.jsonl");
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
