//! Imported models: their cards.

use std::collections::BTreeMap;

use base::ErrorKind;
use futures::future::FutureExt as _;
use http::StatusCode;
use identity::Ask;
use models::{ImportedCard, Quality, Trial};
use serde_json::{Value, json};

use crate::call::{Answer, Asked, Call, Labels, json as respond};

/// To read the model that is named, by its id whatever it is named by.
pub(super) fn asks(call: &Call<Labels>) -> Asked<'_> {
    async move {
        let named = call.label(0);
        let (id, tags) = match call.api.models().imported_model(&call.ctx, named).await {
            Ok(found) => (found.id, found.tags),
            Err(error) if error.kind == ErrorKind::NotFound => (named.to_owned(), Vec::new()),
            Err(error) => return Err(error.into()),
        };
        Ok(vec![
            Ask::new("craton:GetImportedModelCard", super::arn(&call.ctx, "imported-model", &id)).resource_tags(&tags),
        ])
    }
    .boxed()
}

/// One imported model with its card, by name, id or ARN.
pub(super) async fn get(call: Call<Labels>) -> Answer {
    let models = call.api.models();
    let model = models.imported_model(&call.ctx, call.label(0)).await?;
    let tags: BTreeMap<&String, &String> = model.tags.iter().map(|(key, value)| (key, value)).collect();
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
        "card": describe(&model.card),
    });
    Ok(respond(StatusCode::OK, &body))
}

fn describe(card: &ImportedCard) -> Value {
    json!({
        "class": card.class,
        "parameters": card.parameters,
        "layers": card.layers,
        "hidden": card.hidden,
        "contextLength": card.context_length,
        "vocabulary": card.vocabulary,
        "dtype": card.dtype,
        "sourceBytes": card.source_bytes,
        "quantization": card.quantization,
        "warnings": card.warnings,
        "trial": card.trial.as_ref().map(describe_trial),
        "quality": card.quality.as_ref().map(describe_quality),
    })
}

fn describe_trial(trial: &Trial) -> Value {
    json!({"prompt": trial.prompt, "answer": trial.answer, "millis": trial.millis})
}

fn describe_quality(quality: &Quality) -> Value {
    let exact = quality.exact.as_ref().map(|exact| {
        json!({
            "perplexity": exact.perplexity,
            "agreement": exact.agreement,
            "format": exact.format,
            "comparison": exact.comparison.as_ref().map(super::quantizations::comparison),
        })
    });
    json!({
        "text": quality.text,
        "tokens": quality.tokens,
        "perplexity": quality.perplexity,
        "exact": exact,
        "unmeasured": quality.unmeasured,
        "bound": quality.bound.as_ref().map(super::quantizations::bound),
    })
}
