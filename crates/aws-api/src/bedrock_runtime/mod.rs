//! `bedrock-runtime`: asking models.

mod converse;
mod converse_request;
mod converse_stream;
mod count_tokens;
pub(crate) mod errors;
mod event_stream;
mod invoke_model;
pub(crate) mod providers;
mod turns;

use base::{ErrorKind, Result};
use futures::future::FutureExt as _;
use identity::{Access, Ctx};
use models::{Provider, Resolved};

use crate::Api;
use crate::call::{Check, Row};
use crate::dispatch::AwsCall;

/// The operations.
pub(crate) const ROWS: &[Row<aws_wire::Routed>] = &[
    Row {
        operation: "InvokeModel",
        action: "bedrock:InvokeModel",
        access: Access::Read,
        check: Check::Model(named_model),
        handler: |call| invoke_model::invoke_model(call).boxed(),
    },
    Row {
        operation: "InvokeModelWithResponseStream",
        action: "bedrock:InvokeModelWithResponseStream",
        access: Access::Read,
        check: Check::Model(named_model),
        handler: |call| invoke_model::invoke_model_with_response_stream(call).boxed(),
    },
    Row {
        operation: "Converse",
        action: "bedrock:InvokeModel",
        access: Access::Read,
        check: Check::Model(named_model),
        handler: |call| converse::converse(call).boxed(),
    },
    Row {
        operation: "ConverseStream",
        action: "bedrock:InvokeModelWithResponseStream",
        access: Access::Read,
        check: Check::Model(named_model),
        handler: |call| converse_stream::converse_stream(call).boxed(),
    },
    Row {
        operation: "CountTokens",
        action: "bedrock:CountTokens",
        access: Access::Read,
        check: Check::Model(named_model),
        handler: |call| count_tokens::count_tokens(call).boxed(),
    },
];

fn named_model(call: &AwsCall) -> String {
    call.label("modelId").into_owned()
}

/// The ARN that policies know the model of an id by. An imported model has its own, by whatever it is named, so that
/// what is permitted is what answers; every other id is a foundation model's.
///
/// # Errors
/// Unavailable, where the database cannot be read.
pub(crate) async fn model_arn(api: &Api, ctx: &Ctx, model: &str) -> Result<String> {
    if model.is_empty() {
        return Ok("*".to_owned());
    }
    if model.starts_with("arn:") && !model.contains(":imported-model/") {
        return Ok(model.to_owned());
    }
    match api.models().resolve(ctx, model).await {
        Ok(Resolved { provider: Provider::Imported(_), aws_id, .. }) => Ok(aws_id),
        // What names no model is told only to those who may ask for it.
        Err(error) if !matches!(error.kind, ErrorKind::Invalid | ErrorKind::NotFound | ErrorKind::NotImplemented) => {
            Err(error)
        }
        _ => Ok(foundation_model_arn(ctx, model)),
    }
}

/// The ARN of the foundation model of this id; an ARN is its own.
pub(crate) fn foundation_model_arn(ctx: &Ctx, model: &str) -> String {
    if model.starts_with("arn:") {
        return model.to_owned();
    }
    format!("arn:aws:bedrock:{}::foundation-model/{model}", ctx.region())
}

#[cfg(test)]
mod tests;
