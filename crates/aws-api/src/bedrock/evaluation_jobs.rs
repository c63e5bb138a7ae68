//! Evaluation jobs: `CreateEvaluationJob`, `GetEvaluationJob`, `ListEvaluationJobs`, `StopEvaluationJob`,
//! `BatchDeleteEvaluationJob`.

use aws_wire::generated::bedrock::{
    ApplicationType, BatchDeleteEvaluationJobError, BatchDeleteEvaluationJobItem, BatchDeleteEvaluationJobRequest,
    BatchDeleteEvaluationJobResponse, CreateEvaluationJobRequest, CreateEvaluationJobResponse, EvaluationJobStatus,
    EvaluationJobType, EvaluationSummary, EvaluationTaskType, GetEvaluationJobRequest, GetEvaluationJobResponse,
    ListEvaluationJobsRequest, ListEvaluationJobsResponse, SortOrder, StopEvaluationJobRequest,
    StopEvaluationJobResponse,
};
use base::{Arn, Error, ErrorKind, Result};
use futures::future::FutureExt as _;
use http::{HeaderValue, Response};
use identity::{Ask, Ctx};
use orchestration::evaluations::metrics::Family;
use orchestration::evaluations::plan::System;
use orchestration::evaluations::{EvaluationFilter, EvaluationJob, EvaluationStatus, NewEvaluation};
use serde_json::{Value, json};

use super::errors;
use super::evaluation_config::asked;
use super::import_jobs::page;
use super::tags::pairs;
use crate::body::{ResponseBody, full};
use crate::call::{Answer, Asked, WARNING};
use crate::dispatch::AwsCall;

/// Jobs of a page where nothing is said.
const PAGE: i32 = 50;

/// To start an evaluation; to give the job tags, too, where it does.
pub(super) fn create_asks(call: &AwsCall) -> Asked<'_> {
    async move {
        let input: CreateEvaluationJobRequest = call.decode()?;
        Ok(asks_to_create(&call.ctx, &pairs(input.job_tags)))
    }
    .boxed()
}

/// What has to be allowed to start a job with these tags.
pub(crate) fn asks_to_create(ctx: &Ctx, tags: &models::Tags) -> Vec<Ask> {
    let jobs = arn(ctx, "*");
    let mut asks = vec![Ask::new("bedrock:CreateEvaluationJob", &jobs).request_tags(tags)];
    if !tags.is_empty() {
        asks.push(Ask::new("bedrock:TagResource", jobs).request_tags(tags));
    }
    asks
}

/// Checks that what is evaluated is of the type that is said.
pub(crate) fn check_application(application: Option<ApplicationType>, systems: &[System]) -> Result<()> {
    let is_rag = systems.iter().any(|system| system.family() != Family::Model);
    if application.is_some_and(|application| (application == ApplicationType::RagEvaluation) != is_rag) {
        return Err(Error::invalid("`applicationType` and `inferenceConfig` do not go together.")
            .with_hint("`RagEvaluation` goes with `ragConfigs`, `ModelEvaluation` with `models`."));
    }
    Ok(())
}

/// To read the job that is named.
pub(super) fn get_asks(call: &AwsCall) -> Asked<'_> {
    one(call, "bedrock:GetEvaluationJob")
}

/// To stop the job that is named.
pub(super) fn stop_asks(call: &AwsCall) -> Asked<'_> {
    one(call, "bedrock:StopEvaluationJob")
}

/// To delete each job that is named.
pub(super) fn delete_asks(call: &AwsCall) -> Asked<'_> {
    async move {
        let input: BatchDeleteEvaluationJobRequest = call.decode()?;
        let mut asks = Vec::new();
        for named in &input.job_identifiers {
            asks.push(ask(call, "bedrock:BatchDeleteEvaluationJob", named).await?);
        }
        Ok(asks)
    }
    .boxed()
}

fn one<'a>(call: &'a AwsCall, action: &'static str) -> Asked<'a> {
    async move { Ok(vec![ask(call, action, &call.label("jobIdentifier")).await?]) }.boxed()
}

