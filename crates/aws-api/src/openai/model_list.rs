//! `GET /v1/models`: every id that is answered now, AWS's, Craton's and the account's own.

use base::Error;
use http::StatusCode;
use models::FoundationModel;
use serde_json::{Value, json};

use crate::call::{Answer, Call, Labels, json as respond};

/// All of them.
pub(super) async fn list(call: Call<Labels>) -> Answer {
    let models = call.api.models().foundation_models(&call.ctx).await?;
    let data: Vec<Value> = models.iter().filter(|model| model.available).map(describe).collect();
    Ok(respond(StatusCode::OK, &json!({"object": "list", "data": data})))
}

/// One of them.
pub(super) async fn get(call: Call<Labels>) -> Answer {
    let model = call.api.models().foundation_model(&call.ctx, call.label(0)).await?;
    match &model.served_by {
        Some(_) if model.available => Ok(respond(StatusCode::OK, &describe(&model))),
        Some(name) => Err(Error::not_found(format!("The model `{name}`, which answers for it, is not pulled."))
            .with_hint(format!("Run `craton models pull {name}`."))
            .into()),
        None => Err(Error::not_found("No model answers for it, and substitution is off.").into()),
    }
}

/// `created` is 0: when the vendor released a model is not known here.
fn describe(model: &FoundationModel) -> Value {
    json!({"id": model.id, "object": "model", "created": 0, "owned_by": model.provider_name})
}
