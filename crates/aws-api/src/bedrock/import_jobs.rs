//! Model import jobs: `CreateModelImportJob`, `GetModelImportJob`, `ListModelImportJobs`.

use aws_wire::generated::bedrock::{
    CreateModelImportJobRequest, CreateModelImportJobResponse, GetModelImportJobRequest, GetModelImportJobResponse,
    ListModelImportJobsRequest, ListModelImportJobsResponse, ModelDataSource, ModelImportJobStatus,
    ModelImportJobSummary, S3DataSource, SortOrder,
};
use base::{Error, PageRequest, Result};
use models::{ImportFilter, ImportJob, ImportStatus, NewImport};

use super::tags::pairs;
use crate::body::full;
use crate::call::Answer;
use crate::craton::quantization;
use crate::dispatch::AwsCall;

/// What Bedrock lists at once where nothing is said.
pub(super) const PAGE: u32 = 100;
/// The header that chooses how the weights are kept, which AWS has no member for.
const QUANTIZATION: &str = "x-craton-quantization";
/// The header that says what that may cost.
const BOUND: &str = "x-craton-quantization-bound";

/// Starts an import.
pub(super) async fn create(call: AwsCall) -> Answer {
    let input: CreateModelImportJobRequest = call.decode()?;
    if input.vpc_config.is_some() {
        return Err(Error::not_implemented("Importing a model in a VPC (`vpcConfig`) is not implemented.")
            .with_hint("Leave `vpcConfig` out: nothing of an import leaves this server.")
            .into());
    }
    let ModelDataSource::S3DataSource(source) = input.model_data_source;
    let header = |name| call.parts.headers.get(name).map(|value| value.to_str().unwrap_or_default());
    let (quantization, bound) = (quantization(header(QUANTIZATION))?, header(BOUND).map(str::to_owned));
    let new = NewImport {
        job_name: input.job_name,
        model_name: input.imported_model_name,
        role_arn: input.role_arn,
        source_uri: source.s3_uri,
        kms_key: input.imported_model_kms_key_id,
        quantization,
        bound,
        tags: pairs(input.job_tags),
        model_tags: pairs(input.imported_model_tags),
        request_token: input.client_request_token,
    };
    let job = call.api.models().create_import_job(&call.ctx, new).await?;
    Ok(call.encode(&CreateModelImportJobResponse { job_arn: job.arn.to_string() }).map(full))
}

/// One job, by name, id or ARN.
pub(super) async fn get(call: AwsCall) -> Answer {
    let input: GetModelImportJobRequest = call.decode()?;
    let job = call.api.models().import_job(&call.ctx, &input.job_identifier).await?;
    let completed = job.status == ImportStatus::Completed;
    let output = GetModelImportJobResponse {
        job_arn: Some(job.arn.to_string()),
        job_name: Some(job.name),
        imported_model_name: Some(job.model_name),
        imported_model_arn: completed.then(|| job.model_arn.to_string()),
        role_arn: Some(job.role_arn),
        model_data_source: Some(ModelDataSource::S3DataSource(S3DataSource { s3_uri: job.source_uri })),
        status: Some(status(job.status)),
        failure_message: job.failure,
        creation_time: Some(job.created.into()),
        last_modified_time: Some(job.modified.into()),
        end_time: job.ended.map(Into::into),
        vpc_config: None,
        imported_model_kms_key_arn: job.kms_key_arn,
    };
    Ok(call.encode(&output).map(full))
}

/// The jobs, by time, status and name.
pub(super) async fn list(call: AwsCall) -> Answer {
    let input: ListModelImportJobsRequest = call.decode()?;
    let filter = ImportFilter {
        after: input.creation_time_after.map(Into::into),
        before: input.creation_time_before.map(Into::into),
        status: input.status_equals.map(|status| match status {
            ModelImportJobStatus::InProgress => ImportStatus::InProgress,
            ModelImportJobStatus::Completed => ImportStatus::Completed,
            ModelImportJobStatus::Failed => ImportStatus::Failed,
        }),
        name_contains: input.name_contains,
        ascending: input.sort_order == Some(SortOrder::Ascending),
    };
    let page = page(input.max_results, input.next_token.as_deref())?;
    let jobs = call.api.models().import_jobs(&call.ctx, &filter, &page).await?;
    let output = ListModelImportJobsResponse {
        next_token: jobs.next_token(),
        model_import_job_summaries: Some(jobs.items.into_iter().map(summary).collect()),
    };
    Ok(call.encode(&output).map(full))
}

/// # Errors
/// Invalid, for a token that no listing gave.
pub(super) fn page(most: Option<i32>, token: Option<&str>) -> Result<PageRequest> {
    let limit = most.and_then(|most| u32::try_from(most).ok()).unwrap_or(PAGE);
    PageRequest::from_token(limit, token)
}

fn summary(job: ImportJob) -> ModelImportJobSummary {
    let completed = job.status == ImportStatus::Completed;
    ModelImportJobSummary {
        job_arn: job.arn.to_string(),
        job_name: job.name,
        status: status(job.status),
        last_modified_time: Some(job.modified.into()),
        creation_time: job.created.into(),
        end_time: job.ended.map(Into::into),
        imported_model_arn: completed.then(|| job.model_arn.to_string()),
        imported_model_name: Some(job.model_name),
    }
}

fn status(status: ImportStatus) -> ModelImportJobStatus {
    match status {
        ImportStatus::InProgress => ModelImportJobStatus::InProgress,
        ImportStatus::Completed => ModelImportJobStatus::Completed,
        ImportStatus::Failed => ModelImportJobStatus::Failed,
    }
}
