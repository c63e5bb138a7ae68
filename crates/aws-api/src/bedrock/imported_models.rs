//! `GetImportedModel`.

use aws_wire::generated::bedrock::{GetImportedModelRequest, GetImportedModelResponse, ModelDataSource, S3DataSource};

use crate::body::full;
use crate::call::Answer;
use crate::dispatch::AwsCall;

/// One imported model, by name, id or ARN.
pub(super) async fn get(call: AwsCall) -> Answer {
    let input: GetImportedModelRequest = call.decode()?;
    let model = call.api.models().imported_model(&call.ctx, &input.model_identifier).await?;
    let output = GetImportedModelResponse {
        model_arn: Some(model.arn.to_string()),
        model_name: Some(model.name),
        job_name: Some(model.job_name),
        job_arn: Some(model.job_arn.to_string()),
        model_data_source: Some(ModelDataSource::S3DataSource(S3DataSource { s3_uri: model.source_uri })),
        creation_time: Some(model.created.into()),
        model_architecture: Some(model.architecture),
        model_kms_key_arn: model.kms_key_arn,
        instruct_supported: Some(model.instruct),
        custom_model_units: None,
    };
    Ok(call.encode(&output).map(full))
}
