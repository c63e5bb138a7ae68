//! What IAM says of an account as a whole.

use aws_wire::Nothing;
use aws_wire::generated::iam::{
    CreateAccountAliasRequest, DeleteAccountAliasRequest, EntityType, GetAccountAuthorizationDetailsRequest,
    GetAccountAuthorizationDetailsResponse, GetAccountPasswordPolicyResponse, GetAccountSummaryResponse, GroupDetail,
    ListAccountAliasesRequest, ListAccountAliasesResponse, ManagedPolicyDetail, PasswordPolicy, PolicyDetail,
    RoleDetail, UpdateAccountPasswordPolicyRequest, UserDetail,
};
use base::Error;
use identity::iam::account::{Detail, DetailKind, Holding};
use identity::iam::groups::Group;
use identity::iam::instance_profiles::InstanceProfile;
use identity::iam::policies::{Policy, PolicyVersion};
use identity::iam::roles::Role;

use super::shapes::{self, document, page_request, rest};
use crate::body::full;
use crate::call::Answer;
use crate::dispatch::AwsCall;

pub(super) async fn summary(call: AwsCall) -> Answer {
    let summary = call.api.identity().account_summary(&call.ctx).await?;
    let number = |(name, value): (&str, i64)| (name.to_owned(), i32::try_from(value).unwrap_or(i32::MAX));
    let summary_map = Some(summary.into_iter().map(number).collect());
    Ok(call.encode(&GetAccountSummaryResponse { summary_map }).map(full))
}

pub(super) async fn create_alias(call: AwsCall) -> Answer {
    let input: CreateAccountAliasRequest = call.decode()?;
    call.api.identity().create_account_alias(&call.ctx, &input.account_alias).await?;
    Ok(call.encode(&Nothing {}).map(full))
}

pub(super) async fn list_aliases(call: AwsCall) -> Answer {
    let input: ListAccountAliasesRequest = call.decode()?;
    let request = page_request(input.max_items, input.marker.as_deref())?;
    let page = call.api.identity().list_account_aliases(&call.ctx, &request).await?;
    let (is_truncated, marker) = rest(&page);
    Ok(call.encode(&ListAccountAliasesResponse { account_aliases: page.items, is_truncated, marker }).map(full))
}

pub(super) async fn delete_alias(call: AwsCall) -> Answer {
    let input: DeleteAccountAliasRequest = call.decode()?;
    call.api.identity().delete_account_alias(&call.ctx, &input.account_alias).await?;
    Ok(call.encode(&Nothing {}).map(full))
}

pub(super) async fn update_password_policy(call: AwsCall) -> Answer {
    let input: UpdateAccountPasswordPolicyRequest = call.decode()?;
    let policy = PasswordPolicy {
        minimum_password_length: Some(input.minimum_password_length.unwrap_or(6)),
        require_symbols: Some(input.require_symbols.unwrap_or_default()),
        require_numbers: Some(input.require_numbers.unwrap_or_default()),
        require_uppercase_characters: Some(input.require_uppercase_characters.unwrap_or_default()),
        require_lowercase_characters: Some(input.require_lowercase_characters.unwrap_or_default()),
        allow_users_to_change_password: Some(input.allow_users_to_change_password.unwrap_or_default()),
        expire_passwords: Some(input.max_password_age.is_some_and(|days| days > 0)),
        max_password_age: input.max_password_age,
        password_reuse_prevention: input.password_reuse_prevention,
        hard_expiry: input.hard_expiry,
    };
    let text = serde_json::to_string(&policy).map_err(Error::internal)?;
    call.api.identity().set_password_policy(&call.ctx, &text).await?;
    Ok(call.encode(&Nothing {}).map(full))
}

pub(super) async fn password_policy(call: AwsCall) -> Answer {
    let text = call.api.identity().password_policy(&call.ctx).await?;
    let password_policy = serde_json::from_str(&text).map_err(Error::internal)?;
    Ok(call.encode(&GetAccountPasswordPolicyResponse { password_policy }).map(full))
}

pub(super) async fn delete_password_policy(call: AwsCall) -> Answer {
    call.api.identity().delete_password_policy(&call.ctx).await?;
    Ok(call.encode(&Nothing {}).map(full))
}

