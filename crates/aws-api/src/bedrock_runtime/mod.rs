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

use futures::future::FutureExt as _;
use identity::{Access, Ctx};

use crate::call::{Check, Row};
use crate::dispatch::AwsCall;

/// The operations.
pub(crate) const ROWS: &[Row<aws_wire::Routed>] = &[
    Row {
        operation: "InvokeModel",
        action: "bedrock:InvokeModel",
        access: Access::Read,
        check: Check::Arn(named_model),
        handler: |call| invoke_model::invoke_model(call).boxed(),
    },
    Row {
        operation: "InvokeModelWithResponseStream",
        action: "bedrock:InvokeModelWithResponseStream",
        access: Access::Read,
        check: Check::Arn(named_model),
        handler: |call| invoke_model::invoke_model_with_response_stream(call).boxed(),
    },
    Row {
        operation: "Converse",
        action: "bedrock:InvokeModel",
        access: Access::Read,
        check: Check::Arn(named_model),
        handler: |call| converse::converse(call).boxed(),
    },
    Row {
        operation: "ConverseStream",
        action: "bedrock:InvokeModelWithResponseStream",
        access: Access::Read,
        check: Check::Arn(named_model),
        handler: |call| converse_stream::converse_stream(call).boxed(),
    },
    Row {
        operation: "CountTokens",
        action: "bedrock:CountTokens",
        access: Access::Read,
        check: Check::Arn(named_model),
        handler: |call| count_tokens::count_tokens(call).boxed(),
    },
];

fn named_model(call: &AwsCall) -> String {
    model_arn(&call.ctx, &call.label("modelId"))
}

/// The ARN of the model of this id; an ARN is its own.
pub(crate) fn model_arn(ctx: &Ctx, model: &str) -> String {
    if model.starts_with("arn:") {
        return model.to_owned();
    }
    format!("arn:aws:bedrock:{}::foundation-model/{model}", ctx.region())
}

#[cfg(test)]
mod tests;
