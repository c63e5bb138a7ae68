//! Roles.

use aws_wire::Nothing;
use aws_wire::generated::iam::{
    CreateRoleRequest, CreateRoleResponse, DeleteRoleRequest, GetRoleRequest, GetRoleResponse, ListRolesRequest,
    ListRolesResponse, Role, UpdateAssumeRolePolicyRequest, UpdateRoleDescriptionRequest,
    UpdateRoleDescriptionResponse, UpdateRoleRequest, UpdateRoleResponse,
};
use identity::iam::roles::NewRole;

use super::shapes::{self, from_tags, page_request, rest};
use crate::body::full;
use crate::call::Answer;
use crate::dispatch::AwsCall;

pub(super) async fn create_role(call: AwsCall) -> Answer {
    let input: CreateRoleRequest = call.decode()?;
    let new = NewRole {
        name: input.role_name,
        path: input.path,
        description: input.description,
        trust: input.assume_role_policy_document,
        max_session: input.max_session_duration.map(i64::from),
        boundary: input.permissions_boundary,
        tags: from_tags(input.tags),
    };
    let role = call.api.identity().create_role(&call.ctx, new).await?;
    Ok(call.encode(&CreateRoleResponse { role: shapes::role(role) }).map(full))
}

pub(super) async fn get_role(call: AwsCall) -> Answer {
    let input: GetRoleRequest = call.decode()?;
    let role = call.api.identity().get_role(&call.ctx, &input.role_name).await?;
    let role = Role { role_last_used: Some(shapes::last_used(&role)), ..shapes::role(role) };
    Ok(call.encode(&GetRoleResponse { role }).map(full))
}

pub(super) async fn list_roles(call: AwsCall) -> Answer {
    let input: ListRolesRequest = call.decode()?;
    let request = page_request(input.max_items, input.marker.as_deref())?;
    let prefix = input.path_prefix.as_deref().unwrap_or("/");
    let page = call.api.identity().list_roles(&call.ctx, prefix, &request).await?;
    let (is_truncated, marker) = rest(&page);
    let roles = page.items.into_iter().map(shapes::listed_role).collect();
    Ok(call.encode(&ListRolesResponse { roles, is_truncated, marker }).map(full))
}

pub(super) async fn update_role(call: AwsCall) -> Answer {
    let input: UpdateRoleRequest = call.decode()?;
    let (description, longest) = (input.description.as_deref(), input.max_session_duration.map(i64::from));
    call.api.identity().update_role(&call.ctx, &input.role_name, description, longest).await?;
    Ok(call.encode(&UpdateRoleResponse {}).map(full))
}

pub(super) async fn update_role_description(call: AwsCall) -> Answer {
    let input: UpdateRoleDescriptionRequest = call.decode()?;
    let identity = call.api.identity();
    let role = identity.update_role_description(&call.ctx, &input.role_name, &input.description).await?;
    Ok(call.encode(&UpdateRoleDescriptionResponse { role: Some(shapes::role(role)) }).map(full))
}

pub(super) async fn update_assume_role_policy(call: AwsCall) -> Answer {
    let input: UpdateAssumeRolePolicyRequest = call.decode()?;
    call.api.identity().update_assume_role_policy(&call.ctx, &input.role_name, &input.policy_document).await?;
    Ok(call.encode(&Nothing {}).map(full))
}

pub(super) async fn delete_role(call: AwsCall) -> Answer {
    let input: DeleteRoleRequest = call.decode()?;
    call.api.identity().delete_role(&call.ctx, &input.role_name).await?;
    Ok(call.encode(&Nothing {}).map(full))
}
