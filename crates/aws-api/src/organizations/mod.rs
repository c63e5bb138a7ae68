//! `organizations`: accounts in a tree of units, under service control policies.

mod accounts;
pub(crate) mod errors;
mod handshakes;
mod organization;
mod policies;
mod services;
mod tags;
mod units;

use aws_wire::generated::organizations::Tag;
use aws_wire::{Input, Routed};
use base::PageRequest;
use futures::future::{BoxFuture, FutureExt as _};
use identity::Access;

use crate::call::{Answer, Check, Row};
use crate::dispatch::AwsCall;
use crate::errors::Failure;

const fn row(
    operation: &'static str,
    action: &'static str,
    access: Access,
    handler: fn(AwsCall) -> BoxFuture<'static, Answer>,
) -> Row<Routed> {
    Row { operation, action, access, check: Check::InDomain, handler }
}

const fn read(
    operation: &'static str,
    action: &'static str,
    handler: fn(AwsCall) -> BoxFuture<'static, Answer>,
) -> Row<Routed> {
    row(operation, action, Access::Read, handler)
}

const fn write(
    operation: &'static str,
    action: &'static str,
    handler: fn(AwsCall) -> BoxFuture<'static, Answer>,
) -> Row<Routed> {
    row(operation, action, Access::Write, handler)
}

