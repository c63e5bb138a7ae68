//! `bedrock`: the catalogue of foundation models.

pub(crate) mod errors;
mod foundation_models;

use futures::future::FutureExt as _;
use identity::Access;

use crate::bedrock_runtime::model_arn;
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
        check: Check::Arn(|call| model_arn(&call.ctx, &call.label("modelIdentifier"))),
        handler: |call| foundation_models::get(call).boxed(),
    },
];
