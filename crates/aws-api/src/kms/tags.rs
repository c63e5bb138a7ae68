//! Tags of keys.

use aws_wire::Nothing;
use aws_wire::generated::kms::{
    ListResourceTagsRequest, ListResourceTagsResponse, Tag, TagResourceRequest, UntagResourceRequest,
};
use identity::kms::KeyRef;

use super::{kms, page_request, rest};
use crate::body::full;
use crate::call::Answer;
use crate::dispatch::AwsCall;

pub(super) async fn tag_resource(call: AwsCall) -> Answer {
    let input: TagResourceRequest = call.decode()?;
    let tags: Vec<_> = input.tags.into_iter().map(|tag| (tag.tag_key, tag.tag_value)).collect();
    kms(&call).tag(&call.ctx, &KeyRef::parse(&input.key_id)?, &tags).await?;
    Ok(call.encode(&Nothing {}).map(full))
}

pub(super) async fn untag_resource(call: AwsCall) -> Answer {
    let input: UntagResourceRequest = call.decode()?;
    kms(&call).untag(&call.ctx, &KeyRef::parse(&input.key_id)?, &input.tag_keys).await?;
    Ok(call.encode(&Nothing {}).map(full))
}

pub(super) async fn list_resource_tags(call: AwsCall) -> Answer {
    let input: ListResourceTagsRequest = call.decode()?;
    let request = page_request(input.limit, input.marker.as_deref(), 50)?;
    let page = kms(&call).list_tags(&call.ctx, &KeyRef::parse(&input.key_id)?, &request).await?;
    let (next_marker, truncated) = rest(&page);
    let tags = page.items.into_iter().map(|(tag_key, tag_value)| Tag { tag_key, tag_value });
    Ok(call.encode(&ListResourceTagsResponse { tags: Some(tags.collect()), next_marker, truncated }).map(full))
}
