//! `bedrock`: the catalogue of foundation models.

pub(crate) mod errors;
mod foundation_models;
mod imported_models;

use futures::future::FutureExt as _;
use identity::{Access, Ctx};

use crate::bedrock_runtime::foundation_model_arn;
use crate::call::{Check, Row};

/// The operations.
pub(crate) const ROWS: &[Row<aws_wire::Routed>] = &[
    Row {
        operation: "ListFoundationModels",
        action: "bedrock:ListFoundationModels",
        access: Access::Read,
        check: Check::Arn(|_| "*".to_owned()),
        handler: |call| foundation_models::list(call).boxed(),
    },
    Row {
        operation: "GetFoundationModel",
        action: "bedrock:GetFoundationModel",
        access: Access::Read,
        check: Check::Arn(|call| foundation_model_arn(&call.ctx, &call.label("modelIdentifier"))),
        handler: |call| foundation_models::get(call).boxed(),
    },
    Row {
        operation: "GetImportedModel",
        action: "bedrock:GetImportedModel",
        access: Access::Read,
        check: Check::Arn(|call| imported_model_arn(&call.ctx, &call.label("modelIdentifier"))),
        handler: |call| imported_models::get(call).boxed(),
    },
];

/// The ARN of the imported model that a request names: AWS asks for permission on the name as it is given.
fn imported_model_arn(ctx: &Ctx, identifier: &str) -> String {
    if identifier.starts_with("arn:") {
        return identifier.to_owned();
    }
    format!("arn:aws:bedrock:{}:{}:imported-model/{identifier}", ctx.region(), ctx.account())
}
