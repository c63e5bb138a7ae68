//! Managed policies: those of an account, and AWS's own.

mod entities;
mod store;
mod versions;

use std::sync::Arc;

use base::{AccountId, Error, ErrorKind, Page, PageRequest, Result, Timestamp};

use super::aws_managed;
use super::errors::{invalid_input, malformed, no_such_policy};
use super::names::{arn, check_name, path};
use super::tags;
use crate::credentials::formats;
use crate::ctx::Ctx;
use crate::open::Identity;
use crate::policy::{Attached, Document, Kind};
use crate::users::Tag;

pub use entities::{EntityFilter, PolicyEntity};
pub(crate) use store::{all_with_versions, exists};
pub use versions::PolicyVersion;

/// The most policies of an account, as in AWS.
pub(crate) const PER_ACCOUNT: i64 = 1_500;
/// The most versions of a policy, as in AWS.
pub(crate) const VERSIONS: i64 = 5;

/// A managed policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// `ANPA…`
    pub id: String,
    /// The name, unique in the account without regard to case.
    pub name: String,
    /// `/`, or a path that starts and ends with `/`.
    pub path: String,
    /// `arn:aws:iam::ACCOUNT:policyPATHNAME`; the account is `aws` for AWS's own.
    pub arn: String,
    /// What its maker said of it.
    pub description: Option<String>,
    /// The tags in the order given.
    pub tags: Vec<Tag>,
    /// The version that decides: `v1`.
    pub default_version: String,
    /// How many users, groups and roles of the account it is attached to.
    pub attachments: i64,
    /// How many users and roles of the account it limits as their boundary.
    pub boundary_uses: i64,
    /// When the policy was made.
    pub created: Timestamp,
    /// When its default version last changed.
    pub updated: Timestamp,
}

/// What a new policy shall be.
#[derive(Debug, Clone, Default)]
pub struct NewPolicy {
    /// 1 to 128 letters, digits and `+=,.@_-`.
    pub name: String,
    /// `None` stands for `/`.
    pub path: Option<String>,
    /// At most 1,000 characters.
    pub description: Option<String>,
    /// The policy.
    pub document: String,
    /// At most 50.
    pub tags: Vec<Tag>,
}

/// Which policies are listed.
#[derive(Debug, Clone, Default)]
pub struct PolicyFilter {
    /// Those of whom.
    pub scope: Scope,
    /// Only those that are attached to someone.
    pub only_attached: bool,
    /// Only those whose path starts so.
    pub path_prefix: Option<String>,
    /// Only those that are used so.
    pub usage: Option<Usage>,
}

/// Whose policies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Scope {
    /// Both.
    #[default]
    All,
    /// AWS's.
    Aws,
    /// The account's.
    Local,
}

/// How a policy is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Usage {
    /// It gives permissions.
    Permissions,
    /// It is a permissions boundary.
    Boundary,
}

impl Identity {
    /// Makes a managed policy, whose first version is its default.
    ///
    /// # Errors
    /// Invalid, where a name, path or tag breaks AWS's rules, or the document is no policy (`MalformedPolicyDocument`);
    /// AlreadyExists; Conflict (`LimitExceeded`), where it is too long or the account has 1,500 policies.
    pub async fn create_policy(&self, ctx: &Ctx, new: NewPolicy) -> Result<Policy> {
        check_name("policyName", &new.name, 128)?;
        let path = path(new.path)?;
        tags::check(&new.tags)?;
        Document::parse(Kind::Managed, &new.document).map_err(malformed)?;
        let now = self.0.clock.now();
        let policy = Policy {
            id: formats::policy_id(self.0.random.as_ref()),
            arn: arn(ctx.account(), "policy", &path, &new.name),
            name: new.name,
            path,
            description: new.description,
            tags: new.tags,
            default_version: versions::name(1),
            attachments: 0,
            boundary_uses: 0,
            created: now,
            updated: now,
        };
        store::insert(&self.0.store, ctx.account(), &policy, &new.document).await?;
        Ok(policy)
    }

    /// The policy with this ARN: of the account, or AWS's.
    ///
    /// # Errors
    /// NotFound. Invalid (`InvalidInput`), where it is not the ARN of a policy.
    pub async fn get_policy(&self, ctx: &Ctx, policy_arn: &str) -> Result<Policy> {
        check_arn(policy_arn)?;
        let mut policies = store::list(&self.0.store, ctx.account(), Some(policy_arn)).await?;
        policies.pop().ok_or_else(|| no_such_policy(policy_arn))
    }

