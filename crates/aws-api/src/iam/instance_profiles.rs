//! Instance profiles.

use aws_wire::Nothing;
use aws_wire::generated::iam::{
    AddRoleToInstanceProfileRequest, CreateInstanceProfileRequest, CreateInstanceProfileResponse,
    DeleteInstanceProfileRequest, GetInstanceProfileRequest, GetInstanceProfileResponse,
    ListInstanceProfilesForRoleRequest, ListInstanceProfilesForRoleResponse, ListInstanceProfilesRequest,
    ListInstanceProfilesResponse, RemoveRoleFromInstanceProfileRequest,
};

use super::shapes::{self, from_tags, page_request, rest};
use crate::body::full;
use crate::call::Answer;
use crate::dispatch::AwsCall;

pub(super) async fn create(call: AwsCall) -> Answer {
    let input: CreateInstanceProfileRequest = call.decode()?;
    let (name, tags) = (&input.instance_profile_name, from_tags(input.tags));
    let profile = call.api.identity().create_instance_profile(&call.ctx, name, input.path, tags).await?;
    let instance_profile = shapes::instance_profile(profile);
    Ok(call.encode(&CreateInstanceProfileResponse { instance_profile }).map(full))
}

pub(super) async fn get(call: AwsCall) -> Answer {
    let input: GetInstanceProfileRequest = call.decode()?;
    let profile = call.api.identity().get_instance_profile(&call.ctx, &input.instance_profile_name).await?;
    let instance_profile = shapes::instance_profile(profile);
    Ok(call.encode(&GetInstanceProfileResponse { instance_profile }).map(full))
}

pub(super) async fn list(call: AwsCall) -> Answer {
    let input: ListInstanceProfilesRequest = call.decode()?;
    let request = page_request(input.max_items, input.marker.as_deref())?;
    let prefix = input.path_prefix.as_deref().unwrap_or("/");
    let page = call.api.identity().list_instance_profiles(&call.ctx, prefix, &request).await?;
    let (is_truncated, marker) = rest(&page);
    let instance_profiles = page.items.into_iter().map(shapes::listed_profile).collect();
    Ok(call.encode(&ListInstanceProfilesResponse { instance_profiles, is_truncated, marker }).map(full))
}

pub(super) async fn list_for_role(call: AwsCall) -> Answer {
    let input: ListInstanceProfilesForRoleRequest = call.decode()?;
    let request = page_request(input.max_items, input.marker.as_deref())?;
    let page = call.api.identity().list_instance_profiles_for_role(&call.ctx, &input.role_name, &request).await?;
    let (is_truncated, marker) = rest(&page);
    let instance_profiles = page.items.into_iter().map(shapes::listed_profile).collect();
    Ok(call.encode(&ListInstanceProfilesForRoleResponse { instance_profiles, is_truncated, marker }).map(full))
}

pub(super) async fn add_role(call: AwsCall) -> Answer {
    let input: AddRoleToInstanceProfileRequest = call.decode()?;
    let identity = call.api.identity();
    identity.add_role_to_instance_profile(&call.ctx, &input.instance_profile_name, &input.role_name).await?;
    Ok(call.encode(&Nothing {}).map(full))
}

pub(super) async fn remove_role(call: AwsCall) -> Answer {
    let input: RemoveRoleFromInstanceProfileRequest = call.decode()?;
    let identity = call.api.identity();
    identity.remove_role_from_instance_profile(&call.ctx, &input.instance_profile_name, &input.role_name).await?;
    Ok(call.encode(&Nothing {}).map(full))
}

pub(super) async fn delete(call: AwsCall) -> Answer {
    let input: DeleteInstanceProfileRequest = call.decode()?;
    call.api.identity().delete_instance_profile(&call.ctx, &input.instance_profile_name).await?;
    Ok(call.encode(&Nothing {}).map(full))
}
