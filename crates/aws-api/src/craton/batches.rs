//! Batch inference: what AWS's operations have no members for.

use base::ErrorKind;
use futures::future::FutureExt as _;
use http::StatusCode;
use identity::Ask;
use serde_json::{Value, json};

use crate::call::{Answer, Asked, Call, Labels, json as respond};

/// To read the job that is named, by its id whatever it is named by.
pub(super) fn asks(call: &Call<Labels>) -> Asked<'_> {
    async move {
        let named = call.label(0);
        let (id, tags) = match call.api.models().batch(&call.ctx, named).await {
            Ok(found) => (found.id, found.tags),
            Err(error) if error.kind == ErrorKind::NotFound => (named.to_owned(), Vec::new()),
            Err(error) => return Err(error.into()),
        };
        Ok(vec![Ask::new("craton:GetBatch", super::arn(&call.ctx, "batch", &id)).resource_tags(&tags)])
    }
    .boxed()
}

/// One batch job, by id or ARN: its work, its tokens and the first records that failed.
pub(super) async fn get(call: Call<Labels>) -> Answer {
    let models = call.api.models();
    let job = models.batch(&call.ctx, call.label(0)).await?;
    let errors = models.batch_errors(&call.ctx, &job.id).await?;
    let errors: Vec<Value> = errors
        .iter()
        .map(|error| {
            json!({
                "file": error.file,
                "line": error.line,
                "recordId": error.record_id,
                "errorCode": error.code,
                "errorMessage": error.message,
            })
        })
        .collect();
    let counts = job.counts;
    let body = json!({
        "jobArn": job.arn.to_string(),
        "jobId": job.id,
        "jobName": job.name,
        "status": job.status.as_str(),
        "message": job.failure,
        "workId": job.work.as_ref().map(jobs::JobId::as_str),
        "modelId": job.model_id,
        "modelInvocationType": job.kind.as_str(),
        "roleArn": job.role_arn,
        "inputUri": job.input.uri,
        "outputUri": job.output.uri,
        "resultsUri": format!("{}/{}/", job.output.uri.trim_end_matches('/'), job.id),
        "resultFiles": job.result_files(),
        "totalRecordCount": counts.records,
        "processedRecordCount": counts.processed(),
        "successRecordCount": counts.succeeded,
        "errorRecordCount": counts.failed,
        "inputTokenCount": counts.input_tokens,
        "outputTokenCount": counts.output_tokens,
        "errors": errors,
        "createdAt": job.created.to_iso8601(),
        "modifiedAt": job.modified.to_iso8601(),
        "endedAt": job.ended.map(base::Timestamp::to_iso8601),
        "expiresAt": job.expires.to_iso8601(),
    });
    Ok(respond(StatusCode::OK, &body))
}
