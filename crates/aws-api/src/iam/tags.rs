//! Tags of users, roles, policies, instance profiles and providers.

use aws_wire::Nothing;
use aws_wire::generated::iam::{
    ListInstanceProfileTagsRequest, ListInstanceProfileTagsResponse, ListOpenIDConnectProviderTagsRequest,
    ListOpenIDConnectProviderTagsResponse, ListPolicyTagsRequest, ListPolicyTagsResponse, ListRoleTagsRequest,
    ListRoleTagsResponse, ListUserTagsRequest, ListUserTagsResponse, Tag, TagInstanceProfileRequest,
    TagOpenIDConnectProviderRequest, TagPolicyRequest, TagRoleRequest, TagUserRequest, UntagInstanceProfileRequest,
    UntagOpenIDConnectProviderRequest, UntagPolicyRequest, UntagRoleRequest, UntagUserRequest,
};
use identity::iam::tags::Tagged;

use super::shapes::{self, from_tags, page_request, rest};
use crate::body::full;
use crate::call::Answer;
use crate::dispatch::AwsCall;
use crate::errors::Failure;

pub(super) async fn tag_user(call: AwsCall) -> Answer {
    let input: TagUserRequest = call.decode()?;
    tag(&call, Tagged::User(&input.user_name), input.tags).await
}

pub(super) async fn untag_user(call: AwsCall) -> Answer {
    let input: UntagUserRequest = call.decode()?;
    untag(&call, Tagged::User(&input.user_name), &input.tag_keys).await
}

pub(super) async fn list_of_user(call: AwsCall) -> Answer {
    let input: ListUserTagsRequest = call.decode()?;
    let tagged = Tagged::User(&input.user_name);
    let (tags, is_truncated, marker) = list(&call, tagged, input.max_items, input.marker).await?;
    Ok(call.encode(&ListUserTagsResponse { tags, is_truncated, marker }).map(full))
}

pub(super) async fn tag_role(call: AwsCall) -> Answer {
    let input: TagRoleRequest = call.decode()?;
    tag(&call, Tagged::Role(&input.role_name), input.tags).await
}

pub(super) async fn untag_role(call: AwsCall) -> Answer {
    let input: UntagRoleRequest = call.decode()?;
    untag(&call, Tagged::Role(&input.role_name), &input.tag_keys).await
}

pub(super) async fn list_of_role(call: AwsCall) -> Answer {
    let input: ListRoleTagsRequest = call.decode()?;
    let tagged = Tagged::Role(&input.role_name);
    let (tags, is_truncated, marker) = list(&call, tagged, input.max_items, input.marker).await?;
    Ok(call.encode(&ListRoleTagsResponse { tags, is_truncated, marker }).map(full))
}

pub(super) async fn tag_policy(call: AwsCall) -> Answer {
    let input: TagPolicyRequest = call.decode()?;
    tag(&call, Tagged::Policy(&input.policy_arn), input.tags).await
}

pub(super) async fn untag_policy(call: AwsCall) -> Answer {
    let input: UntagPolicyRequest = call.decode()?;
    untag(&call, Tagged::Policy(&input.policy_arn), &input.tag_keys).await
}

pub(super) async fn list_of_policy(call: AwsCall) -> Answer {
    let input: ListPolicyTagsRequest = call.decode()?;
    let tagged = Tagged::Policy(&input.policy_arn);
    let (tags, is_truncated, marker) = list(&call, tagged, input.max_items, input.marker).await?;
    Ok(call.encode(&ListPolicyTagsResponse { tags, is_truncated, marker }).map(full))
}

pub(super) async fn tag_instance_profile(call: AwsCall) -> Answer {
    let input: TagInstanceProfileRequest = call.decode()?;
    tag(&call, Tagged::InstanceProfile(&input.instance_profile_name), input.tags).await
}

pub(super) async fn untag_instance_profile(call: AwsCall) -> Answer {
    let input: UntagInstanceProfileRequest = call.decode()?;
    untag(&call, Tagged::InstanceProfile(&input.instance_profile_name), &input.tag_keys).await
}

pub(super) async fn list_of_instance_profile(call: AwsCall) -> Answer {
    let input: ListInstanceProfileTagsRequest = call.decode()?;
    let tagged = Tagged::InstanceProfile(&input.instance_profile_name);
    let (tags, is_truncated, marker) = list(&call, tagged, input.max_items, input.marker).await?;
    Ok(call.encode(&ListInstanceProfileTagsResponse { tags, is_truncated, marker }).map(full))
}

pub(super) async fn tag_oidc_provider(call: AwsCall) -> Answer {
    let input: TagOpenIDConnectProviderRequest = call.decode()?;
    tag(&call, Tagged::OidcProvider(&input.open_id_connect_provider_arn), input.tags).await
}

pub(super) async fn untag_oidc_provider(call: AwsCall) -> Answer {
    let input: UntagOpenIDConnectProviderRequest = call.decode()?;
    untag(&call, Tagged::OidcProvider(&input.open_id_connect_provider_arn), &input.tag_keys).await
}

pub(super) async fn list_of_oidc_provider(call: AwsCall) -> Answer {
    let input: ListOpenIDConnectProviderTagsRequest = call.decode()?;
    let tagged = Tagged::OidcProvider(&input.open_id_connect_provider_arn);
    let (tags, is_truncated, marker) = list(&call, tagged, input.max_items, input.marker).await?;
    Ok(call.encode(&ListOpenIDConnectProviderTagsResponse { tags, is_truncated, marker }).map(full))
}

async fn tag(call: &AwsCall, tagged: Tagged<'_>, tags: Vec<Tag>) -> Answer {
    call.api.identity().tag(&call.ctx, tagged, &from_tags(Some(tags))).await?;
    Ok(call.encode(&Nothing {}).map(full))
}

async fn untag(call: &AwsCall, tagged: Tagged<'_>, keys: &[String]) -> Answer {
    call.api.identity().untag(&call.ctx, tagged, keys).await?;
    Ok(call.encode(&Nothing {}).map(full))
}

/// `Tags`, `IsTruncated` and `Marker`.
type List = (Vec<Tag>, Option<bool>, Option<String>);

async fn list(
    call: &AwsCall,
    tagged: Tagged<'_>,
    max_items: Option<i32>,
    marker: Option<String>,
) -> Result<List, Failure> {
    let request = page_request(max_items, marker.as_deref())?;
    let page = call.api.identity().list_tags(&call.ctx, tagged, &request).await?;
    let (is_truncated, marker) = rest(&page);
    Ok((shapes::tags(page.items), is_truncated, marker))
}
