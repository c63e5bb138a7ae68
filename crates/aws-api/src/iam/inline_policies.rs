//! Policies that are embedded in users, groups and roles.

use aws_wire::Nothing;
use aws_wire::generated::iam::{
    DeleteGroupPolicyRequest, DeleteRolePolicyRequest, DeleteUserPolicyRequest, GetGroupPolicyRequest,
    GetGroupPolicyResponse, GetRolePolicyRequest, GetRolePolicyResponse, GetUserPolicyRequest, GetUserPolicyResponse,
    ListGroupPoliciesRequest, ListGroupPoliciesResponse, ListRolePoliciesRequest, ListRolePoliciesResponse,
    ListUserPoliciesRequest, ListUserPoliciesResponse, PutGroupPolicyRequest, PutRolePolicyRequest,
    PutUserPolicyRequest,
};
use identity::iam::HolderName;

use super::shapes::{document, page_request, rest};
use crate::body::full;
use crate::call::Answer;
use crate::dispatch::AwsCall;
use crate::errors::Failure;

pub(super) async fn put_in_user(call: AwsCall) -> Answer {
    let input: PutUserPolicyRequest = call.decode()?;
    put(&call, HolderName::user(&input.user_name), &input.policy_name, &input.policy_document).await
}

pub(super) async fn get_of_user(call: AwsCall) -> Answer {
    let GetUserPolicyRequest { user_name, policy_name } = call.decode()?;
    let policy_document = get(&call, HolderName::user(&user_name), &policy_name).await?;
    Ok(call.encode(&GetUserPolicyResponse { user_name, policy_name, policy_document }).map(full))
}

pub(super) async fn list_of_user(call: AwsCall) -> Answer {
    let input: ListUserPoliciesRequest = call.decode()?;
    let holder = HolderName::user(&input.user_name);
    let (policy_names, is_truncated, marker) = list(&call, holder, input.max_items, input.marker).await?;
    Ok(call.encode(&ListUserPoliciesResponse { policy_names, is_truncated, marker }).map(full))
}

pub(super) async fn delete_of_user(call: AwsCall) -> Answer {
    let input: DeleteUserPolicyRequest = call.decode()?;
    delete(&call, HolderName::user(&input.user_name), &input.policy_name).await
}

pub(super) async fn put_in_group(call: AwsCall) -> Answer {
    let input: PutGroupPolicyRequest = call.decode()?;
    put(&call, HolderName::group(&input.group_name), &input.policy_name, &input.policy_document).await
}

pub(super) async fn get_of_group(call: AwsCall) -> Answer {
    let GetGroupPolicyRequest { group_name, policy_name } = call.decode()?;
    let policy_document = get(&call, HolderName::group(&group_name), &policy_name).await?;
    Ok(call.encode(&GetGroupPolicyResponse { group_name, policy_name, policy_document }).map(full))
}

pub(super) async fn list_of_group(call: AwsCall) -> Answer {
    let input: ListGroupPoliciesRequest = call.decode()?;
    let holder = HolderName::group(&input.group_name);
    let (policy_names, is_truncated, marker) = list(&call, holder, input.max_items, input.marker).await?;
    Ok(call.encode(&ListGroupPoliciesResponse { policy_names, is_truncated, marker }).map(full))
}

pub(super) async fn delete_of_group(call: AwsCall) -> Answer {
    let input: DeleteGroupPolicyRequest = call.decode()?;
    delete(&call, HolderName::group(&input.group_name), &input.policy_name).await
}

pub(super) async fn put_in_role(call: AwsCall) -> Answer {
    let input: PutRolePolicyRequest = call.decode()?;
    put(&call, HolderName::role(&input.role_name), &input.policy_name, &input.policy_document).await
}

pub(super) async fn get_of_role(call: AwsCall) -> Answer {
    let GetRolePolicyRequest { role_name, policy_name } = call.decode()?;
    let policy_document = get(&call, HolderName::role(&role_name), &policy_name).await?;
    Ok(call.encode(&GetRolePolicyResponse { role_name, policy_name, policy_document }).map(full))
}

pub(super) async fn list_of_role(call: AwsCall) -> Answer {
    let input: ListRolePoliciesRequest = call.decode()?;
    let holder = HolderName::role(&input.role_name);
    let (policy_names, is_truncated, marker) = list(&call, holder, input.max_items, input.marker).await?;
    Ok(call.encode(&ListRolePoliciesResponse { policy_names, is_truncated, marker }).map(full))
}

pub(super) async fn delete_of_role(call: AwsCall) -> Answer {
    let input: DeleteRolePolicyRequest = call.decode()?;
    delete(&call, HolderName::role(&input.role_name), &input.policy_name).await
}

async fn put(call: &AwsCall, holder: HolderName<'_>, name: &str, document: &str) -> Answer {
    call.api.identity().put_inline_policy(&call.ctx, holder, name, document).await?;
    Ok(call.encode(&Nothing {}).map(full))
}

async fn get(call: &AwsCall, holder: HolderName<'_>, name: &str) -> Result<String, Failure> {
    Ok(document(&call.api.identity().get_inline_policy(&call.ctx, holder, name).await?))
}

/// `PolicyNames`, `IsTruncated` and `Marker`.
type List = (Vec<String>, Option<bool>, Option<String>);

async fn list(
    call: &AwsCall,
    holder: HolderName<'_>,
    max_items: Option<i32>,
    marker: Option<String>,
) -> Result<List, Failure> {
    let request = page_request(max_items, marker.as_deref())?;
    let page = call.api.identity().list_inline_policies(&call.ctx, holder, &request).await?;
    let (is_truncated, marker) = rest(&page);
    Ok((page.items, is_truncated, marker))
}

async fn delete(call: &AwsCall, holder: HolderName<'_>, name: &str) -> Answer {
    call.api.identity().delete_inline_policy(&call.ctx, holder, name).await?;
    Ok(call.encode(&Nothing {}).map(full))
}
