//! Groups of users.

use aws_wire::Nothing;
use aws_wire::generated::iam::{
    AddUserToGroupRequest, CreateGroupRequest, CreateGroupResponse, DeleteGroupRequest, GetGroupRequest,
    GetGroupResponse, ListGroupsRequest, ListGroupsResponse, RemoveUserFromGroupRequest, UpdateGroupRequest,
};

use super::shapes::{self, page_request, rest};
use crate::body::full;
use crate::call::Answer;
use crate::dispatch::AwsCall;

pub(super) async fn create_group(call: AwsCall) -> Answer {
    let input: CreateGroupRequest = call.decode()?;
    let group = call.api.identity().create_group(&call.ctx, &input.group_name, input.path).await?;
    Ok(call.encode(&CreateGroupResponse { group: shapes::group(group) }).map(full))
}

pub(super) async fn get_group(call: AwsCall) -> Answer {
    let input: GetGroupRequest = call.decode()?;
    let request = page_request(input.max_items, input.marker.as_deref())?;
    let group = call.api.identity().get_group(&call.ctx, &input.group_name).await?;
    let page = call.api.identity().group_members(&call.ctx, &input.group_name, &request).await?;
    let (is_truncated, marker) = rest(&page);
    let users = page.items.into_iter().map(shapes::listed_user).collect();
    Ok(call.encode(&GetGroupResponse { group: shapes::group(group), users, is_truncated, marker }).map(full))
}

pub(super) async fn list_groups(call: AwsCall) -> Answer {
    let input: ListGroupsRequest = call.decode()?;
    let request = page_request(input.max_items, input.marker.as_deref())?;
    let prefix = input.path_prefix.as_deref().unwrap_or("/");
    let page = call.api.identity().list_groups(&call.ctx, prefix, &request).await?;
    let (is_truncated, marker) = rest(&page);
    let groups = page.items.into_iter().map(shapes::group).collect();
    Ok(call.encode(&ListGroupsResponse { groups, is_truncated, marker }).map(full))
}

pub(super) async fn update_group(call: AwsCall) -> Answer {
    let input: UpdateGroupRequest = call.decode()?;
    let identity = call.api.identity();
    identity.update_group(&call.ctx, &input.group_name, input.new_group_name.as_deref(), input.new_path).await?;
    Ok(call.encode(&Nothing {}).map(full))
}

pub(super) async fn delete_group(call: AwsCall) -> Answer {
    let input: DeleteGroupRequest = call.decode()?;
    call.api.identity().delete_group(&call.ctx, &input.group_name).await?;
    Ok(call.encode(&Nothing {}).map(full))
}

pub(super) async fn add_user(call: AwsCall) -> Answer {
    let input: AddUserToGroupRequest = call.decode()?;
    call.api.identity().add_user_to_group(&call.ctx, &input.group_name, &input.user_name).await?;
    Ok(call.encode(&Nothing {}).map(full))
}

pub(super) async fn remove_user(call: AwsCall) -> Answer {
    let input: RemoveUserFromGroupRequest = call.decode()?;
    call.api.identity().remove_user_from_group(&call.ctx, &input.group_name, &input.user_name).await?;
    Ok(call.encode(&Nothing {}).map(full))
}
