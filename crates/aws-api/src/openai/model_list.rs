//! `GET /v1/models`: every id that is answered now, AWS's, Craton's and the account's own.

use base::{Error, ErrorKind, PageRequest};
use http::StatusCode;
use identity::Ask;
use models::{FoundationModel, ImportFilter, ImportedModel, Provider, Resolved, Target};
use serde_json::{Value, json};

use crate::bedrock_runtime::foundation_model_arn;
use crate::call::{Answer, Call, Labels, json as respond};
use crate::errors::Failure;

/// Imported models are read so many at a time.
const PAGE: u32 = 100;

/// All of them: the imported ones where the caller may list those.
pub(super) async fn list(call: Call<Labels>) -> Answer {
    let models = call.api.models();
    let known = models.foundation_models(&call.ctx).await?;
    let mut data: Vec<Value> = known.iter().filter(|model| model.available).map(describe).collect();
    if call.api.identity().decide(&call.ctx, &Ask::new("bedrock:ListImportedModels", "*")).await?.allowed() {
        let mut page = PageRequest { limit: PAGE, after: None };
        loop {
            let imported = models.imported_models(&call.ctx, &ImportFilter::default(), &page).await?;
            data.extend(imported.items.iter().map(|model| describe_imported(&call, model)));
            page.after = imported.next_after;
            if page.after.is_none() {
                break;
            }
        }
    }
    Ok(respond(StatusCode::OK, &json!({"object": "list", "data": data})))
}

/// What asks for one of them: what the operation of the kind of model asks for.
pub(super) async fn permission(call: &Call<Labels>) -> Result<Vec<Ask>, Failure> {
    Ok(vec![match imported(call).await? {
        Some(model) => Ask::new("bedrock:GetImportedModel", model.arn.to_string()).resource_tags(&model.tags),
        None => Ask::new("bedrock:GetFoundationModel", foundation_model_arn(&call.ctx, call.label(0))),
    }])
}

/// The imported model of the id, if it is one's.
async fn imported(call: &Call<Labels>) -> base::Result<Option<ImportedModel>> {
    match call.api.models().resolve(&call.ctx, call.label(0)).await {
        Ok(Resolved { provider: Provider::Imported(_), target: Target::Imported { model }, .. }) => Ok(Some(*model)),
        Err(error) if !matches!(error.kind, ErrorKind::Invalid | ErrorKind::NotFound | ErrorKind::NotImplemented) => {
            Err(error)
        }
        _ => Ok(None),
    }
}

/// One of them.
pub(super) async fn get(call: Call<Labels>) -> Answer {
    if let Some(model) = imported(&call).await? {
        return Ok(respond(StatusCode::OK, &describe_imported(&call, &model)));
    }
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

/// Under its ARN, by which it can be asked from anywhere an id goes.
fn describe_imported(call: &Call<Labels>, model: &ImportedModel) -> Value {
    json!({
        "id": model.arn.to_string(),
        "object": "model",
        "created": model.created.as_millis().div_euclid(1000),
        "owned_by": call.ctx.account().as_str(),
    })
}
