//! The versions of managed policies.

use base::{Error, Page, PageRequest, Result, Timestamp};

use super::{check_arn, check_own, store};
use crate::ctx::Ctx;
use crate::iam::aws_managed;
use crate::iam::errors::{malformed, no_such_policy};
use crate::open::Identity;
use crate::policy::{Document, Kind};

/// A version of a managed policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyVersion {
    /// `v1`
    pub id: String,
    /// The document as it was given.
    pub document: String,
    /// Whether it is the one that decides.
    pub default: bool,
    /// When it was made.
    pub created: Timestamp,
}

impl Identity {
    /// Adds a version to a policy; where `set_default`, it decides at once.
    ///
    /// # Errors
    /// NotFound. Invalid (`MalformedPolicyDocument`). Conflict (`LimitExceeded`), where it is too long or the policy has
    /// five versions. Denied for AWS's.
    pub async fn create_policy_version(
        &self,
        ctx: &Ctx,
        policy_arn: &str,
        document: &str,
        set_default: bool,
    ) -> Result<PolicyVersion> {
        check_own(policy_arn)?;
        Document::parse(Kind::Managed, document).map_err(malformed)?;
        let now = self.0.clock.now();
        let number = store::add_version(&self.0.store, ctx.account(), policy_arn, document, set_default, now).await?;
        self.forget_rights();
        Ok(PolicyVersion { id: name(number), document: document.to_owned(), default: set_default, created: now })
    }

    /// A version of a policy.
    ///
    /// # Errors
    /// NotFound. Invalid (`InvalidInput`), where it is not the ARN of a policy.
    pub async fn get_policy_version(&self, ctx: &Ctx, policy_arn: &str, id: &str) -> Result<PolicyVersion> {
        let versions = self.policy_versions(ctx, policy_arn).await?;
        versions.into_iter().find(|version| version.id == id).ok_or_else(|| no_such_version(policy_arn, id))
    }

    /// A policy's versions, the newest first.
    ///
    /// # Errors
    /// As [`Identity::get_policy_version`].
    pub async fn list_policy_versions(
        &self,
        ctx: &Ctx,
        policy_arn: &str,
        page: &PageRequest,
    ) -> Result<Page<PolicyVersion>> {
        let mut versions = self.policy_versions(ctx, policy_arn).await?;
        if let Some(after) = page.after.as_deref().and_then(number) {
            versions.retain(|version| number(&version.id).is_some_and(|number| number < after));
        }
        Ok(Page::cut(page, versions, |version| version.id.clone()))
    }

    /// Makes another version decide, at once.
    ///
    /// # Errors
    /// NotFound. Denied for AWS's.
    pub async fn set_default_policy_version(&self, ctx: &Ctx, policy_arn: &str, id: &str) -> Result<()> {
        check_own(policy_arn)?;
        let number = number(id).ok_or_else(|| no_such_version(policy_arn, id))?;
        let now = self.0.clock.now();
        store::set_default_version(&self.0.store, ctx.account(), policy_arn, number, now).await?;
        self.forget_rights();
        Ok(())
    }

    /// Removes a version that does not decide.
    ///
    /// # Errors
    /// NotFound. Conflict (`DeleteConflict`), where it is the default. Denied for AWS's.
    pub async fn delete_policy_version(&self, ctx: &Ctx, policy_arn: &str, id: &str) -> Result<()> {
        check_own(policy_arn)?;
        let number = number(id).ok_or_else(|| no_such_version(policy_arn, id))?;
        store::delete_version(&self.0.store, ctx.account(), policy_arn, number).await
    }

    async fn policy_versions(&self, ctx: &Ctx, policy_arn: &str) -> Result<Vec<PolicyVersion>> {
        check_arn(policy_arn)?;
        if let Some(policy) = aws_managed::find(policy_arn) {
            return Ok(vec![policy.version()]);
        }
        let versions = store::versions(&self.0.store, ctx.account(), policy_arn).await?;
        if versions.is_empty() { Err(no_such_policy(policy_arn)) } else { Ok(versions) }
    }
}

/// `v3` for 3.
pub(crate) fn name(number: i64) -> String {
    format!("v{number}")
}

/// 3 for `v3`.
fn number(name: &str) -> Option<i64> {
    name.strip_prefix('v')?.parse().ok()
}

pub(super) fn no_such_version(policy_arn: &str, id: &str) -> Error {
    Error::not_found(format!("Policy {policy_arn} version {id} does not exist or is not attachable."))
}
