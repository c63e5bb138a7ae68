//! `AddTags`, `ListTags`, `DeleteTags`.

use aws_wire::generated::sagemaker::{
    AddTagsInput, AddTagsOutput, DeleteTagsInput, DeleteTagsOutput, ListTagsInput, ListTagsOutput, Tag,
};
use models::Tags;

use crate::body::full;
use crate::call::Answer;
use crate::dispatch::AwsCall;

/// Gives tags; answers with all of them.
pub(super) async fn add(call: AwsCall) -> Answer {
    let input: AddTagsInput = call.decode()?;
    let tags = call.api.models().tag_hosting(&call.ctx, &input.resource_arn, pairs(Some(input.tags))).await?;
    Ok(call.encode(&AddTagsOutput { tags: Some(shapes(tags)) }).map(full))
}

/// All tags: a resource has no more than one page of them.
pub(super) async fn list(call: AwsCall) -> Answer {
    let input: ListTagsInput = call.decode()?;
    let tags = call.api.models().hosting_tags(&call.ctx, &input.resource_arn).await?;
    Ok(call.encode(&ListTagsOutput { tags: Some(shapes(tags)), next_token: None }).map(full))
}

/// Takes tags.
pub(super) async fn delete(call: AwsCall) -> Answer {
    let input: DeleteTagsInput = call.decode()?;
    call.api.models().untag_hosting(&call.ctx, &input.resource_arn, &input.tag_keys).await?;
    Ok(call.encode(&DeleteTagsOutput {}).map(full))
}

/// Tags as the domain takes them.
pub(super) fn pairs(tags: Option<Vec<Tag>>) -> Tags {
    tags.unwrap_or_default().into_iter().map(|tag| (tag.key, tag.value)).collect()
}

fn shapes(tags: Tags) -> Vec<Tag> {
    tags.into_iter().map(|(key, value)| Tag { key, value }).collect()
}
