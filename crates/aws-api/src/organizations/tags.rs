//! Tags.

use aws_wire::Nothing;
use aws_wire::generated::organizations::{
    ListTagsForResourceRequest, ListTagsForResourceResponse, Tag, TagResourceRequest, UntagResourceRequest,
};

use super::{input, pairs};
use crate::body::full;
use crate::call::Answer;
use crate::dispatch::AwsCall;

pub(super) async fn tag_resource(call: AwsCall) -> Answer {
    let input: TagResourceRequest = input(&call)?;
    let tags = pairs(Some(input.tags));
    call.api.identity().tag_organization_resource(&call.ctx, &input.resource_id, tags).await?;
    Ok(call.encode(&Nothing {}).map(full))
}

pub(super) async fn untag_resource(call: AwsCall) -> Answer {
    let input: UntagResourceRequest = input(&call)?;
    call.api.identity().untag_organization_resource(&call.ctx, &input.resource_id, &input.tag_keys).await?;
    Ok(call.encode(&Nothing {}).map(full))
}

pub(super) async fn list_tags(call: AwsCall) -> Answer {
    let input: ListTagsForResourceRequest = input(&call)?;
    let tags = call.api.identity().list_organization_tags(&call.ctx, &input.resource_id).await?;
    let tags = tags.into_iter().map(|(key, value)| Tag { key, value }).collect();
    Ok(call.encode(&ListTagsForResourceResponse { tags: Some(tags), next_token: None }).map(full))
}
