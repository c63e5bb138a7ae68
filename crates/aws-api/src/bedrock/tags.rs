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
    let tags = of(&call, &input.resource_arn).await?;
    let tags = tags.into_iter().map(|(key, value)| Tag { key, value }).collect();
    Ok(call.encode(&ListTagsForResourceResponse { tags: Some(tags) }).map(full))
}

pub(super) async fn tag(call: AwsCall) -> Answer {
    let input: TagResourceRequest = call.decode()?;
    let tags = pairs(Some(input.tags));
    let (models, arn) = (call.api.models(), &input.resource_arn);
    if is_profile(arn) {
        models.tag_profile(&call.ctx, arn, tags).await?;
    } else {
        models.tag_import(&call.ctx, arn, tags).await?;
    }
    Ok(call.encode(&TagResourceResponse {}).map(full))
}

pub(super) async fn untag(call: AwsCall) -> Answer {
    let input: UntagResourceRequest = call.decode()?;
    let (models, arn) = (call.api.models(), &input.resource_arn);
    if is_profile(arn) {
        models.untag_profile(&call.ctx, arn, &input.tag_keys).await?;
    } else {
        models.untag_import(&call.ctx, arn, &input.tag_keys).await?;
    }
    Ok(call.encode(&UntagResourceResponse {}).map(full))
}

/// The tags of what an ARN names.
///
/// # Errors
/// NotFound, where it names nothing.
pub(super) async fn of(call: &AwsCall, arn: &str) -> base::Result<models::Tags> {
    let models = call.api.models();
    match is_profile(arn) {
        true => models.profile_tags(&call.ctx, arn).await,
        false => models.import_tags(&call.ctx, arn).await,
    }
}

fn is_profile(arn: &str) -> bool {
    let kind = arn.parse::<base::Arn>().ok().and_then(|arn| arn.resource_type().map(str::to_owned));
    matches!(kind.as_deref(), Some("inference-profile" | "application-inference-profile"))
}

/// Tags as the domain takes them.
pub(crate) fn pairs(tags: Option<Vec<Tag>>) -> models::Tags {
    tags.unwrap_or_default().into_iter().map(|tag| (tag.key, tag.value)).collect()
}