    /// The policies that `filter` leaves, by ARN.
    ///
    /// # Errors
    /// The store's.
    pub async fn list_policies(&self, ctx: &Ctx, filter: &PolicyFilter, page: &PageRequest) -> Result<Page<Policy>> {
        let all = store::list(&self.0.store, ctx.account(), None).await?;
        let after = page.after.as_deref().unwrap_or_default();
        let mut left: Vec<Policy> =
            all.into_iter().filter(|policy| policy.arn.as_str() > after && filter.keeps(policy)).collect();
        left.sort_unstable_by(|one, other| one.arn.cmp(&other.arn));
        Ok(Page::cut(page, left, |policy| policy.arn.clone()))
    }

    /// Removes a policy that nobody has, and whose only version is its default.
    ///
    /// # Errors
    /// NotFound. Conflict (`DeleteConflict`), where it is attached, a boundary, or has other versions. Denied for AWS's.
    pub async fn delete_policy(&self, ctx: &Ctx, policy_arn: &str) -> Result<()> {
        check_own(policy_arn)?;
        store::delete(&self.0.store, ctx.account(), policy_arn).await?;
        self.forget_rights();
        Ok(())
    }
}

impl PolicyFilter {
    fn keeps(&self, policy: &Policy) -> bool {
        let of_aws = aws_managed::is_arn(&policy.arn);
        let in_scope = match self.scope {
            Scope::All => true,
            Scope::Aws => of_aws,
            Scope::Local => !of_aws,
        };
        let is_used = match self.usage {
            None => true,
            Some(Usage::Permissions) => policy.attachments > 0,
            Some(Usage::Boundary) => policy.boundary_uses > 0,
        };
        let has_path = self.path_prefix.as_deref().is_none_or(|prefix| policy.path.starts_with(prefix));
        in_scope && is_used && has_path && (!self.only_attached || policy.attachments > 0)
    }
}

/// Refuses what is not the ARN of a policy.
pub(crate) fn check_arn(policy_arn: &str) -> Result<()> {
    let parsed = policy_arn.parse::<base::Arn>().ok();
    let is_policy = |arn: &base::Arn| arn.service == "iam" && arn.resource.starts_with("policy/");
    if parsed.as_ref().is_some_and(is_policy) {
        return Ok(());
    }
    Err(invalid_input(format!("ARN {policy_arn} is not valid."))
        .with_hint("Policies are named `arn:aws:iam::ACCOUNT:policy/NAME`, or `arn:aws:iam::aws:policy/NAME`."))
}

/// Refuses what is not the ARN of a policy that an account can change.
pub(crate) fn check_own(policy_arn: &str) -> Result<()> {
    check_arn(policy_arn)?;
    if aws_managed::is_arn(policy_arn) {
        let message = format!("The policy {policy_arn} is managed by AWS: it cannot be changed.");
        return Err(Error::new(ErrorKind::Denied, message).with_hint("Copy it into a policy of the account."));
    }
    Ok(())
}

/// The name in a policy's ARN.
pub(crate) fn name_in(policy_arn: &str) -> &str {
    policy_arn.rsplit('/').next().unwrap_or_default()
}

/// The path in a policy's ARN.
pub(crate) fn path_in(policy_arn: &str) -> String {
    let resource = policy_arn.splitn(6, ':').nth(5).unwrap_or_default();
    super::names::split_path(resource.strip_prefix("policy").unwrap_or_default()).0
}

/// The managed policy with this ARN as one passed to a session of a role of `account`: its own, or AWS's.
///
/// # Errors
/// The store's.
pub(crate) async fn session_document(
    identity: &Identity,
    account: &AccountId,
    policy_arn: &str,
) -> Result<Option<Attached>> {
    if aws_managed::is_arn(policy_arn) {
        return aws_managed::find(policy_arn).map(|_| aws_managed::attached(policy_arn)).transpose();
    }
    let versions = store::versions(&identity.0.store, account, policy_arn).await?;
    let Some(version) = versions.into_iter().find(|version| version.default) else { return Ok(None) };
    let document = Document::parse(Kind::Managed, version.document).map_err(Error::internal)?;
    Ok(Some(Attached { id: policy_arn.into(), document: Arc::new(document) }))
}

/// Whether a policy with this ARN can be attached in `account`: its own, or AWS's.
pub(crate) async fn can_be_used(tx: &::store::Tx, account: &AccountId, policy_arn: &str) -> Result<bool> {
    if aws_managed::is_arn(policy_arn) {
        return Ok(aws_managed::find(policy_arn).is_some());
    }
    exists(tx, account, policy_arn).await
}
