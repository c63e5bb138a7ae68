//! `TagResource`, `UntagResource`, `ListTagsForResource`.

use aws_wire::generated::bedrock::{
    ListTagsForResourceRequest, ListTagsForResourceResponse, Tag, TagResourceRequest, TagResourceResponse,
    UntagResourceRequest, UntagResourceResponse,
};

use crate::body::full;
use crate::call::Answer;
use crate::dispatch::AwsCall;

pub(super) async fn list(call: AwsCall) -> Answer {
    let input: ListTagsForResourceRequest = call.decode()?;
    let tags = call.api.models().import_tags(&call.ctx, &input.resource_arn).await?;
    let tags = tags.into_iter().map(|(key, value)| Tag { key, value }).collect();
    Ok(call.encode(&ListTagsForResourceResponse { tags: Some(tags) }).map(full))
}

pub(super) async fn tag(call: AwsCall) -> Answer {
    let input: TagResourceRequest = call.decode()?;
    let tags = pairs(Some(input.tags));
    call.api.models().tag_import(&call.ctx, &input.resource_arn, tags).await?;
    Ok(call.encode(&TagResourceResponse {}).map(full))
}

pub(super) async fn untag(call: AwsCall) -> Answer {
    let input: UntagResourceRequest = call.decode()?;
    call.api.models().untag_import(&call.ctx, &input.resource_arn, &input.tag_keys).await?;
    Ok(call.encode(&UntagResourceResponse {}).map(full))
}

/// Tags as the domain takes them.
pub(super) fn pairs(tags: Option<Vec<Tag>>) -> models::Tags {
    tags.unwrap_or_default().into_iter().map(|tag| (tag.key, tag.value)).collect()
}
