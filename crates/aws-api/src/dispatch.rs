//! AWS operations: from a routed request to its row, its permission and its handler.

use std::borrow::Cow;

use aws_wire::{Routed, Service};
use bytes::Bytes;
use http::Response;
use identity::Ask;

use crate::body::ResponseBody;
use crate::call::{Call, Check, Row, query_pairs};
use crate::errors::Failure;
use crate::{
    bedrock, bedrock_agent, bedrock_agent_runtime, bedrock_runtime, cloudtrail, iam, kms, organizations, qbusiness,
    sagemaker, sagemaker_runtime, secretsmanager, sts,
};

/// A request for an operation of an AWS service.
pub(crate) type AwsCall = Call<Routed>;

/// The rows of each served service.
pub(crate) const SERVICES: &[(&str, &[Row<Routed>])] = &[
    ("sts", sts::ROWS),
    ("iam", iam::ROWS),
    ("iam", iam::CREDENTIAL_ROWS),
    ("iam", iam::SIMULATOR_ROWS),
    ("bedrock", bedrock::ROWS),
    ("bedrock", bedrock::MARKETPLACE_ROWS),
    ("bedrock-runtime", bedrock_runtime::ROWS),
    ("bedrock-agent", bedrock_agent::ROWS),
    ("bedrock-agent-runtime", bedrock_agent_runtime::ROWS),
    ("sagemaker", sagemaker::ROWS),
    ("sagemaker-runtime", sagemaker_runtime::ROWS),
    ("qbusiness", qbusiness::ROWS),
    ("kms", kms::ROWS),
    ("secretsmanager", secretsmanager::ROWS),
    ("organizations", organizations::ROWS),
    ("cloudtrail", cloudtrail::ROWS),
    ("sagemaker", sagemaker::HUB_ROWS),
];

/// The row of an operation.
pub(crate) fn row(service: &Service, operation: &str) -> Option<&'static Row<Routed>> {
    let mut rows = SERVICES.iter().filter(|(id, _)| *id == service.id).flat_map(|(_, rows)| rows.iter());
    rows.find(|row| row.operation == operation)
}

/// Checks the row's permission, then calls its handler.
pub(crate) async fn serve<R>(row: &'static Row<R>, call: Call<R>) -> Result<Response<ResponseBody>, Failure> {
    let asks = match &row.check {
        Check::Arn(resource) => vec![Ask::new(row.action, resource(&call))],
        Check::Model(id) => bedrock_runtime::asks(call.api.models(), &call.ctx, row.action, &id(&call)).await?,
        Check::Asks(asks) => asks(&call).await?,
        Check::InDomain => Vec::new(),
    };
    for ask in &asks {
        call.api.identity().permit(&call.ctx, ask, row.access).await?;
    }
    (row.handler)(call).await
}

impl AwsCall {
    /// The operation's request, decoded and checked.
    pub(crate) fn decode<I: aws_wire::Input>(&self) -> Result<I, Failure> {
        Ok(aws_wire::decode(&self.route, &self.parts, &self.body)?)
    }

    /// The operation's response.
    pub(crate) fn encode<O: aws_wire::Output>(&self, output: &O) -> Response<Bytes> {
        aws_wire::encode(&self.route, output, self.ctx.request_id().as_str())
    }

    /// The head of the operation's response, where its body is an event stream.
    pub(crate) fn encode_stream_head<O: aws_wire::Output>(&self, output: &O) -> Response<()> {
        aws_wire::encode_stream_head(&self.route, output, self.ctx.request_id().as_str())
    }

    /// A label of the path, unescaped; empty where the path has none of that name.
    pub(crate) fn label(&self, name: &str) -> Cow<'_, str> {
        let raw = self.route.labels.iter().find(|(label, _)| *label == name).map_or("", |(_, value)| value.as_str());
        percent_encoding::percent_decode_str(raw).decode_utf8_lossy()
    }

    /// A parameter of a Query request, in the query string or in the form. Of several the last one counts, as it does
    /// when the request is decoded: what is permitted must be what is done.
    pub(crate) fn parameter(&self, name: &str) -> Option<String> {
        let body = std::str::from_utf8(&self.body).unwrap_or_default();
        let query = self.parts.uri.query().unwrap_or_default();
        query_pairs(query).chain(query_pairs(body)).filter(|(key, _)| key == name).last().map(|(_, value)| value)
    }
}
