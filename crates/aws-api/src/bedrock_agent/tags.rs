//! `TagResource`, `UntagResource`, `ListTagsForResource`.

use aws_wire::generated::bedrock_agent::{
    ListTagsForResourceRequest, ListTagsForResourceResponse, TagResourceRequest, TagResourceResponse,
    UntagResourceRequest, UntagResourceResponse,
};
use base::{Arn, Error, Result};
use futures::future::FutureExt as _;
use identity::Ask;

use super::tags_of;
use crate::body::full;
use crate::call::{Answer, Asked};
use crate::dispatch::AwsCall;

/// The action on the resource that is named, with its tags.
pub(super) fn asks<'a>(call: &'a AwsCall, action: &'static str) -> Asked<'a> {
    async move {
        let arn = call.label("resourceArn");
        let ask = Ask::new(action, arn.as_ref()).resource_tags(&tags_of(call, &arn).await?);
        Ok(vec![match call.route.operation.name {
            "TagResource" => {
                let input: TagResourceRequest = call.decode()?;
                ask.request_tags(&input.tags.into_iter().collect::<Vec<_>>())
            }
            _ => ask,
        }])
    }
    .boxed()
}

pub(super) async fn list(call: AwsCall) -> Answer {
    let input: ListTagsForResourceRequest = call.decode()?;
    known(&input.resource_arn)?;
    let tags = call.api.knowledge().tags(&call.ctx, &input.resource_arn).await?;
    Ok(call.encode(&ListTagsForResourceResponse { tags: Some(tags.into_iter().collect()) }).map(full))
}

pub(super) async fn tag(call: AwsCall) -> Answer {
    let input: TagResourceRequest = call.decode()?;
    known(&input.resource_arn)?;
    call.api.knowledge().tag(&call.ctx, &input.resource_arn, input.tags.into_iter().collect()).await?;
    Ok(call.encode(&TagResourceResponse {}).map(full))
}

pub(super) async fn untag(call: AwsCall) -> Answer {
    let input: UntagResourceRequest = call.decode()?;
    known(&input.resource_arn)?;
    call.api.knowledge().untag(&call.ctx, &input.resource_arn, &input.tag_keys).await?;
    Ok(call.encode(&UntagResourceResponse {}).map(full))
}

/// # Errors
/// NotImplemented, for what is no knowledge base.
fn known(arn: &str) -> Result<()> {
    let parsed: Option<Arn> = arn.parse().ok();
    match parsed.as_ref().and_then(Arn::resource_type) {
        Some("knowledge-base") => Ok(()),
        Some(other) => {
            Err(Error::not_implemented(format!("Tags of a resource of the type `{other}` are not implemented.")))
        }
        None => Err(Error::invalid(format!("`{arn}` is not the ARN of a resource."))),
    }
}
