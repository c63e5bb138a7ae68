//! Managed policies that are attached to users, groups and roles.

use aws_wire::Nothing;
use aws_wire::generated::iam::{
    AttachGroupPolicyRequest, AttachRolePolicyRequest, AttachUserPolicyRequest, AttachedPolicy,
    DetachGroupPolicyRequest, DetachRolePolicyRequest, DetachUserPolicyRequest, ListAttachedGroupPoliciesRequest,
    ListAttachedGroupPoliciesResponse, ListAttachedRolePoliciesRequest, ListAttachedRolePoliciesResponse,
    ListAttachedUserPoliciesRequest, ListAttachedUserPoliciesResponse,
};
use identity::iam::HolderName;

use super::shapes::{self, page_request, rest};
use crate::body::full;
use crate::call::Answer;
use crate::dispatch::AwsCall;
use crate::errors::Failure;

pub(super) async fn attach_to_user(call: AwsCall) -> Answer {
    let input: AttachUserPolicyRequest = call.decode()?;
    attach(&call, HolderName::user(&input.user_name), &input.policy_arn).await
}

pub(super) async fn detach_from_user(call: AwsCall) -> Answer {
    let input: DetachUserPolicyRequest = call.decode()?;
    detach(&call, HolderName::user(&input.user_name), &input.policy_arn).await
}

pub(super) async fn list_of_user(call: AwsCall) -> Answer {
    let input: ListAttachedUserPoliciesRequest = call.decode()?;
    let listed = Listed { path_prefix: input.path_prefix, max_items: input.max_items, marker: input.marker };
    let (attached_policies, is_truncated, marker) = list(&call, HolderName::user(&input.user_name), listed).await?;
    Ok(call.encode(&ListAttachedUserPoliciesResponse { attached_policies, is_truncated, marker }).map(full))
}

pub(super) async fn attach_to_group(call: AwsCall) -> Answer {
    let input: AttachGroupPolicyRequest = call.decode()?;
    attach(&call, HolderName::group(&input.group_name), &input.policy_arn).await
}

pub(super) async fn detach_from_group(call: AwsCall) -> Answer {
    let input: DetachGroupPolicyRequest = call.decode()?;
    detach(&call, HolderName::group(&input.group_name), &input.policy_arn).await
}

pub(super) async fn list_of_group(call: AwsCall) -> Answer {
    let input: ListAttachedGroupPoliciesRequest = call.decode()?;
    let listed = Listed { path_prefix: input.path_prefix, max_items: input.max_items, marker: input.marker };
    let (attached_policies, is_truncated, marker) = list(&call, HolderName::group(&input.group_name), listed).await?;
    Ok(call.encode(&ListAttachedGroupPoliciesResponse { attached_policies, is_truncated, marker }).map(full))
}

pub(super) async fn attach_to_role(call: AwsCall) -> Answer {
    let input: AttachRolePolicyRequest = call.decode()?;
    attach(&call, HolderName::role(&input.role_name), &input.policy_arn).await
}

pub(super) async fn detach_from_role(call: AwsCall) -> Answer {
    let input: DetachRolePolicyRequest = call.decode()?;
    detach(&call, HolderName::role(&input.role_name), &input.policy_arn).await
}

pub(super) async fn list_of_role(call: AwsCall) -> Answer {
    let input: ListAttachedRolePoliciesRequest = call.decode()?;
    let listed = Listed { path_prefix: input.path_prefix, max_items: input.max_items, marker: input.marker };
    let (attached_policies, is_truncated, marker) = list(&call, HolderName::role(&input.role_name), listed).await?;
    Ok(call.encode(&ListAttachedRolePoliciesResponse { attached_policies, is_truncated, marker }).map(full))
}

async fn attach(call: &AwsCall, holder: HolderName<'_>, policy_arn: &str) -> Answer {
    call.api.identity().attach_policy(&call.ctx, holder, policy_arn).await?;
    Ok(call.encode(&Nothing {}).map(full))
}

async fn detach(call: &AwsCall, holder: HolderName<'_>, policy_arn: &str) -> Answer {
    call.api.identity().detach_policy(&call.ctx, holder, policy_arn).await?;
    Ok(call.encode(&Nothing {}).map(full))
}

/// Which part of a list is asked for.
struct Listed {
    path_prefix: Option<String>,
    max_items: Option<i32>,
    marker: Option<String>,
}

/// `AttachedPolicies`, `IsTruncated` and `Marker`.
type List = (Option<Vec<AttachedPolicy>>, Option<bool>, Option<String>);

async fn list(call: &AwsCall, holder: HolderName<'_>, listed: Listed) -> Result<List, Failure> {
    let request = page_request(listed.max_items, listed.marker.as_deref())?;
    let prefix = listed.path_prefix.as_deref().unwrap_or("/");
    let page = call.api.identity().list_attached_policies(&call.ctx, holder, prefix, &request).await?;
    let (is_truncated, marker) = rest(&page);
    Ok((Some(page.items.into_iter().map(shapes::attached).collect()), is_truncated, marker))
}
