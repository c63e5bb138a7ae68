//! What IAM says of an account as a whole.

mod details;
mod store;

use base::{Error, Page, PageRequest, Result};

use super::{groups, instance_profiles, policies, roles, signing_certificates};
use crate::credentials::access_keys::KEYS_PER_USER;
use crate::ctx::Ctx;
use crate::open::Identity;
use crate::policy::Kind;
use crate::users;

pub use details::{Detail, DetailKind, Details, Holding};

/// The most versions of policies that an account keeps, as `GetAccountSummary` tells it.
const VERSIONS_IN_USE: i64 = 10_000;

/// How many of each thing an account has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) users: i64,
    pub(crate) groups: i64,
    pub(crate) roles: i64,
    pub(crate) policies: i64,
    pub(crate) versions: i64,
    pub(crate) instance_profiles: i64,
    pub(crate) root_keys: i64,
    pub(crate) providers: i64,
}

impl Identity {
    /// Gives the account another name; an account has one at most, so the one before is gone.
    ///
    /// # Errors
    /// AlreadyExists, where another account has that name.
    pub async fn create_account_alias(&self, ctx: &Ctx, alias: &str) -> Result<()> {
        store::set_alias(&self.0.store, ctx.account(), alias).await
    }

    /// The account's other name, if it has one.
    ///
    /// # Errors
    /// The store's.
    pub async fn list_account_aliases(&self, ctx: &Ctx, page: &PageRequest) -> Result<Page<String>> {
        let aliases = store::alias(&self.0.store, ctx.account()).await?;
        let after = page.after.as_deref().unwrap_or_default();
        let left = aliases.into_iter().filter(|alias| alias.as_str() > after).collect();
        Ok(Page::cut(page, left, Clone::clone))
    }

    /// Takes the account's other name away.
    ///
    /// # Errors
    /// NotFound, where it does not have that one.
    pub async fn delete_account_alias(&self, ctx: &Ctx, alias: &str) -> Result<()> {
        if store::remove_alias(&self.0.store, ctx.account(), alias).await? {
            return Ok(());
        }
        Err(Error::not_found(format!("The account alias {alias} cannot be found.")))
    }

    /// Keeps the account's rules for passwords, as JSON. Users have no passwords here: nothing is checked with them.
    ///
    /// # Errors
    /// The store's.
    pub async fn set_password_policy(&self, ctx: &Ctx, policy: &str) -> Result<()> {
        store::set_password_policy(&self.0.store, ctx.account(), policy).await
    }

    /// What [`Identity::set_password_policy`] kept.
    ///
    /// # Errors
    /// NotFound, where there are no rules.
    pub async fn password_policy(&self, ctx: &Ctx) -> Result<String> {
        store::password_policy(&self.0.store, ctx.account()).await?.ok_or_else(|| no_password_policy(ctx))
    }

    /// Removes the account's rules for passwords.
    ///
    /// # Errors
    /// NotFound, where there are none.
    pub async fn delete_password_policy(&self, ctx: &Ctx) -> Result<()> {
        if store::remove_password_policy(&self.0.store, ctx.account()).await? {
            return Ok(());
        }
        Err(Error::not_found("The account policy with name PasswordPolicy cannot be found."))
    }

    /// How much of everything the account has, and how much it may have, under AWS's names.
    ///
    /// # Errors
    /// The store's.
    pub async fn account_summary(&self, ctx: &Ctx) -> Result<Vec<(&'static str, i64)>> {
        let counts = store::counts(&self.0.store, ctx.account()).await?;
        let size = |kind: Kind| i64::try_from(kind.quota()).unwrap_or(i64::MAX);
        Ok(vec![
            ("Users", counts.users),
            ("UsersQuota", users::USERS_PER_ACCOUNT),
            ("Groups", counts.groups),
            ("GroupsQuota", groups::PER_ACCOUNT),
            ("GroupsPerUserQuota", groups::PER_USER),
            ("Roles", counts.roles),
            ("RolesQuota", roles::PER_ACCOUNT),
            ("Policies", counts.policies),
            ("PoliciesQuota", policies::PER_ACCOUNT),
            ("PolicyVersionsInUse", counts.versions),
            ("PolicyVersionsInUseQuota", VERSIONS_IN_USE),
            ("VersionsPerPolicyQuota", policies::VERSIONS),
            ("InstanceProfiles", counts.instance_profiles),
            ("InstanceProfilesQuota", instance_profiles::PER_ACCOUNT),
            ("AccessKeysPerUserQuota", KEYS_PER_USER),
            ("AccountAccessKeysPresent", i64::from(counts.root_keys > 0)),
            ("AttachedPoliciesPerGroupQuota", super::HolderKind::Group.attachment_quota().1),
            ("AttachedPoliciesPerRoleQuota", super::HolderKind::Role.attachment_quota().1),
            ("AttachedPoliciesPerUserQuota", super::HolderKind::User.attachment_quota().1),
            ("PolicySizeQuota", size(Kind::Managed)),
            ("UserPolicySizeQuota", size(Kind::InlineUser)),
            ("GroupPolicySizeQuota", size(Kind::InlineGroup)),
            ("RolePolicySizeQuota", size(Kind::InlineRole)),
            ("AssumeRolePolicySizeQuota", size(Kind::Trust)),
            ("GlobalEndpointTokenVersion", 1),
            ("AccountMFAEnabled", 0),
            ("AccountPasswordPresent", 0),
            ("AccountSigningCertificatesPresent", 0),
            ("MFADevices", 0),
            ("MFADevicesInUse", 0),
            ("Providers", counts.providers),
            ("ServerCertificates", 0),
            ("ServerCertificatesQuota", 20),
            ("SigningCertificatesPerUserQuota", signing_certificates::PER_USER),
        ])
    }
}

fn no_password_policy(ctx: &Ctx) -> Error {
    Error::not_found(format!("The Password Policy with domain name {} cannot be found.", ctx.account()))
}
