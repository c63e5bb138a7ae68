//! IAM users.

use aws_wire::Nothing;
use aws_wire::generated::iam::{
    CreateUserRequest, CreateUserResponse, DeleteUserRequest, GetUserRequest, GetUserResponse, ListUsersRequest,
    ListUsersResponse, Tag, User,
};
use base::Error;
use identity::NewUser;

use super::{page_request, rest};
use crate::body::full;
use crate::call::Answer;
use crate::dispatch::AwsCall;

pub(super) async fn create_user(call: AwsCall) -> Answer {
    let input: CreateUserRequest = call.decode()?;
    if input.permissions_boundary.is_some() {
        return Err(
            Error::not_implemented("Permissions boundaries are not implemented (`PermissionsBoundary`).").into()
        );
    }
    let tags = input.tags.unwrap_or_default();
    let new = NewUser {
        name: input.user_name,
        path: input.path,
        tags: tags.into_iter().map(|tag| identity::Tag { key: tag.key, value: tag.value }).collect(),
    };
    let user = call.api.identity().create_user(&call.ctx, new).await?;
    Ok(call.encode(&CreateUserResponse { user: Some(describe(user)) }).map(full))
}

pub(super) async fn get_user(call: AwsCall) -> Answer {
    let input: GetUserRequest = call.decode()?;
    let user = call.api.identity().get_user(&call.ctx, input.user_name.as_deref()).await?;
    Ok(call.encode(&GetUserResponse { user: describe(user) }).map(full))
}

pub(super) async fn list_users(call: AwsCall) -> Answer {
    let input: ListUsersRequest = call.decode()?;
    let request = page_request(input.max_items, input.marker.as_deref())?;
    let prefix = input.path_prefix.as_deref().unwrap_or("/");
    let page = call.api.identity().list_users(&call.ctx, prefix, &request).await?;
    let (is_truncated, marker) = rest(&page);
    // Lists leave the tags out, as IAM's do.
    let users = page.items.into_iter().map(|user| User { tags: None, ..describe(user) }).collect();
    Ok(call.encode(&ListUsersResponse { users, is_truncated, marker }).map(full))
}

pub(super) async fn delete_user(call: AwsCall) -> Answer {
    let input: DeleteUserRequest = call.decode()?;
    call.api.identity().delete_user(&call.ctx, &input.user_name).await?;
    Ok(call.encode(&Nothing {}).map(full))
}

fn describe(user: identity::User) -> User {
    let tags: Vec<Tag> = user.tags.into_iter().map(|tag| Tag { key: tag.key, value: tag.value }).collect();
    User {
        path: user.path,
        user_name: user.name,
        user_id: user.id,
        arn: user.arn,
        create_date: user.created.into(),
        password_last_used: None,
        permissions_boundary: None,
        tags: (!tags.is_empty()).then_some(tags),
    }
}
