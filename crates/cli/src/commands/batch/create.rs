//! `craton batch create`.

use anyhow::Result;
use base::{Clock as _, SystemClock};
use http::Method;
use serde_json::{Value, json};

use super::{follow, job};
use crate::args::Format;
use crate::batch_args::Create;
use crate::client::Client;
use crate::commands::import::{bedrock, job_name};
use crate::fields::text;
use crate::output;

pub(super) async fn run(client: &Client, args: &Create, format: Format, here: &str) -> Result<()> {
    let name = args.name.clone().unwrap_or_else(|| job_name(&args.model, SystemClock.now()));
    let answer = bedrock(client, Method::POST, "/model-invocation-job", &[], Some(&request(args, &name))).await?;
    let arn = text(&answer, "jobArn");
    let id = arn.rsplit('/').next().unwrap_or(&arn);
    if args.wait {
        let batch = follow::to_the_end(client, id, &name, here).await?;
        return job::ended(&batch, format, here);
    }
    if format == Format::Json {
        return output::json(&json!({ "jobArn": arn, "jobName": name }));
    }
    output::line(&arn)?;
    output::note(&format!("The batch goes on: craton batch status {id} --wait{here}"));
    Ok(())
}

/// CreateModelInvocationJob's body.
fn request(args: &Create, name: &str) -> Value {
    let mut body = json!({
        "jobName": name,
        "modelId": args.model,
        "roleArn": args.role_arn,
        "modelInvocationType": args.kind.name(),
        "inputDataConfig": { "s3InputDataConfig": { "s3Uri": args.from, "s3InputFormat": "JSONL" } },
        "outputDataConfig": { "s3OutputDataConfig": { "s3Uri": args.to } },
    });
    if let Some(owner) = &args.from_owner {
        body["inputDataConfig"]["s3InputDataConfig"]["s3BucketOwner"] = owner.as_str().into();
    }
    if let Some(owner) = &args.to_owner {
        body["outputDataConfig"]["s3OutputDataConfig"]["s3BucketOwner"] = owner.as_str().into();
    }
    if let Some(token) = &args.request_token {
        body["clientRequestToken"] = token.as_str().into();
    }
    if let Some(key) = &args.kms_key {
        body["outputDataConfig"]["s3OutputDataConfig"]["s3EncryptionKeyId"] = key.as_str().into();
    }
    if let Some(hours) = args.timeout {
        body["timeoutDurationInHours"] = hours.into();
    }
    if !args.tag.is_empty() {
        body["tags"] = args.tag.iter().map(|(key, value)| json!({ "key": key, "value": value })).collect();
    }
    body
}
