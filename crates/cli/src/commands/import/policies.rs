//! `craton import policies`.

use std::fmt::Write as _;

use anyhow::Result;
use http::Method;
use serde_json::{Value, json};

use crate::args::Format;
use crate::client::Client;
use crate::fields::text;
use crate::import_args::Policies;
use crate::output;

pub(super) async fn run(client: &Client, args: &Policies, format: Format) -> Result<()> {
    let answer = client.craton(Method::POST, "/imports/policies", Some(&request(args))).await?;
    if format == Format::Json { output::json(&answer) } else { output::line(policies(&answer)) }
}

fn request(args: &Policies) -> Value {
    let mut body = json!({ "roleArn": args.role_arn, "s3Uri": args.from, "sourceAccount": args.source_account });
    for (name, key) in [("kmsKeyArn", &args.kms_key), ("sourceKmsKeyArn", &args.source_kms_key)] {
        if let Some(key) = key {
            body[name] = key.as_str().into();
        }
    }
    body
}

/// The policies in the order in which they are put, each with its account.
pub(super) fn policies(answer: &Value) -> String {
    let mut out = String::new();
    for policy in answer["policies"].as_array().into_iter().flatten() {
        let whose = match policy["side"].as_str() {
            Some("source") => "the account of the checkpoint",
            _ => "the account that imports",
        };
        let step = policy["step"].as_u64().map(|step| format!("{step}. ")).unwrap_or_default();
        let _ = writeln!(out, "{step}{}\n   in {}, {whose}", text(policy, "title"), text(policy, "account"));
        let _ = writeln!(out, "   on {}", text(policy, "resource"));
        if let Ok(document) = serde_json::to_string_pretty(&policy["document"]) {
            document.lines().for_each(|line| {
                let _ = writeln!(out, "     {line}");
            });
        }
        text(policy, "command").lines().for_each(|line| {
            let _ = writeln!(out, "   $ {line}");
        });
        out.push('\n');
    }
    out.truncate(out.trim_end().len());
    out
}
