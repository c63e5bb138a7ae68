//! Batch inference: `CreateModelInvocationJob`, `GetModelInvocationJob`, `ListModelInvocationJobs`,
//! `StopModelInvocationJob`.

use aws_wire::generated::bedrock::{
    CreateModelInvocationJobRequest, CreateModelInvocationJobResponse, GetModelInvocationJobRequest,
    GetModelInvocationJobResponse, ListModelInvocationJobsRequest, ListModelInvocationJobsResponse,
    ModelInvocationJobInputDataConfig, ModelInvocationJobOutputDataConfig, ModelInvocationJobS3InputDataConfig,
    ModelInvocationJobS3OutputDataConfig, ModelInvocationJobStatus, ModelInvocationJobSummary, ModelInvocationType,
    S3InputFormat, SortOrder, StopModelInvocationJobRequest, StopModelInvocationJobResponse,
};
use base::{Error, Result};
use models::{BatchFilter, BatchJob, BatchPlace, BatchStatus, InvocationType, NewBatch};

use super::import_jobs::page;
use super::tags::pairs;
use crate::body::full;
use crate::call::Answer;
use crate::dispatch::AwsCall;

/// Starts a batch.
pub(super) async fn create(call: AwsCall) -> Answer {
    let input: CreateModelInvocationJobRequest = call.decode()?;
    if input.vpc_config.is_some() {
        return Err(Error::not_implemented("Batch inference in a VPC (`vpcConfig`) is not implemented.")
            .with_hint("Leave `vpcConfig` out: nothing of a batch leaves this server.")
            .into());
    }
    let ModelInvocationJobInputDataConfig::S3InputDataConfig(from) = input.input_data_config;
    let ModelInvocationJobOutputDataConfig::S3OutputDataConfig(to) = input.output_data_config;
    let new = NewBatch {
        name: input.job_name,
        model_id: input.model_id,
        role_arn: input.role_arn,
        kind: match input.model_invocation_type {
            None | Some(ModelInvocationType::InvokeModel) => InvocationType::InvokeModel,
            Some(ModelInvocationType::Converse) => InvocationType::Converse,
        },
        input: BatchPlace { uri: from.s3_uri, owner: from.s3_bucket_owner },
        output: BatchPlace { uri: to.s3_uri, owner: to.s3_bucket_owner },
        output_key: to.s3_encryption_key_id,
        timeout_hours: input.timeout_duration_in_hours.and_then(|hours| u32::try_from(hours).ok()),
        tags: pairs(input.tags),
        request_token: input.client_request_token,
    };
    let job = call.api.models().create_batch(&call.ctx, new).await?;
    Ok(call.encode(&CreateModelInvocationJobResponse { job_arn: job.arn.to_string() }).map(full))
}

/// One job, by id or ARN.
pub(super) async fn get(call: AwsCall) -> Answer {
    let input: GetModelInvocationJobRequest = call.decode()?;
    let job = call.api.models().batch(&call.ctx, &input.job_identifier).await?;
    let ModelInvocationJobSummary {
        job_arn,
        job_name,
        model_id,
        client_request_token,
        role_arn,
        status,
        message,
        submit_time,
        last_modified_time,
        end_time,
        input_data_config,
        output_data_config,
        vpc_config,
        timeout_duration_in_hours,
        job_expiration_time,
        model_invocation_type,
        total_record_count,
        processed_record_count,
        success_record_count,
        error_record_count,
    } = summary(job)?;
    let output = GetModelInvocationJobResponse {
        job_arn,
        job_name: Some(job_name),
        model_id,
        client_request_token,
        role_arn,
        status,
        message,
        submit_time,
        last_modified_time,
        end_time,
        input_data_config,
        output_data_config,
        vpc_config,
        timeout_duration_in_hours,
        job_expiration_time,
        model_invocation_type,
        total_record_count,
        processed_record_count,
        success_record_count,
        error_record_count,
    };
    Ok(call.encode(&output).map(full))
}

/// The jobs, by time, status and name.
pub(super) async fn list(call: AwsCall) -> Answer {
    let input: ListModelInvocationJobsRequest = call.decode()?;
    let filter = BatchFilter {
        after: input.submit_time_after.map(Into::into),
        before: input.submit_time_before.map(Into::into),
        status: input.status_equals.map(|status| BatchStatus::from_name(status.as_str())).transpose()?,
        name_contains: input.name_contains,
        ascending: input.sort_order == Some(SortOrder::Ascending),
    };
    let page = page(input.max_results, input.next_token.as_deref())?;
    let jobs = call.api.models().batches(&call.ctx, &filter, &page).await?;
    let output = ListModelInvocationJobsResponse {
        next_token: jobs.next_token(),
        invocation_job_summaries: Some(jobs.items.into_iter().map(summary).collect::<Result<_>>()?),
    };
    Ok(call.encode(&output).map(full))
}

/// Stops a job.
pub(super) async fn stop(call: AwsCall) -> Answer {
    let input: StopModelInvocationJobRequest = call.decode()?;
    call.api.models().stop_batch(&call.ctx, &input.job_identifier).await?;
    Ok(call.encode(&StopModelInvocationJobResponse {}).map(full))
}

fn summary(job: BatchJob) -> Result<ModelInvocationJobSummary> {
    let count = |count: u64| i64::try_from(count).ok();
    let counted = job.counts.records > 0;
    Ok(ModelInvocationJobSummary {
        job_arn: job.arn.to_string(),
        job_name: job.name,
        model_id: job.model_id,
        client_request_token: job.request_token,
        role_arn: job.role_arn,
        status: ModelInvocationJobStatus::from_wire(job.status.as_str()),
        message: job.failure,
        submit_time: job.created.into(),
        last_modified_time: Some(job.modified.into()),
        end_time: job.ended.map(Into::into),
        input_data_config: ModelInvocationJobInputDataConfig::S3InputDataConfig(ModelInvocationJobS3InputDataConfig {
            s3_input_format: Some(S3InputFormat::Jsonl),
            s3_uri: job.input.uri,
            s3_bucket_owner: job.input.owner,
        }),
        output_data_config: ModelInvocationJobOutputDataConfig::S3OutputDataConfig(
            ModelInvocationJobS3OutputDataConfig {
                s3_uri: job.output.uri,
                s3_encryption_key_id: job.output_key,
                s3_bucket_owner: job.output.owner,
            },
        ),
        vpc_config: None,
        timeout_duration_in_hours: Some(i32::try_from(job.timeout_hours).map_err(Error::internal)?),
        job_expiration_time: Some(job.expires.into()),
        model_invocation_type: Some(match job.kind {
            InvocationType::InvokeModel => ModelInvocationType::InvokeModel,
            InvocationType::Converse => ModelInvocationType::Converse,
        }),
        total_record_count: count(job.counts.records).filter(|_| counted),
        processed_record_count: count(job.counts.processed()).filter(|_| counted),
        success_record_count: count(job.counts.succeeded).filter(|_| counted),
        error_record_count: count(job.counts.failed).filter(|_| counted),
    })
}
