//! Roles that belong to a service of AWS.

use aws_wire::generated::iam::{
    CreateServiceLinkedRoleRequest, CreateServiceLinkedRoleResponse, DeleteServiceLinkedRoleRequest,
    DeleteServiceLinkedRoleResponse, DeletionTaskStatusType, GetServiceLinkedRoleDeletionStatusRequest,
    GetServiceLinkedRoleDeletionStatusResponse,
};

use super::shapes;
use crate::body::full;
use crate::call::Answer;
use crate::dispatch::AwsCall;

pub(super) async fn create(call: AwsCall) -> Answer {
    let input: CreateServiceLinkedRoleRequest = call.decode()?;
    let (service, suffix) = (&input.aws_service_name, input.custom_suffix.as_deref());
    let identity = call.api.identity();
    let role = identity.create_service_linked_role(&call.ctx, service, input.description, suffix).await?;
    Ok(call.encode(&CreateServiceLinkedRoleResponse { role: Some(shapes::role(role)) }).map(full))
}

pub(super) async fn delete(call: AwsCall) -> Answer {
    let input: DeleteServiceLinkedRoleRequest = call.decode()?;
    let task = call.api.identity().delete_service_linked_role(&call.ctx, &input.role_name).await?;
    Ok(call.encode(&DeleteServiceLinkedRoleResponse { deletion_task_id: task }).map(full))
}

pub(super) async fn deletion_status(call: AwsCall) -> Answer {
    let input: GetServiceLinkedRoleDeletionStatusRequest = call.decode()?;
    call.api.identity().service_linked_role_deletion(&call.ctx, &input.deletion_task_id).await?;
    let status = DeletionTaskStatusType::Succeeded;
    Ok(call.encode(&GetServiceLinkedRoleDeletionStatusResponse { status, reason: None }).map(full))
}
