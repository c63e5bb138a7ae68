//! `sagemaker-runtime`: asking endpoints.

pub(crate) mod errors;
mod invoke;
mod later;
mod stream;

use futures::future::FutureExt as _;
use identity::Access;

use crate::call::{Check, Row};
use crate::dispatch::AwsCall;

/// The operations.
pub(crate) const ROWS: &[Row<aws_wire::Routed>] = &[
    Row {
        operation: "InvokeEndpoint",
        action: "sagemaker:InvokeEndpoint",
        access: Access::Read,
        check: Check::Asks(|call| asks(call, "sagemaker:InvokeEndpoint").boxed()),
        handler: |call| invoke::invoke_endpoint(call).boxed(),
    },
    Row {
        operation: "InvokeEndpointAsync",
        action: "sagemaker:InvokeEndpointAsync",
        access: Access::Write,
        check: Check::Asks(|call| asks(call, "sagemaker:InvokeEndpointAsync").boxed()),
        handler: |call| later::invoke_endpoint(call).boxed(),
    },
    Row {
        operation: "InvokeEndpointWithResponseStream",
        action: "sagemaker:InvokeEndpointWithResponseStream",
        access: Access::Read,
        check: Check::Asks(|call| asks(call, "sagemaker:InvokeEndpointWithResponseStream").boxed()),
        handler: |call| stream::invoke_endpoint(call).boxed(),
    },
];

/// The endpoint that the path names, with its tags.
async fn asks(call: &AwsCall, action: &'static str) -> Result<Vec<identity::Ask>, crate::errors::Failure> {
    let (region, account) = (call.ctx.region(), call.ctx.account());
    let arn = format!("arn:aws:sagemaker:{region}:{account}:endpoint/{}", call.label("EndpointName"));
    Ok(vec![crate::sagemaker::asks::on(call, action, &arn).await?])
}