pub(super) async fn authorization_details(call: AwsCall) -> Answer {
    let input: GetAccountAuthorizationDetailsRequest = call.decode()?;
    let request = page_request(input.max_items, input.marker.as_deref())?;
    let kinds: Vec<DetailKind> = input.filter.unwrap_or_default().into_iter().map(kind).collect();
    let page = call.api.identity().authorization_details(&call.ctx, &kinds, &request).await?;
    let (is_truncated, marker) = rest(&page);
    let (mut users, mut groups, mut roles, mut policies) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for detail in page.items {
        match detail {
            Detail::User { user, holding, groups } => users.push(user_detail(*user, holding, groups)),
            Detail::Group { group, holding } => groups.push(group_detail(group, holding)),
            Detail::Role { role, holding, profiles } => roles.push(role_detail(*role, holding, profiles)),
            Detail::Policy(policy, versions) => policies.push(policy_detail(*policy, versions)),
        }
    }
    let answer = GetAccountAuthorizationDetailsResponse {
        user_detail_list: Some(users),
        group_detail_list: Some(groups),
        role_detail_list: Some(roles),
        policies: Some(policies),
        is_truncated,
        marker,
    };
    Ok(call.encode(&answer).map(full))
}

fn kind(entity: EntityType) -> DetailKind {
    match entity {
        EntityType::User => DetailKind::User,
        EntityType::Group => DetailKind::Group,
        EntityType::Role => DetailKind::Role,
        EntityType::LocalManagedPolicy => DetailKind::LocalPolicy,
        EntityType::AwsManagedPolicy => DetailKind::AwsPolicy,
    }
}

fn inline((name, text): (String, String)) -> PolicyDetail {
    PolicyDetail { policy_name: Some(name), policy_document: Some(document(&text)) }
}

fn user_detail(user: identity::User, holding: Holding, groups: Vec<String>) -> UserDetail {
    let inline_policies: Vec<_> = holding.inline.into_iter().map(inline).collect();
    UserDetail {
        path: Some(user.path),
        user_name: Some(user.name),
        user_id: Some(user.id),
        arn: Some(user.arn),
        create_date: Some(user.created.into()),
        user_policy_list: (!inline_policies.is_empty()).then_some(inline_policies),
        group_list: Some(groups),
        attached_managed_policies: Some(holding.attached.into_iter().map(shapes::attached).collect()),
        permissions_boundary: shapes::boundary(user.boundary),
        tags: Some(shapes::tags(user.tags)),
    }
}

fn group_detail(group: Group, holding: Holding) -> GroupDetail {
    GroupDetail {
        path: Some(group.path),
        group_name: Some(group.name),
        group_id: Some(group.id),
        arn: Some(group.arn),
        create_date: Some(group.created.into()),
        group_policy_list: Some(holding.inline.into_iter().map(inline).collect()),
        attached_managed_policies: Some(holding.attached.into_iter().map(shapes::attached).collect()),
    }
}

fn role_detail(role: Role, holding: Holding, profiles: Vec<InstanceProfile>) -> RoleDetail {
    RoleDetail {
        role_last_used: Some(shapes::last_used(&role)),
        path: Some(role.path),
        role_name: Some(role.name),
        role_id: Some(role.id),
        arn: Some(role.arn),
        create_date: Some(role.created.into()),
        assume_role_policy_document: Some(document(&role.trust)),
        instance_profile_list: Some(profiles.into_iter().map(shapes::listed_profile).collect()),
        role_policy_list: Some(holding.inline.into_iter().map(inline).collect()),
        attached_managed_policies: Some(holding.attached.into_iter().map(shapes::attached).collect()),
        permissions_boundary: shapes::boundary(role.boundary),
        tags: Some(shapes::tags(role.tags)),
    }
}

fn policy_detail(policy: Policy, versions: Vec<PolicyVersion>) -> ManagedPolicyDetail {
    let policy = shapes::policy(policy);
    ManagedPolicyDetail {
        policy_name: policy.policy_name,
        policy_id: policy.policy_id,
        arn: policy.arn,
        path: policy.path,
        default_version_id: policy.default_version_id,
        attachment_count: policy.attachment_count,
        permissions_boundary_usage_count: policy.permissions_boundary_usage_count,
        is_attachable: policy.is_attachable,
        description: policy.description,
        create_date: policy.create_date,
        update_date: policy.update_date,
        policy_version_list: Some(versions.into_iter().map(shapes::version).collect()),
    }
}
