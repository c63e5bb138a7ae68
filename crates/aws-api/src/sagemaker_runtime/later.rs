//! `InvokeEndpointAsync`: a body out of S3, and its answer to there.

use aws_wire::generated::sagemaker_runtime::{InvokeEndpointAsyncInput, InvokeEndpointAsyncOutput};
use base::Error;
use models::LaterInvocation;

use super::invoke::{check_media, decode, refuse_unserved};
use crate::body::full;
use crate::call::Answer;
use crate::dispatch::AwsCall;

/// Takes a request, which a job answers.
pub(super) async fn invoke_endpoint(call: AwsCall) -> Answer {
    let input: InvokeEndpointAsyncInput = decode(&call)?;
    refuse_unserved(&[(input.body.is_some_and(|body| !body.0.is_empty()), "Bodies in the request itself (`Body`)")])?;
    check_media(input.content_type.as_deref())?;
    let location = input.input_location.ok_or_else(|| {
        Error::invalid("InputLocation must be given.").with_hint("It is where the body lies: `s3://BUCKET/KEY`.")
    })?;
    let seconds = |given: Option<i32>| given.and_then(|seconds| u32::try_from(seconds).ok());
    let asked = LaterInvocation {
        endpoint: input.endpoint_name,
        input: location,
        id: input.inference_id,
        folder: input.s3_output_path_extension,
        file: input.filename,
        wait_seconds: seconds(input.request_ttl_seconds),
        seconds: seconds(input.invocation_timeout_seconds),
    };
    let taken = call.api.models().invoke_later(&call.ctx, asked).await?;
    let output = InvokeEndpointAsyncOutput {
        inference_id: Some(taken.id),
        output_location: Some(taken.output),
        failure_location: taken.failure,
    };
    Ok(call.encode(&output).map(full))
}
