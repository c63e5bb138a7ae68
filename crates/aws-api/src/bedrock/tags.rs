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
    let (api, arn) = (&call.api, &input.resource_arn);
    match Tagged::of(arn) {
        Tagged::Profile => api.models().tag_profile(&call.ctx, arn, tags).await?,
        Tagged::Evaluation => api.evaluations().tag(&call.ctx, arn, tags).await?,
        Tagged::Import => api.models().tag_import(&call.ctx, arn, tags).await?,
    }
    Ok(call.encode(&TagResourceResponse {}).map(full))
}

pub(super) async fn untag(call: AwsCall) -> Answer {
    let input: UntagResourceRequest = call.decode()?;
    let (api, arn, keys) = (&call.api, &input.resource_arn, &input.tag_keys);
    match Tagged::of(arn) {
        Tagged::Profile => api.models().untag_profile(&call.ctx, arn, keys).await?,
        Tagged::Evaluation => api.evaluations().untag(&call.ctx, arn, keys).await?,
        Tagged::Import => api.models().untag_import(&call.ctx, arn, keys).await?,
    }
    Ok(call.encode(&UntagResourceResponse {}).map(full))
}

/// The tags of what an ARN names.
///
/// # Errors
/// NotFound, where it names nothing.
pub(super) async fn of(call: &AwsCall, arn: &str) -> base::Result<models::Tags> {
    match Tagged::of(arn) {
        Tagged::Profile => call.api.models().profile_tags(&call.ctx, arn).await,
        Tagged::Evaluation => call.api.evaluations().tags(&call.ctx, arn).await,
        Tagged::Import => call.api.models().import_tags(&call.ctx, arn).await,
    }
}

/// What has tags.
enum Tagged {
    /// An inference profile.
    Profile,
    /// An evaluation job.
    Evaluation,
    /// An import job, an imported model or a batch; whatever else it is has none.
    Import,
}

impl Tagged {
    fn of(arn: &str) -> Self {
        let kind = arn.parse::<base::Arn>().ok().and_then(|arn| arn.resource_type().map(str::to_owned));
        match kind.as_deref() {
            Some("inference-profile" | "application-inference-profile") => Self::Profile,
            Some("evaluation-job") => Self::Evaluation,
            _ => Self::Import,
        }
    }
}

/// Tags as the domain takes them.
pub(crate) fn pairs(tags: Option<Vec<Tag>>) -> models::Tags {
    tags.unwrap_or_default().into_iter().map(|tag| (tag.key, tag.value)).collect()
}