async fn ask(call: &AwsCall, action: &'static str, named: &str) -> Result<Ask> {
    match call.api.evaluations().get(&call.ctx, named).await {
        Ok(job) => Ok(Ask::new(action, job.arn.to_string()).resource_tags(&job.tags)),
        Err(error) if error.kind == ErrorKind::NotFound => Ok(Ask::new(action, arn(&call.ctx, named))),
        Err(error) => Err(error),
    }
}

/// The ARN of an evaluation job of the caller's account and region; an ARN is what it is.
pub(crate) fn arn(ctx: &Ctx, named: &str) -> String {
    if named.starts_with("arn:") {
        return named.to_owned();
    }
    Arn::new("bedrock", Some(ctx.region()), Some(ctx.account()), format!("evaluation-job/{named}")).to_string()
}

/// Starts an evaluation.
pub(super) async fn create(call: AwsCall) -> Answer {
    let input: CreateEvaluationJobRequest = call.decode()?;
    let evaluation = serde_json::to_value(&input.evaluation_config).map_err(Error::internal)?;
    let inference = serde_json::to_value(&input.inference_config).map_err(Error::internal)?;
    let asked = asked(&evaluation, &inference, input.output_data_config.s3_uri, false)?;
    check_application(input.application_type, &asked.systems)?;
    let new = NewEvaluation {
        name: input.job_name,
        description: input.job_description,
        role_arn: input.role_arn,
        output_key: input.customer_encryption_key_id,
        tags: pairs(input.job_tags),
        request_token: input.client_request_token,
        asked,
        configuration: json!({"evaluationConfig": evaluation, "inferenceConfig": inference}),
    };
    let (job, warnings) = call.api.evaluations().create(&call.ctx, new).await?;
    let mut response = call.encode(&CreateEvaluationJobResponse { job_arn: job.arn.to_string() }).map(full);
    warn(&mut response, &warnings);
    Ok(response)
}

/// Says in a header what whoever asked should know.
pub(crate) fn warn(response: &mut Response<ResponseBody>, warnings: &[String]) {
    if let Ok(value) = HeaderValue::from_str(&warnings.join(" "))
        && !warnings.is_empty()
    {
        response.headers_mut().insert(WARNING, value);
    }
}

/// One job.
pub(super) async fn get(call: AwsCall) -> Answer {
    let input: GetEvaluationJobRequest = call.decode()?;
    let job = call.api.evaluations().get(&call.ctx, &input.job_identifier).await?;
    let part = |name: &str| job.configuration[name].clone();
    let output = GetEvaluationJobResponse {
        job_name: job.name.clone(),
        status: status(job.status)?,
        job_arn: job.arn.to_string(),
        job_description: job.description.clone(),
        role_arn: job.role_arn.clone(),
        customer_encryption_key_id: job.output_key.clone(),
        job_type: EvaluationJobType::Automated,
        application_type: Some(application(&job)),
        evaluation_config: serde_json::from_value(part("evaluationConfig")).map_err(Error::internal)?,
        inference_config: serde_json::from_value(part("inferenceConfig")).map_err(Error::internal)?,
        output_data_config: serde_json::from_value(json!({"s3Uri": job.asked.output})).map_err(Error::internal)?,
        creation_time: job.created.into(),
        last_modified_time: Some(job.modified.into()),
        failure_messages: (!job.messages.is_empty()).then(|| job.messages.clone()),
    };
    Ok(call.encode(&output).map(full))
}

/// The jobs, by time, status, kind and name.
pub(super) async fn list(call: AwsCall) -> Answer {
    let input: ListEvaluationJobsRequest = call.decode()?;
    let filter = EvaluationFilter {
        after: input.creation_time_after.map(Into::into),
        before: input.creation_time_before.map(Into::into),
        status: input.status_equals.map(|status| EvaluationStatus::from_name(status.as_str())).transpose()?,
        is_rag: input.application_type_equals.map(|application| application == ApplicationType::RagEvaluation),
        name_contains: input.name_contains,
        ascending: input.sort_order == Some(SortOrder::Ascending),
    };
    let page = page(input.max_results.or(Some(PAGE)), input.next_token.as_deref())?;
    let jobs = call.api.evaluations().list(&call.ctx, &filter, &page).await?;
    let output = ListEvaluationJobsResponse {
        next_token: jobs.next_token(),
        job_summaries: Some(jobs.items.into_iter().map(summary).collect::<Result<_>>()?),
    };
    Ok(call.encode(&output).map(full))
}

