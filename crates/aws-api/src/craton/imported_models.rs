//! Imported models: their cards.

use std::collections::BTreeMap;

use base::Error;
use http::StatusCode;
use serde_json::json;

use crate::call::{Answer, Call, Labels, json as respond};

/// One imported model with its card, by name, id or ARN.
pub(super) async fn get(call: Call<Labels>) -> Answer {
    let models = call.api.models();
    let model = models.imported_model(&call.ctx, call.label(0)).await?;
    let tags: BTreeMap<&String, &String> = model.tags.iter().map(|(key, value)| (key, value)).collect();
    let card = serde_json::to_value(&model.card).map_err(Error::internal)?;
    let body = json!({
        "modelArn": model.arn.to_string(),
        "modelId": model.id,
        "modelName": model.name,
        "architecture": model.architecture,
        "instruct": model.instruct,
        "bytes": model.bytes,
        "kmsKeyArn": model.kms_key_arn,
        "roleArn": model.role_arn,
        "s3Uri": model.source_uri,
        "jobName": model.job_name,
        "jobArn": model.job_arn.to_string(),
        "createdAt": model.created.to_iso8601(),
        "loaded": models.is_loaded(&model),
        "tags": tags,
        "card": card,
    });
    Ok(respond(StatusCode::OK, &body))
}
