//! IAM users.

use aws_wire::Nothing;
use aws_wire::generated::iam::{
    CreateUserRequest, CreateUserResponse, DeleteUserRequest, GetUserRequest, GetUserResponse,
    ListGroupsForUserRequest, ListGroupsForUserResponse, ListUsersRequest, ListUsersResponse, UpdateUserRequest,
};
use identity::NewUser;

use super::shapes::{self, from_tags, page_request, rest};
use crate::body::full;
use crate::call::Answer;
use crate::dispatch::AwsCall;

pub(super) async fn create_user(call: AwsCall) -> Answer {
    let input: CreateUserRequest = call.decode()?;
    let new = NewUser {
        name: input.user_name,
        path: input.path,
        tags: from_tags(input.tags),
        boundary: input.permissions_boundary,
    };
    let user = call.api.identity().create_user(&call.ctx, new).await?;
    Ok(call.encode(&CreateUserResponse { user: Some(shapes::user(user)) }).map(full))
}

pub(super) async fn get_user(call: AwsCall) -> Answer {
    let input: GetUserRequest = call.decode()?;
    let user = call.api.identity().get_user(&call.ctx, input.user_name.as_deref()).await?;
    Ok(call.encode(&GetUserResponse { user: shapes::user(user) }).map(full))
}

pub(super) async fn list_users(call: AwsCall) -> Answer {
    let input: ListUsersRequest = call.decode()?;
    let request = page_request(input.max_items, input.marker.as_deref())?;
    let prefix = input.path_prefix.as_deref().unwrap_or("/");
    let page = call.api.identity().list_users(&call.ctx, prefix, &request).await?;
    let (is_truncated, marker) = rest(&page);
    let users = page.items.into_iter().map(shapes::listed_user).collect();
    Ok(call.encode(&ListUsersResponse { users, is_truncated, marker }).map(full))
}

pub(super) async fn update_user(call: AwsCall) -> Answer {
    let input: UpdateUserRequest = call.decode()?;
    let (new_name, new_path) = (input.new_user_name.as_deref(), input.new_path.as_deref());
    call.api.identity().update_user(&call.ctx, &input.user_name, new_name, new_path).await?;
    Ok(call.encode(&Nothing {}).map(full))
}

pub(super) async fn delete_user(call: AwsCall) -> Answer {
    let input: DeleteUserRequest = call.decode()?;
    call.api.identity().delete_user(&call.ctx, &input.user_name).await?;
    Ok(call.encode(&Nothing {}).map(full))
}

pub(super) async fn list_groups_for_user(call: AwsCall) -> Answer {
    let input: ListGroupsForUserRequest = call.decode()?;
    let request = page_request(input.max_items, input.marker.as_deref())?;
    let page = call.api.identity().list_groups_for_user(&call.ctx, &input.user_name, &request).await?;
    let (is_truncated, marker) = rest(&page);
    let groups = page.items.into_iter().map(shapes::group).collect();
    Ok(call.encode(&ListGroupsForUserResponse { groups, is_truncated, marker }).map(full))
}