/// The operations.
pub(crate) const ROWS: &[Row<Routed>] = &[
    write("CreateOrganization", "organizations:CreateOrganization", |call| {
        organization::create_organization(call).boxed()
    }),
    read("DescribeOrganization", "organizations:DescribeOrganization", |call| {
        organization::describe_organization(call).boxed()
    }),
    write("DeleteOrganization", "organizations:DeleteOrganization", |call| {
        organization::delete_organization(call).boxed()
    }),
    write("CreateAccount", "organizations:CreateAccount", |call| accounts::create_account(call).boxed()),
    read("DescribeCreateAccountStatus", "organizations:DescribeCreateAccountStatus", |call| {
        accounts::describe_create_account_status(call).boxed()
    }),
    read("ListCreateAccountStatus", "organizations:ListCreateAccountStatus", |call| {
        accounts::list_create_account_status(call).boxed()
    }),
    read("ListAccounts", "organizations:ListAccounts", |call| accounts::list_accounts(call).boxed()),
    read("ListAccountsForParent", "organizations:ListAccountsForParent", |call| {
        accounts::list_accounts_for_parent(call).boxed()
    }),
    read("DescribeAccount", "organizations:DescribeAccount", |call| accounts::describe_account(call).boxed()),
    write("MoveAccount", "organizations:MoveAccount", |call| accounts::move_account(call).boxed()),
    write("CloseAccount", "organizations:CloseAccount", |call| accounts::close_account(call).boxed()),
    write("RemoveAccountFromOrganization", "organizations:RemoveAccountFromOrganization", |call| {
        accounts::remove_account(call).boxed()
    }),
    write("LeaveOrganization", "organizations:LeaveOrganization", |call| accounts::leave_organization(call).boxed()),
    write("InviteAccountToOrganization", "organizations:InviteAccountToOrganization", |call| {
        handshakes::invite_account(call).boxed()
    }),
    write("AcceptHandshake", "organizations:AcceptHandshake", |call| handshakes::accept_handshake(call).boxed()),
    write("DeclineHandshake", "organizations:DeclineHandshake", |call| handshakes::decline_handshake(call).boxed()),
    write("CancelHandshake", "organizations:CancelHandshake", |call| handshakes::cancel_handshake(call).boxed()),
    read("DescribeHandshake", "organizations:DescribeHandshake", |call| handshakes::describe_handshake(call).boxed()),
    read("ListHandshakesForAccount", "organizations:ListHandshakesForAccount", |call| {
        handshakes::list_for_account(call).boxed()
    }),
    read("ListHandshakesForOrganization", "organizations:ListHandshakesForOrganization", |call| {
        handshakes::list_for_organization(call).boxed()
    }),
    read("ListRoots", "organizations:ListRoots", |call| units::list_roots(call).boxed()),
    read("ListParents", "organizations:ListParents", |call| units::list_parents(call).boxed()),
    read("ListChildren", "organizations:ListChildren", |call| units::list_children(call).boxed()),
    write("CreateOrganizationalUnit", "organizations:CreateOrganizationalUnit", |call| {
        units::create_unit(call).boxed()
    }),
    read("DescribeOrganizationalUnit", "organizations:DescribeOrganizationalUnit", |call| {
        units::describe_unit(call).boxed()
    }),
    write("UpdateOrganizationalUnit", "organizations:UpdateOrganizationalUnit", |call| {
        units::update_unit(call).boxed()
    }),
    write("DeleteOrganizationalUnit", "organizations:DeleteOrganizationalUnit", |call| {
        units::delete_unit(call).boxed()
    }),
    read("ListOrganizationalUnitsForParent", "organizations:ListOrganizationalUnitsForParent", |call| {
        units::list_units(call).boxed()
    }),
    write("EnablePolicyType", "organizations:EnablePolicyType", |call| policies::enable_policy_type(call).boxed()),
    write("DisablePolicyType", "organizations:DisablePolicyType", |call| policies::disable_policy_type(call).boxed()),
    write("CreatePolicy", "organizations:CreatePolicy", |call| policies::create_policy(call).boxed()),
    write("UpdatePolicy", "organizations:UpdatePolicy", |call| policies::update_policy(call).boxed()),
    read("DescribePolicy", "organizations:DescribePolicy", |call| policies::describe_policy(call).boxed()),
    read("ListPolicies", "organizations:ListPolicies", |call| policies::list_policies(call).boxed()),
    write("DeletePolicy", "organizations:DeletePolicy", |call| policies::delete_policy(call).boxed()),
    write("AttachPolicy", "organizations:AttachPolicy", |call| policies::attach_policy(call).boxed()),
    write("DetachPolicy", "organizations:DetachPolicy", |call| policies::detach_policy(call).boxed()),
    read("ListPoliciesForTarget", "organizations:ListPoliciesForTarget", |call| {
        policies::list_policies_for_target(call).boxed()
    }),
    read("ListTargetsForPolicy", "organizations:ListTargetsForPolicy", |call| {
        policies::list_targets_for_policy(call).boxed()
    }),
    write("EnableAWSServiceAccess", "organizations:EnableAWSServiceAccess", |call| services::enable(call).boxed()),
    write("DisableAWSServiceAccess", "organizations:DisableAWSServiceAccess", |call| services::disable(call).boxed()),
    read("ListAWSServiceAccessForOrganization", "organizations:ListAWSServiceAccessForOrganization", |call| {
        services::list(call).boxed()
    }),
    write("TagResource", "organizations:TagResource", |call| tags::tag_resource(call).boxed()),
    write("UntagResource", "organizations:UntagResource", |call| tags::untag_resource(call).boxed()),
    read("ListTagsForResource", "organizations:ListTagsForResource", |call| tags::list_tags(call).boxed()),
];

/// What Organizations lists at once where nothing is said, and at most.
const PAGE: u32 = 20;

/// The operation's request; what breaks the model has this service's own exception.
fn input<I: Input>(call: &AwsCall) -> Result<I, Failure> {
    call.decode().map_err(|failure| match failure {
        Failure::Wire(error) if error.code == "ValidationException" => Failure::Wire(errors::input(error)),
        other => other,
    })
}

fn page_request(limit: Option<i32>, token: Option<&str>) -> base::Result<PageRequest> {
    PageRequest::from_token(limit.and_then(|n| u32::try_from(n).ok()).unwrap_or(PAGE), token)
}

fn pairs(tags: Option<Vec<Tag>>) -> Vec<(String, String)> {
    tags.unwrap_or_default().into_iter().map(|tag| (tag.key, tag.value)).collect()
}
