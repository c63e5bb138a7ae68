//! `GetImportedModel`, `ListImportedModels`, `DeleteImportedModel`.

use aws_wire::generated::bedrock::{
    DeleteImportedModelRequest, DeleteImportedModelResponse, GetImportedModelRequest, GetImportedModelResponse,
    ImportedModelSummary, ListImportedModelsRequest, ListImportedModelsResponse, ModelDataSource, S3DataSource,
    SortOrder,
};
use models::ImportFilter;

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

/// The imported models, by time and name.
pub(super) async fn list(call: AwsCall) -> Answer {
    let input: ListImportedModelsRequest = call.decode()?;
    let filter = ImportFilter {
        after: input.creation_time_after.map(Into::into),
        before: input.creation_time_before.map(Into::into),
        status: None,
        name_contains: input.name_contains,
        ascending: input.sort_order == Some(SortOrder::Ascending),
    };
    let page = super::import_jobs::page(input.max_results, input.next_token.as_deref())?;
    let models = call.api.models().imported_models(&call.ctx, &filter, &page).await?;
    let next_token = models.next_token();
    let summaries = models.items.into_iter().map(|model| ImportedModelSummary {
        model_arn: model.arn.to_string(),
        model_name: model.name,
        creation_time: model.created.into(),
        instruct_supported: Some(model.instruct),
        model_architecture: Some(model.architecture),
    });
    let output = ListImportedModelsResponse { next_token, model_summaries: Some(summaries.collect()) };
    Ok(call.encode(&output).map(full))
}

/// Removes a model and its bytes.
pub(super) async fn delete(call: AwsCall) -> Answer {
    let input: DeleteImportedModelRequest = call.decode()?;
    call.api.models().delete_imported_model(&call.ctx, &input.model_identifier).await?;
    Ok(call.encode(&DeleteImportedModelResponse {}).map(full))
}
