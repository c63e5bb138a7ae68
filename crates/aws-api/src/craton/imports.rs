//! Imports: what AWS's operations have no members for.

use base::{Error, ErrorKind};
use futures::future::FutureExt as _;
use http::StatusCode;
use identity::Ask;
use models::{
    CheckOutcome, ImportCheck, ImportJob, ImportPolicy, ImportSides, ModelFacts, NewImport, Quantization, Side,
};
use serde_json::{Value, json};

use crate::call::{Answer, Asked, Call, Labels, json as respond};
use crate::json_fields::{Fields, Wording};

/// To read the job that is named, by its id whatever it is named by.
pub(super) fn asks(call: &Call<Labels>) -> Asked<'_> {
    async move {
        let named = call.label(0);
        let (id, tags) = match call.api.models().import_job(&call.ctx, named).await {
            Ok(found) => (found.id, found.tags),
            Err(error) if error.kind == ErrorKind::NotFound => (named.to_owned(), Vec::new()),
            Err(error) => return Err(error.into()),
        };
        Ok(vec![Ask::new("craton:GetImport", super::arn(&call.ctx, "import", &id)).resource_tags(&tags)])
    }
    .boxed()
}

/// One import job, by name, id or ARN.
pub(super) async fn get(call: Call<Labels>) -> Answer {
    let job = call.api.models().import_job(&call.ctx, call.label(0)).await?;
    Ok(respond(StatusCode::OK, &describe(&job)?))
}

/// Whether an import would succeed as things are. Nothing is started or kept.
pub(super) async fn check(call: Call<Labels>) -> Answer {
    let body = call.json()?;
    let root = Fields::root(&body, Wording::OpenAi)?.without_nulls();
    root.only(&["roleArn", "s3Uri", "kmsKeyId", "quantization", "bound", "jobName", "modelName"])?;
    let text = |key| root.text(key).map(|text| text.map(str::to_owned));
    let new = NewImport {
        job_name: text("jobName")?.unwrap_or_else(|| "check".to_owned()),
        model_name: text("modelName")?.unwrap_or_else(|| "check".to_owned()),
        role_arn: root.required("roleArn")?.text()?.to_owned(),
        source_uri: root.required("s3Uri")?.text()?.to_owned(),
        kms_key: text("kmsKeyId")?,
        quantization: quantization(root.text("quantization")?)?,
        bound: text("bound")?,
        tags: Vec::new(),
        model_tags: Vec::new(),
        request_token: None,
    };
    let checked = call.api.models().check_import(&call.ctx, &new).await?;
    Ok(respond(StatusCode::OK, &describe_check(&checked)))
}

/// The policies that each side sets for an import.
pub(super) async fn policies(call: Call<Labels>) -> Answer {
    let body = call.json()?;
    let root = Fields::root(&body, Wording::OpenAi)?.without_nulls();
    root.only(&["roleArn", "s3Uri", "sourceAccount", "kmsKeyArn", "sourceKmsKeyArn"])?;
    let text = |key| root.text(key).map(|text| text.map(str::to_owned));
    let sides = ImportSides {
        role_arn: root.required("roleArn")?.text()?.to_owned(),
        source_uri: root.required("s3Uri")?.text()?.to_owned(),
        source_account: root.required("sourceAccount")?.text()?.parse()?,
        source_key: text("sourceKmsKeyArn")?,
        kms_key: text("kmsKeyArn")?,
    };
    let policies = call.api.models().import_policies(&call.ctx, &sides)?;
    let policies: Vec<Value> = policies.iter().map(describe_policy).collect();
    Ok(respond(StatusCode::OK, &json!({"policies": policies})))
}

/// How the weights are to be kept; half precision where nothing is said.
pub(crate) fn quantization(name: Option<&str>) -> base::Result<Quantization> {
    let Some(name) = name else { return Ok(Quantization::default()) };
    Quantization::from_name(name).ok_or_else(|| {
        let known: Vec<&str> = Quantization::ALL.iter().map(|known| known.name()).collect();
        Error::invalid(format!("`{name}` is not a quantization.")).with_hint(format!("One of: {}.", known.join(", ")))
    })
}

fn describe(job: &ImportJob) -> base::Result<Value> {
    let report = job.report.as_deref().map(serde_json::from_str::<Value>).transpose().map_err(Error::internal)?;
    Ok(json!({
        "jobArn": job.arn.to_string(),
        "jobId": job.id,
        "jobName": job.name,
        "status": job.status.as_str(),
        "failureMessage": job.failure,
        "workId": job.work.as_ref().map(jobs::JobId::as_str),
        "modelName": job.model_name,
        "modelArn": job.model_arn.to_string(),
        "modelId": job.model_id,
        "roleArn": job.role_arn,
        "s3Uri": job.source_uri,
        "kmsKeyArn": job.kms_key_arn,
        "quantization": job.quantization,
        "bound": job.bound,
        "report": report,
        "createdAt": job.created.to_iso8601(),
        "modifiedAt": job.modified.to_iso8601(),
        "endedAt": job.ended.map(base::Timestamp::to_iso8601),
    }))
}

fn describe_check(checked: &ImportCheck) -> Value {
    let steps = checked.steps.iter().map(|step| {
        let (outcome, [message, hint, request_id]) = match &step.outcome {
            CheckOutcome::Passed => ("passed", [None; 3]),
            CheckOutcome::Failed { message, hint, request_id } => {
                ("failed", [Some(message), hint.as_ref(), request_id.as_ref()])
            }
            CheckOutcome::Skipped => ("skipped", [None; 3]),
        };
        json!({
            "name": step.name,
            "title": step.title,
            "outcome": outcome,
            "message": message,
            "hint": hint,
            "requestId": request_id,
        })
    });
    json!({
        "passes": checked.passes(),
        "checks": steps.collect::<Vec<Value>>(),
        "report": checked.report,
        "model": checked.facts.as_ref().map(|facts| {
            let mut model = describe_facts(facts);
            model["memoryBytes"] = json!(checked.memory_bytes);
            model
        }),
    })
}

/// What a checkpoint says of its model.
#[must_use]
pub fn describe_facts(facts: &ModelFacts) -> Value {
    json!({
        "class": facts.class,
        "architecture": facts.architecture,
        "parameters": facts.parameters,
        "layers": facts.layers,
        "hidden": facts.hidden,
        "contextLength": facts.context_length,
        "vocabulary": facts.vocabulary,
        "dtype": facts.dtype,
        "sourceBytes": facts.source_bytes,
        "modelBytes": facts.model_bytes,
    })
}

fn describe_policy(policy: &ImportPolicy) -> Value {
    json!({
        "account": policy.account.as_str(),
        "side": if policy.side == Side::Source { "source" } else { "host" },
        "step": policy.step,
        "kind": policy.kind,
        "title": policy.title,
        "resource": policy.resource,
        "document": policy.document,
        "command": policy.command,
    })
}
