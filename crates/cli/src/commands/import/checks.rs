//! The checks of an import before it is started: each grant by itself, then the files.

use std::fmt::Write as _;

use anyhow::{Result, anyhow};
use http::Method;
use serde_json::{Value, json};

use crate::client::Client;
use crate::fields::text;

/// What is to be checked.
pub(super) struct Wish<'a> {
    pub(super) role_arn: &'a str,
    pub(super) uri: &'a str,
    pub(super) kms_key: Option<&'a str>,
    pub(super) quantization: &'a str,
    pub(super) bound: Option<&'a str>,
    pub(super) job_name: Option<&'a str>,
    pub(super) model_name: Option<&'a str>,
}

/// Has the server check an import, which starts and stores nothing.
pub(super) async fn ask(client: &Client, wish: &Wish<'_>) -> Result<Value> {
    let mut body = json!({ "roleArn": wish.role_arn, "s3Uri": wish.uri, "quantization": wish.quantization });
    let others =
        [("kmsKeyId", wish.kms_key), ("bound", wish.bound), ("jobName", wish.job_name), ("modelName", wish.model_name)];
    for (name, value) in others {
        if let Some(value) = value {
            body[name] = value.into();
        }
    }
    client.craton(Method::POST, "/imports/check", Some(&body)).await
}

/// The checks and what they found, for people.
pub(super) fn checks(answer: &Value, here: &str) -> String {
    let mut out = String::new();
    for check in answer["checks"].as_array().into_iter().flatten() {
        let word = match check["outcome"].as_str() {
            Some("passed") => "ok",
            Some("failed") => "FAILED",
            _ => "-",
        };
        let _ = writeln!(out, "{word:<7} {}", text(check, "title"));
        if check["outcome"] == "passed" {
            continue;
        }
        for (title, name) in [("", "message"), ("hint: ", "hint")] {
            if let Some(said) = check[name].as_str() {
                let _ = writeln!(out, "{:<7} {title}{said}", "");
            }
        }
        if let Some(id) = check["requestId"].as_str() {
            let _ = writeln!(out, "{:<7} why: craton iam explain {id}{here}", "");
        }
    }
    out.truncate(out.trim_end().len());
    out
}

/// What the examination found, for people: each finding with its file and fix.
pub(super) fn findings(report: &Value) -> String {
    let mut out = String::new();
    for finding in report["findings"].as_array().into_iter().flatten() {
        let file = finding["file"].as_str().map(|file| format!("{file}: ")).unwrap_or_default();
        let _ = writeln!(out, "{:<7} {file}{}", text(finding, "severity"), text(finding, "problem"));
        if let Some(fix) = finding["fix"].as_str().filter(|fix| !fix.is_empty()) {
            let _ = writeln!(out, "{:<7} fix: {fix}", "");
        }
    }
    out.truncate(out.trim_end().len());
    out
}

/// The error of an import that would fail, with the first step to mend it.
pub(super) fn refusal(answer: &Value, here: &str) -> anyhow::Error {
    let failed = || answer["checks"].as_array().into_iter().flatten().filter(|check| check["outcome"] == "failed");
    let names: Vec<&str> = failed().filter_map(|check| check["name"].as_str()).collect();
    let hint = match failed().find_map(|check| check["requestId"].as_str()) {
        Some(id) => format!("`craton iam explain {id}{here}` says what is missing on which side"),
        None if names == ["examine"] => "mend the files and upload them again".to_owned(),
        None => "`craton import policies` prints what each side needs".to_owned(),
    };
    let which = if names.is_empty() { String::new() } else { format!(" ({})", names.join(", ")) };
    anyhow!("the import would fail: a check did not pass{which}\nhint: {hint}")
}
