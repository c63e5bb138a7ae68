//! Managed policies and their versions.

use aws_wire::Nothing;
use aws_wire::generated::iam::{
    CreatePolicyRequest, CreatePolicyResponse, CreatePolicyVersionRequest, CreatePolicyVersionResponse,
    DeletePolicyRequest, DeletePolicyVersionRequest, EntityType, GetPolicyRequest, GetPolicyResponse,
    GetPolicyVersionRequest, GetPolicyVersionResponse, ListEntitiesForPolicyRequest, ListEntitiesForPolicyResponse,
    ListPoliciesRequest, ListPoliciesResponse, ListPolicyVersionsRequest, ListPolicyVersionsResponse, Policy,
    PolicyGroup, PolicyRole, PolicyScopeType, PolicyUsageType, PolicyUser, SetDefaultPolicyVersionRequest,
};
use identity::iam::HolderKind;
use identity::iam::policies::{EntityFilter, NewPolicy, PolicyFilter, Scope, Usage};

use super::shapes::{self, from_tags, page_request, rest};
use crate::body::full;
use crate::call::Answer;
use crate::dispatch::AwsCall;

pub(super) async fn create_policy(call: AwsCall) -> Answer {
    let input: CreatePolicyRequest = call.decode()?;
    let new = NewPolicy {
        name: input.policy_name,
        path: input.path,
        description: input.description,
        document: input.policy_document,
        tags: from_tags(input.tags),
    };
    let policy = call.api.identity().create_policy(&call.ctx, new).await?;
    let tags = shapes::some_tags(policy.tags.clone());
    let policy = Policy { tags, description: None, ..shapes::policy(policy) };
    Ok(call.encode(&CreatePolicyResponse { policy: Some(policy) }).map(full))
}

pub(super) async fn get_policy(call: AwsCall) -> Answer {
    let input: GetPolicyRequest = call.decode()?;
    let policy = call.api.identity().get_policy(&call.ctx, &input.policy_arn).await?;
    Ok(call.encode(&GetPolicyResponse { policy: Some(shapes::policy(policy)) }).map(full))
}

pub(super) async fn list_policies(call: AwsCall) -> Answer {
    let input: ListPoliciesRequest = call.decode()?;
    let request = page_request(input.max_items, input.marker.as_deref())?;
    let filter = PolicyFilter {
        scope: match input.scope {
            None | Some(PolicyScopeType::All) => Scope::All,
            Some(PolicyScopeType::Aws) => Scope::Aws,
            Some(PolicyScopeType::Local) => Scope::Local,
        },
        only_attached: input.only_attached.unwrap_or_default(),
        path_prefix: input.path_prefix,
        usage: input.policy_usage_filter.map(usage),
    };
    let page = call.api.identity().list_policies(&call.ctx, &filter, &request).await?;
    let (is_truncated, marker) = rest(&page);
    let policies = Some(page.items.into_iter().map(shapes::listed_policy).collect());
    Ok(call.encode(&ListPoliciesResponse { policies, is_truncated, marker }).map(full))
}

pub(super) async fn delete_policy(call: AwsCall) -> Answer {
    let input: DeletePolicyRequest = call.decode()?;
    call.api.identity().delete_policy(&call.ctx, &input.policy_arn).await?;
    Ok(call.encode(&Nothing {}).map(full))
}

pub(super) async fn create_version(call: AwsCall) -> Answer {
    let input: CreatePolicyVersionRequest = call.decode()?;
    let default = input.set_as_default.unwrap_or_default();
    let identity = call.api.identity();
    let version = identity.create_policy_version(&call.ctx, &input.policy_arn, &input.policy_document, default).await?;
    let policy_version = Some(shapes::listed_version(version));
    Ok(call.encode(&CreatePolicyVersionResponse { policy_version }).map(full))
}

pub(super) async fn get_version(call: AwsCall) -> Answer {
    let input: GetPolicyVersionRequest = call.decode()?;
    let version = call.api.identity().get_policy_version(&call.ctx, &input.policy_arn, &input.version_id).await?;
    Ok(call.encode(&GetPolicyVersionResponse { policy_version: Some(shapes::version(version)) }).map(full))
}

pub(super) async fn list_versions(call: AwsCall) -> Answer {
    let input: ListPolicyVersionsRequest = call.decode()?;
    let request = page_request(input.max_items, input.marker.as_deref())?;
    let page = call.api.identity().list_policy_versions(&call.ctx, &input.policy_arn, &request).await?;
    let (is_truncated, marker) = rest(&page);
    let versions = Some(page.items.into_iter().map(shapes::listed_version).collect());
    Ok(call.encode(&ListPolicyVersionsResponse { versions, is_truncated, marker }).map(full))
}

pub(super) async fn set_default_version(call: AwsCall) -> Answer {
    let input: SetDefaultPolicyVersionRequest = call.decode()?;
    call.api.identity().set_default_policy_version(&call.ctx, &input.policy_arn, &input.version_id).await?;
    Ok(call.encode(&Nothing {}).map(full))
}

pub(super) async fn delete_version(call: AwsCall) -> Answer {
    let input: DeletePolicyVersionRequest = call.decode()?;
    call.api.identity().delete_policy_version(&call.ctx, &input.policy_arn, &input.version_id).await?;
    Ok(call.encode(&Nothing {}).map(full))
}

pub(super) async fn list_entities(call: AwsCall) -> Answer {
    let input: ListEntitiesForPolicyRequest = call.decode()?;
    let request = page_request(input.max_items, input.marker.as_deref())?;
    let filter = EntityFilter {
        // A policy is attached to no policy: these filters leave everyone.
        kind: input.entity_filter.and_then(|filter| match filter {
            EntityType::User => Some(HolderKind::User),
            EntityType::Role => Some(HolderKind::Role),
            EntityType::Group => Some(HolderKind::Group),
            EntityType::LocalManagedPolicy | EntityType::AwsManagedPolicy => None,
        }),
        path_prefix: input.path_prefix,
        usage: input.policy_usage_filter.map(usage),
    };
    let page = call.api.identity().list_entities_for_policy(&call.ctx, &input.policy_arn, &filter, &request).await?;
    let (is_truncated, marker) = rest(&page);
    let (mut users, mut groups, mut roles) = (Vec::new(), Vec::new(), Vec::new());
    for entity in page.items {
        let (name, id) = (Some(entity.name), Some(entity.id));
        match entity.kind {
            HolderKind::User => users.push(PolicyUser { user_name: name, user_id: id }),
            HolderKind::Group => groups.push(PolicyGroup { group_name: name, group_id: id }),
            HolderKind::Role => roles.push(PolicyRole { role_name: name, role_id: id }),
        }
    }
    let answer = ListEntitiesForPolicyResponse {
        policy_groups: Some(groups),
        policy_users: Some(users),
        policy_roles: Some(roles),
        is_truncated,
        marker,
    };
    Ok(call.encode(&answer).map(full))
}

fn usage(usage: PolicyUsageType) -> Usage {
    match usage {
        PolicyUsageType::PermissionsPolicy => Usage::Permissions,
        PolicyUsageType::PermissionsBoundary => Usage::Boundary,
    }
}
