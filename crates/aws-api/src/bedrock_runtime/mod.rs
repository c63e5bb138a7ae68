//! `bedrock-runtime`: asking models.

mod converse;
mod converse_request;
mod converse_stream;
mod count_tokens;
pub(crate) mod errors;
mod event_stream;
mod invoke_model;
pub(crate) mod providers;
mod records;
mod turns;
mod usage;

pub(crate) use converse_request::additional_fields;
pub use records::record_dialects;

use base::{ErrorKind, Result};
use futures::future::FutureExt as _;
use identity::{Access, Ask, Ctx};
use models::{Models, Provider, Target};

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

/// What using the model of an id asks for. An imported model is asked for by its own ARN, by whatever it was named, so
/// that what is permitted is what answers: beside the id, where that is another's and only stands for it. An inference
/// profile is asked for beside the model behind it.
///
/// # Errors
/// Unavailable, where the database cannot be read.
pub(crate) async fn asks(models: &Models, ctx: &Ctx, action: &'static str, model: &str) -> Result<Vec<Ask>> {
    let named = || Ask::new(action, foundation_model_arn(ctx, model));
    let resolved = match models.resolve(ctx, model).await {
        Ok(resolved) => resolved,
        // What names no model is told only to those who may ask for it.
        Err(error) if matches!(error.kind, ErrorKind::Invalid | ErrorKind::NotFound | ErrorKind::NotImplemented) => {
            return Ok(vec![if model.is_empty() { Ask::new(action, "*") } else { named() }]);
        }
        Err(error) => return Err(error),
    };
    let mut asks = match (&resolved.profile, resolved.provider) {
        (Some(profile), _) => {
            let model = foundation_model_arn(ctx, &resolved.aws_id);
            vec![
                Ask::new(action, profile.arn.clone()).resource_tags(&profile.tags),
                Ask::new(action, model).key("bedrock:InferenceProfileArn", profile.arn.clone()),
            ]
        }
        (None, Provider::Imported(_)) => Vec::new(),
        (None, Provider::Endpoint { .. }) => vec![Ask::new(action, market_arn(ctx))],
        (None, _) => vec![named()],
    };
    let targets = match &resolved.target {
        Target::Routed { legs, .. } => legs.iter().map(|leg| &leg.target).collect(),
        target => vec![target],
    };
    for target in targets {
        match target {
            Target::Imported { model } => {
                asks.push(Ask::new(action, model.arn.to_string()).resource_tags(&model.tags));
            }
            // Bedrock asks SageMaker for the caller.
            Target::Endpoint(target) => {
                if let Some(action) = endpoint_action(action) {
                    let tags = models.hosting_tags(ctx, &target.arn).await?;
                    asks.push(Ask::new(action, target.arn.clone()).resource_tags(&tags).via("bedrock"));
                }
            }
            _ => {}
        }
    }
    Ok(asks)
}

/// What SageMaker calls the asking of an endpoint that Bedrock calls `action`.
fn endpoint_action(action: &str) -> Option<&'static str> {
    match action {
        "bedrock:InvokeModel" => Some("sagemaker:InvokeEndpoint"),
        "bedrock:InvokeModelWithResponseStream" => Some("sagemaker:InvokeEndpointWithResponseStream"),
        _ => None,
    }
}

/// What policies name to let somebody use the endpoints of the marketplace.
fn market_arn(ctx: &Ctx) -> String {
    format!("arn:aws:bedrock:{}:{}:marketplace/model-endpoint/all-access", ctx.region(), ctx.account())
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
