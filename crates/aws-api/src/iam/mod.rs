//! `iam`: users, groups, roles, policies and what is attached to whom.

mod access_keys;
mod account;
mod asks;
mod attachments;
mod boundaries;
mod credential_reports;
pub(crate) mod errors;
mod groups;
mod inline_policies;
mod instance_profiles;
mod oidc_providers;
mod policies;
mod roles;
mod service_linked_roles;
mod shapes;
mod signing_certificates;
mod simulate;
mod tags;
mod users;

use futures::future::{BoxFuture, FutureExt as _};
use identity::Access;

use crate::call::{Answer, Asked, Check, Row};
use crate::dispatch::AwsCall;

pub(crate) use simulate::ROWS as SIMULATOR_ROWS;

/// The operations.
pub(crate) const ROWS: &[Row<aws_wire::Routed>] = &[
    write("CreateUser", "iam:CreateUser", asks::new_user, |call| users::create_user(call).boxed()),
    read("GetUser", "iam:GetUser", asks::user, |call| users::get_user(call).boxed()),
    read("ListUsers", "iam:ListUsers", asks::users, |call| users::list_users(call).boxed()),
    write("UpdateUser", "iam:UpdateUser", asks::user, |call| users::update_user(call).boxed()),
    write("DeleteUser", "iam:DeleteUser", asks::user, |call| users::delete_user(call).boxed()),
    read("ListGroupsForUser", "iam:ListGroupsForUser", asks::user, |call| users::list_groups_for_user(call).boxed()),
    write("CreateAccessKey", "iam:CreateAccessKey", asks::user, |call| access_keys::create_access_key(call).boxed()),
    read("ListAccessKeys", "iam:ListAccessKeys", asks::user, |call| access_keys::list_access_keys(call).boxed()),
    write("DeleteAccessKey", "iam:DeleteAccessKey", asks::user, |call| access_keys::delete_access_key(call).boxed()),
    write("UpdateAccessKey", "iam:UpdateAccessKey", asks::user, |call| access_keys::update_access_key(call).boxed()),
    read("GetAccessKeyLastUsed", "iam:GetAccessKeyLastUsed", asks::key_owner, |call| {
        access_keys::last_used(call).boxed()
    }),
    write("CreateGroup", "iam:CreateGroup", asks::new_group, |call| groups::create_group(call).boxed()),
    read("GetGroup", "iam:GetGroup", asks::group, |call| groups::get_group(call).boxed()),
    read("ListGroups", "iam:ListGroups", asks::groups, |call| groups::list_groups(call).boxed()),
    write("UpdateGroup", "iam:UpdateGroup", asks::group, |call| groups::update_group(call).boxed()),
    write("DeleteGroup", "iam:DeleteGroup", asks::group, |call| groups::delete_group(call).boxed()),
    write("AddUserToGroup", "iam:AddUserToGroup", asks::group, |call| groups::add_user(call).boxed()),
    write("RemoveUserFromGroup", "iam:RemoveUserFromGroup", asks::group, |call| groups::remove_user(call).boxed()),
    write("CreateRole", "iam:CreateRole", asks::new_role, |call| roles::create_role(call).boxed()),
    read("GetRole", "iam:GetRole", asks::role, |call| roles::get_role(call).boxed()),
    read("ListRoles", "iam:ListRoles", asks::roles, |call| roles::list_roles(call).boxed()),
    write("UpdateRole", "iam:UpdateRole", asks::role, |call| roles::update_role(call).boxed()),
    write("UpdateRoleDescription", "iam:UpdateRoleDescription", asks::role, |call| {
        roles::update_role_description(call).boxed()
    }),
    write("UpdateAssumeRolePolicy", "iam:UpdateAssumeRolePolicy", asks::role, |call| {
        roles::update_assume_role_policy(call).boxed()
    }),
    write("DeleteRole", "iam:DeleteRole", asks::role, |call| roles::delete_role(call).boxed()),
    write("CreateServiceLinkedRole", "iam:CreateServiceLinkedRole", asks::new_linked_role, |call| {
        service_linked_roles::create(call).boxed()
    }),
    write("DeleteServiceLinkedRole", "iam:DeleteServiceLinkedRole", asks::role, |call| {
        service_linked_roles::delete(call).boxed()
    }),
    read("GetServiceLinkedRoleDeletionStatus", "iam:GetServiceLinkedRoleDeletionStatus", asks::deletion, |call| {
        service_linked_roles::deletion_status(call).boxed()
    }),
    write("CreatePolicy", "iam:CreatePolicy", asks::new_policy, |call| policies::create_policy(call).boxed()),
    read("GetPolicy", "iam:GetPolicy", asks::policy, |call| policies::get_policy(call).boxed()),
    read("ListPolicies", "iam:ListPolicies", asks::policies, |call| policies::list_policies(call).boxed()),
    write("DeletePolicy", "iam:DeletePolicy", asks::policy, |call| policies::delete_policy(call).boxed()),
    write("CreatePolicyVersion", "iam:CreatePolicyVersion", asks::policy, |call| {
        policies::create_version(call).boxed()
    }),
    read("GetPolicyVersion", "iam:GetPolicyVersion", asks::policy, |call| policies::get_version(call).boxed()),
    read("ListPolicyVersions", "iam:ListPolicyVersions", asks::policy, |call| policies::list_versions(call).boxed()),
    write("SetDefaultPolicyVersion", "iam:SetDefaultPolicyVersion", asks::policy, |call| {
        policies::set_default_version(call).boxed()
    }),
    write("DeletePolicyVersion", "iam:DeletePolicyVersion", asks::policy, |call| {
        policies::delete_version(call).boxed()
    }),
    read("ListEntitiesForPolicy", "iam:ListEntitiesForPolicy", asks::policy, |call| {
        policies::list_entities(call).boxed()
    }),
    write("AttachUserPolicy", "iam:AttachUserPolicy", asks::user, |call| attachments::attach_to_user(call).boxed()),
    write("DetachUserPolicy", "iam:DetachUserPolicy", asks::user, |call| attachments::detach_from_user(call).boxed()),
    read("ListAttachedUserPolicies", "iam:ListAttachedUserPolicies", asks::user, |call| {
        attachments::list_of_user(call).boxed()
    }),
    write("PutUserPolicy", "iam:PutUserPolicy", asks::user, |call| inline_policies::put_in_user(call).boxed()),
    read("GetUserPolicy", "iam:GetUserPolicy", asks::user, |call| inline_policies::get_of_user(call).boxed()),
    read("ListUserPolicies", "iam:ListUserPolicies", asks::user, |call| inline_policies::list_of_user(call).boxed()),
    write("DeleteUserPolicy", "iam:DeleteUserPolicy", asks::user, |call| inline_policies::delete_of_user(call).boxed()),
    write("AttachGroupPolicy", "iam:AttachGroupPolicy", asks::group, |call| attachments::attach_to_group(call).boxed()),
    write("DetachGroupPolicy", "iam:DetachGroupPolicy", asks::group, |call| {
        attachments::detach_from_group(call).boxed()
    }),
    read("ListAttachedGroupPolicies", "iam:ListAttachedGroupPolicies", asks::group, |call| {
        attachments::list_of_group(call).boxed()
    }),
    write("PutGroupPolicy", "iam:PutGroupPolicy", asks::group, |call| inline_policies::put_in_group(call).boxed()),
    read("GetGroupPolicy", "iam:GetGroupPolicy", asks::group, |call| inline_policies::get_of_group(call).boxed()),
    read("ListGroupPolicies", "iam:ListGroupPolicies", asks::group, |call| {
        inline_policies::list_of_group(call).boxed()
    }),
    write("DeleteGroupPolicy", "iam:DeleteGroupPolicy", asks::group, |call| {
        inline_policies::delete_of_group(call).boxed()
    }),
    write("AttachRolePolicy", "iam:AttachRolePolicy", asks::role, |call| attachments::attach_to_role(call).boxed()),
    write("DetachRolePolicy", "iam:DetachRolePolicy", asks::role, |call| attachments::detach_from_role(call).boxed()),
    read("ListAttachedRolePolicies", "iam:ListAttachedRolePolicies", asks::role, |call| {
        attachments::list_of_role(call).boxed()
    }),
    write("PutRolePolicy", "iam:PutRolePolicy", asks::role, |call| inline_policies::put_in_role(call).boxed()),
    read("GetRolePolicy", "iam:GetRolePolicy", asks::role, |call| inline_policies::get_of_role(call).boxed()),
    read("ListRolePolicies", "iam:ListRolePolicies", asks::role, |call| inline_policies::list_of_role(call).boxed()),
    write("DeleteRolePolicy", "iam:DeleteRolePolicy", asks::role, |call| inline_policies::delete_of_role(call).boxed()),
    write("PutUserPermissionsBoundary", "iam:PutUserPermissionsBoundary", asks::user, |call| {
        boundaries::put_on_user(call).boxed()
    }),
    write("DeleteUserPermissionsBoundary", "iam:DeleteUserPermissionsBoundary", asks::user, |call| {
        boundaries::delete_of_user(call).boxed()
    }),
    write("PutRolePermissionsBoundary", "iam:PutRolePermissionsBoundary", asks::role, |call| {
        boundaries::put_on_role(call).boxed()
    }),
    write("DeleteRolePermissionsBoundary", "iam:DeleteRolePermissionsBoundary", asks::role, |call| {
        boundaries::delete_of_role(call).boxed()
    }),
    write("TagUser", "iam:TagUser", asks::user, |call| tags::tag_user(call).boxed()),
    write("UntagUser", "iam:UntagUser", asks::user, |call| tags::untag_user(call).boxed()),
    read("ListUserTags", "iam:ListUserTags", asks::user, |call| tags::list_of_user(call).boxed()),
    write("TagRole", "iam:TagRole", asks::role, |call| tags::tag_role(call).boxed()),
    write("UntagRole", "iam:UntagRole", asks::role, |call| tags::untag_role(call).boxed()),
    read("ListRoleTags", "iam:ListRoleTags", asks::role, |call| tags::list_of_role(call).boxed()),
    write("TagPolicy", "iam:TagPolicy", asks::policy, |call| tags::tag_policy(call).boxed()),
    write("UntagPolicy", "iam:UntagPolicy", asks::policy, |call| tags::untag_policy(call).boxed()),
    read("ListPolicyTags", "iam:ListPolicyTags", asks::policy, |call| tags::list_of_policy(call).boxed()),
    write("TagInstanceProfile", "iam:TagInstanceProfile", asks::instance_profile, |call| {
        tags::tag_instance_profile(call).boxed()
    }),
    write("UntagInstanceProfile", "iam:UntagInstanceProfile", asks::instance_profile, |call| {
        tags::untag_instance_profile(call).boxed()
    }),
    read("ListInstanceProfileTags", "iam:ListInstanceProfileTags", asks::instance_profile, |call| {
        tags::list_of_instance_profile(call).boxed()
    }),
    write("CreateInstanceProfile", "iam:CreateInstanceProfile", asks::new_profile, |call| {
        instance_profiles::create(call).boxed()
    }),
    read("GetInstanceProfile", "iam:GetInstanceProfile", asks::instance_profile, |call| {
        instance_profiles::get(call).boxed()
    }),
    read("ListInstanceProfiles", "iam:ListInstanceProfiles", asks::instance_profiles, |call| {
        instance_profiles::list(call).boxed()
    }),
    read("ListInstanceProfilesForRole", "iam:ListInstanceProfilesForRole", asks::role, |call| {
        instance_profiles::list_for_role(call).boxed()
    }),
    write("AddRoleToInstanceProfile", "iam:AddRoleToInstanceProfile", asks::role_into_profile, |call| {
        instance_profiles::add_role(call).boxed()
    }),
    write("RemoveRoleFromInstanceProfile", "iam:RemoveRoleFromInstanceProfile", asks::instance_profile, |call| {
        instance_profiles::remove_role(call).boxed()
    }),
    write("DeleteInstanceProfile", "iam:DeleteInstanceProfile", asks::instance_profile, |call| {
        instance_profiles::delete(call).boxed()
    }),
    read("GetAccountSummary", "iam:GetAccountSummary", asks::account, |call| account::summary(call).boxed()),
    read("GetAccountAuthorizationDetails", "iam:GetAccountAuthorizationDetails", asks::account, |call| {
        account::authorization_details(call).boxed()
    }),
    write("CreateAccountAlias", "iam:CreateAccountAlias", asks::account, |call| account::create_alias(call).boxed()),
    read("ListAccountAliases", "iam:ListAccountAliases", asks::account, |call| account::list_aliases(call).boxed()),
    write("DeleteAccountAlias", "iam:DeleteAccountAlias", asks::account, |call| account::delete_alias(call).boxed()),
    read("GetAccountPasswordPolicy", "iam:GetAccountPasswordPolicy", asks::account, |call| {
        account::password_policy(call).boxed()
    }),
    write("UpdateAccountPasswordPolicy", "iam:UpdateAccountPasswordPolicy", asks::account, |call| {
        account::update_password_policy(call).boxed()
    }),
    write("DeleteAccountPasswordPolicy", "iam:DeleteAccountPasswordPolicy", asks::account, |call| {
        account::delete_password_policy(call).boxed()
    }),
];