/// Stops a job.
pub(super) async fn stop(call: AwsCall) -> Answer {
    let input: StopEvaluationJobRequest = call.decode()?;
    call.api.evaluations().stop(&call.ctx, &input.job_identifier).await?;
    Ok(call.encode(&StopEvaluationJobResponse {}).map(full))
}

/// Deletes jobs. What is wrong with one is told beside it.
pub(super) async fn delete(call: AwsCall) -> Answer {
    let input: BatchDeleteEvaluationJobRequest = call.decode()?;
    let (mut refused, mut deleted) = (Vec::new(), Vec::new());
    for job_identifier in input.job_identifiers {
        match call.api.evaluations().delete(&call.ctx, &job_identifier).await {
            Ok(()) => {
                let job_status = status(EvaluationStatus::Deleting)?;
                deleted.push(BatchDeleteEvaluationJobItem { job_identifier, job_status });
            }
            Err(error) => {
                let (code, message) = (errors::wire(&error).code, Some(error.public_text()));
                refused.push(BatchDeleteEvaluationJobError { job_identifier, code, message });
            }
        }
    }
    let output = BatchDeleteEvaluationJobResponse { errors: refused, evaluation_jobs: deleted };
    Ok(call.encode(&output).map(full))
}

fn status(status: EvaluationStatus) -> Result<EvaluationJobStatus> {
    let name = status.as_str();
    EvaluationJobStatus::from_wire(name).ok_or_else(|| Error::internal(format!("evaluation status `{name}`")))
}

fn application(job: &EvaluationJob) -> ApplicationType {
    match job.asked.systems.iter().any(|system| system.family() != Family::Model) {
        true => ApplicationType::RagEvaluation,
        false => ApplicationType::ModelEvaluation,
    }
}

/// What a listing tells of a job.
pub(crate) fn summary(job: EvaluationJob) -> Result<EvaluationSummary> {
    let systems = &job.asked.systems;
    let of = |is: fn(&System) -> bool| -> Vec<String> {
        systems.iter().filter(|system| is(system)).map(|system| system.label().to_owned()).collect()
    };
    let models = of(|system| matches!(system, System::Model { .. }));
    let own_models = of(|system| matches!(system, System::ModelAnswers { .. }));
    let bases = of(|system| matches!(system, System::Retrieve { .. } | System::RetrieveAndGenerate { .. }));
    let own_bases = of(|system| matches!(system, System::RetrieveAnswers { .. } | System::RagAnswers { .. }));
    let some = |names: &[String]| (!names.is_empty()).then(|| names.to_vec());
    let tasks = job.asked.datasets.iter().filter_map(|dataset| EvaluationTaskType::from_wire(&dataset.task));
    let inference: Value = match application(&job) {
        ApplicationType::RagEvaluation => json!({"ragConfigSummary":
            {"bedrockKnowledgeBaseIdentifiers": bases, "precomputedRagSourceIdentifiers": own_bases}}),
        _ => json!({"modelConfigSummary":
            {"bedrockModelIdentifiers": models, "precomputedInferenceSourceIdentifiers": own_models}}),
    };
    Ok(EvaluationSummary {
        job_arn: job.arn.to_string(),
        job_name: job.name.clone(),
        status: status(job.status)?,
        creation_time: job.created.into(),
        job_type: EvaluationJobType::Automated,
        evaluation_task_types: tasks.collect(),
        model_identifiers: some(&models),
        rag_identifiers: some(&bases),
        evaluator_model_identifiers: job.asked.judge.clone().map(|judge| vec![judge]),
        custom_metrics_evaluator_model_identifiers: job.asked.custom_judge.clone().map(|judge| vec![judge]),
        inference_config_summary: Some(serde_json::from_value(inference).map_err(Error::internal)?),
        application_type: Some(application(&job)),
    })
}
