//! Permissions boundaries.

use aws_wire::Nothing;
use aws_wire::generated::iam::{
    DeleteRolePermissionsBoundaryRequest, DeleteUserPermissionsBoundaryRequest, PutRolePermissionsBoundaryRequest,
    PutUserPermissionsBoundaryRequest,
};
use identity::iam::HolderName;

use crate::body::full;
use crate::call::Answer;
use crate::dispatch::AwsCall;

pub(super) async fn put_on_user(call: AwsCall) -> Answer {
    let input: PutUserPermissionsBoundaryRequest = call.decode()?;
    put(&call, HolderName::user(&input.user_name), &input.permissions_boundary).await
}

pub(super) async fn put_on_role(call: AwsCall) -> Answer {
    let input: PutRolePermissionsBoundaryRequest = call.decode()?;
    put(&call, HolderName::role(&input.role_name), &input.permissions_boundary).await
}

pub(super) async fn delete_of_user(call: AwsCall) -> Answer {
    let input: DeleteUserPermissionsBoundaryRequest = call.decode()?;
    delete(&call, HolderName::user(&input.user_name)).await
}

pub(super) async fn delete_of_role(call: AwsCall) -> Answer {
    let input: DeleteRolePermissionsBoundaryRequest = call.decode()?;
    delete(&call, HolderName::role(&input.role_name)).await
}

async fn put(call: &AwsCall, holder: HolderName<'_>, policy_arn: &str) -> Answer {
    call.api.identity().put_permissions_boundary(&call.ctx, holder, policy_arn).await?;
    Ok(call.encode(&Nothing {}).map(full))
}

async fn delete(call: &AwsCall, holder: HolderName<'_>) -> Answer {
    call.api.identity().delete_permissions_boundary(&call.ctx, holder).await?;
    Ok(call.encode(&Nothing {}).map(full))
}
