//! Everything that decides what an account's users, groups and roles may do.

use base::{Page, PageRequest, Result};

use super::store;
use crate::ctx::Ctx;
use crate::iam::attachments::AttachedPolicy;
use crate::iam::aws_managed;
use crate::iam::groups::Group;
use crate::iam::instance_profiles::InstanceProfile;
use crate::iam::policies::{Policy, PolicyVersion, all_with_versions};
use crate::iam::roles::Role;
use crate::open::Identity;
use crate::users::{User, name_key};

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DetailKind {
    /// Users.
    User,
    /// Groups.
    Group,
    /// Roles.
    Role,
    /// The account's policies.
    LocalPolicy,
    /// AWS's policies that are used in the account.
    AwsPolicy,
}

/// The policies that someone has.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Holding {
    /// The embedded ones: names and documents.
    pub inline: Vec<(String, String)>,
    /// The attached ones.
    pub attached: Vec<AttachedPolicy>,
}

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Detail {
    /// A user.
    User {
        /// The user.
        user: Box<User>,
        /// Its policies.
        holding: Holding,
        /// The names of its groups.
        groups: Vec<String>,
    },
    /// A group.
    Group {
        /// The group.
        group: Group,
        /// Its policies.
        holding: Holding,
    },
    /// A role.
    Role {
        /// The role.
        role: Box<Role>,
        /// Its policies.
        holding: Holding,
        /// The instance profiles that have it.
        profiles: Vec<InstanceProfile>,
    },
    /// A managed policy with its versions.
    Policy(Box<Policy>, Vec<PolicyVersion>),
}

/// A page of them.
pub type Details = Page<Detail>;

impl Identity {
    /// The account's users, groups, roles and policies with all that decides what they allow; those of `kinds` alone, or
    /// all where there are none.
    ///
    /// # Errors
    /// The store's.
    pub async fn authorization_details(&self, ctx: &Ctx, kinds: &[DetailKind], page: &PageRequest) -> Result<Details> {
        const ALL: &[DetailKind] =
            &[DetailKind::User, DetailKind::Group, DetailKind::Role, DetailKind::LocalPolicy, DetailKind::AwsPolicy];
        let kinds = if kinds.is_empty() { ALL } else { kinds };
        let mut details = store::details(&self.0.store, ctx.account(), kinds).await?;
        if kinds.contains(&DetailKind::LocalPolicy) || kinds.contains(&DetailKind::AwsPolicy) {
            let policies = all_with_versions(&self.0.store, ctx.account()).await?;
            let wanted = policies.into_iter().filter(|(policy, _)| is_wanted(policy, kinds));
            details.extend(wanted.map(|(policy, versions)| Detail::Policy(Box::new(policy), versions)));
        }
        let after = page.after.as_deref().unwrap_or_default();
        details.retain(|detail| key(detail).as_str() > after);
        details.sort_by_cached_key(key);
        Ok(Page::cut(page, details, key))
    }
}

fn is_wanted(policy: &Policy, kinds: &[DetailKind]) -> bool {
    if aws_managed::is_arn(&policy.arn) {
        let is_used = policy.attachments > 0 || policy.boundary_uses > 0;
        return is_used && kinds.contains(&DetailKind::AwsPolicy);
    }
    kinds.contains(&DetailKind::LocalPolicy)
}

fn key(detail: &Detail) -> String {
    match detail {
        Detail::User { user, .. } => format!("1{}", name_key(&user.name)),
        Detail::Group { group, .. } => format!("2{}", name_key(&group.name)),
        Detail::Role { role, .. } => format!("3{}", name_key(&role.name)),
        Detail::Policy(policy, _) => format!("4{}", policy.arn),
    }
}
