//! What of a decision a caller may see.

use base::{AccountId, Result};

use super::command;
use super::edit::Place;
use super::fresh::bucket_of;
use crate::ask::Ask;
use crate::ctx::Ctx;
use crate::open::Identity;
use crate::policy::{Attached, Kind, PolicyType, Request};

/// Whose policy it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Side {
    /// The caller's account's.
    Caller,
    /// The resource's account's.
    Resource,
    /// The organization's management account's.
    Organization,
}

impl Side {
    /// `caller`, `resource` or `organization`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Caller => "caller",
            Self::Resource => "resource",
            Self::Organization => "organization",
        }
    }

    pub(super) fn of(policy_type: PolicyType) -> Self {
        match policy_type {
            PolicyType::ServiceControl => Self::Organization,
            PolicyType::Resource | PolicyType::Trust | PolicyType::Grant => Self::Resource,
            PolicyType::Identity | PolicyType::Boundary | PolicyType::Session | PolicyType::RootUser => Self::Caller,
        }
    }

    /// The account whose administrators change such policies. A service control policy's id names its account.
    pub(super) fn account(self, request: &Request, policy: &str) -> Option<AccountId> {
        match self {
            Self::Caller => request.caller().account().cloned(),
            Self::Resource => request.resource_account().cloned(),
            Self::Organization => policy.split(':').nth(4)?.parse().ok(),
        }
    }
}

impl Place {
    pub(super) fn side(self) -> Side {
        match self {
            Self::ServiceControl(..) => Side::Organization,
            Self::Resource => Side::Resource,
            Self::Identity(_) | Self::Boundary | Self::Session(_) => Side::Caller,
        }
    }
}

impl Identity {
    /// Whether the caller may read a policy's text: whether it may do what shows it.
    pub(crate) async fn may_read(
        &self,
        ctx: &Ctx,
        request: &Request,
        policy_type: PolicyType,
        attached: &Attached,
    ) -> Result<bool> {
        let id = &*attached.id;
        if id.starts_with("arn:aws:iam::aws:") || id.starts_with("arn:aws:organizations::aws:") {
            return Ok(true);
        }
        if Side::of(policy_type).account(request, id).as_ref() != Some(ctx.account()) {
            return Ok(false);
        }
        let holder = command::name(request.caller());
        let ask = match (policy_type, attached.document.kind()) {
            (PolicyType::ServiceControl, _) => Ask::new("organizations:DescribePolicy", id),
            (PolicyType::Session, _) if ctx.principal().arn() == request.caller().arn() => return Ok(true),
            (PolicyType::Session, _) => Ask::new("iam:GetRole", holder),
            (_, Kind::Bucket) => of_resource("s3:GetBucketPolicy", bucket_of(id), request, attached),
            (_, Kind::Key) => of_resource("kms:GetKeyPolicy", id, request, attached),
            (_, Kind::Secret) => of_resource("secretsmanager:GetResourcePolicy", id, request, attached),
            (_, Kind::Trust) => Ask::new("iam:GetRole", id),
            (_, Kind::InlineUser) => Ask::new("iam:GetUserPolicy", holder),
            (_, Kind::InlineRole) => Ask::new("iam:GetRolePolicy", holder),
            (_, Kind::InlineGroup) => {
                let group = id.split('/').nth(1).unwrap_or_default();
                Ask::new("iam:GetGroupPolicy", format!("arn:aws:iam::{}:group/{group}", ctx.account()))
            }
            _ => Ask::new("iam:GetPolicyVersion", id),
        };
        Ok(self.decide(ctx, &ask).await?.allowed())
    }
}

fn of_resource(action: &str, arn: &str, request: &Request, policy: &Attached) -> Ask {
    let ask = Ask::new(action, arn).policy(policy.clone());
    match request.resource_account() {
        Some(owner) => ask.owned_by(owner.clone()),
        None => ask,
    }
}