/// The operations on what users prove themselves with: providers, certificates, and the report on all credentials.
pub(crate) const CREDENTIAL_ROWS: &[Row<aws_wire::Routed>] = &[
    write("CreateOpenIDConnectProvider", "iam:CreateOpenIDConnectProvider", asks::new_oidc_provider, |call| {
        oidc_providers::create(call).boxed()
    }),
    read("GetOpenIDConnectProvider", "iam:GetOpenIDConnectProvider", asks::oidc_provider, |call| {
        oidc_providers::get(call).boxed()
    }),
    read("ListOpenIDConnectProviders", "iam:ListOpenIDConnectProviders", asks::oidc_providers, |call| {
        oidc_providers::list(call).boxed()
    }),
    write("DeleteOpenIDConnectProvider", "iam:DeleteOpenIDConnectProvider", asks::oidc_provider, |call| {
        oidc_providers::delete(call).boxed()
    }),
    write(
        "UpdateOpenIDConnectProviderThumbprint",
        "iam:UpdateOpenIDConnectProviderThumbprint",
        asks::oidc_provider,
        |call| oidc_providers::update_thumbprint(call).boxed(),
    ),
    write(
        "AddClientIDToOpenIDConnectProvider",
        "iam:AddClientIDToOpenIDConnectProvider",
        asks::oidc_provider,
        |call| oidc_providers::add_client_id(call).boxed(),
    ),
    write(
        "RemoveClientIDFromOpenIDConnectProvider",
        "iam:RemoveClientIDFromOpenIDConnectProvider",
        asks::oidc_provider,
        |call| oidc_providers::remove_client_id(call).boxed(),
    ),
    write("TagOpenIDConnectProvider", "iam:TagOpenIDConnectProvider", asks::oidc_provider, |call| {
        tags::tag_oidc_provider(call).boxed()
    }),
    write("UntagOpenIDConnectProvider", "iam:UntagOpenIDConnectProvider", asks::oidc_provider, |call| {
        tags::untag_oidc_provider(call).boxed()
    }),
    read("ListOpenIDConnectProviderTags", "iam:ListOpenIDConnectProviderTags", asks::oidc_provider, |call| {
        tags::list_of_oidc_provider(call).boxed()
    }),
    write("UploadSigningCertificate", "iam:UploadSigningCertificate", asks::user, |call| {
        signing_certificates::upload(call).boxed()
    }),
    write("UpdateSigningCertificate", "iam:UpdateSigningCertificate", asks::user, |call| {
        signing_certificates::update(call).boxed()
    }),
    read("ListSigningCertificates", "iam:ListSigningCertificates", asks::user, |call| {
        signing_certificates::list(call).boxed()
    }),
    write("DeleteSigningCertificate", "iam:DeleteSigningCertificate", asks::user, |call| {
        signing_certificates::delete(call).boxed()
    }),
    write("GenerateCredentialReport", "iam:GenerateCredentialReport", asks::account, |call| {
        credential_reports::generate(call).boxed()
    }),
    read("GetCredentialReport", "iam:GetCredentialReport", asks::account, |call| credential_reports::get(call).boxed()),
];

type Asks = for<'a> fn(&'a AwsCall) -> Asked<'a>;
type Handler = fn(AwsCall) -> BoxFuture<'static, Answer>;

/// An operation that changes nothing.
const fn read(operation: &'static str, action: &'static str, asks: Asks, handler: Handler) -> Row<aws_wire::Routed> {
    Row { operation, action, access: Access::Read, check: Check::Asks(asks), handler }
}

/// An operation that changes something.
const fn write(operation: &'static str, action: &'static str, asks: Asks, handler: Handler) -> Row<aws_wire::Routed> {
    Row { operation, action, access: Access::Write, check: Check::Asks(asks), handler }
}
