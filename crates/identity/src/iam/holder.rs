//! Users, groups and roles, as far as policies are attached to them.

use base::{AccountId, Result};

use super::errors::{no_such, protected_role};
use super::store;
use crate::policy::Kind;
use ::store::Tx;

/// What policies can be attached to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum HolderKind {
    /// A user.
    User,
    /// A group.
    Group,
    /// A role.
    Role,
}

impl HolderKind {
    /// `user`, `group` or `role`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Group => "group",
            Self::Role => "role",
        }
    }

    /// The kind of the policies embedded in it.
    pub(crate) fn inline(self) -> Kind {
        match self {
            Self::User => Kind::InlineUser,
            Self::Group => Kind::InlineGroup,
            Self::Role => Kind::InlineRole,
        }
    }

    /// The most managed policies that can be attached to one, and what AWS calls that quota.
    pub(crate) fn attachment_quota(self) -> (&'static str, i64) {
        match self {
            Self::User => ("PoliciesPerUser", 10),
            Self::Group => ("PoliciesPerGroup", 10),
            Self::Role => ("PoliciesPerRole", 10),
        }
    }
}

/// A user, a group or a role by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HolderName<'a> {
    /// Which of them.
    pub kind: HolderKind,
    /// Its name.
    pub name: &'a str,
}

impl<'a> HolderName<'a> {
    /// The user `name`.
    #[must_use]
    pub fn user(name: &'a str) -> Self {
        Self { kind: HolderKind::User, name }
    }

    /// The group `name`.
    #[must_use]
    pub fn group(name: &'a str) -> Self {
        Self { kind: HolderKind::Group, name }
    }

    /// The role `name`.
    #[must_use]
    pub fn role(name: &'a str) -> Self {
        Self { kind: HolderKind::Role, name }
    }

    /// The id of the one that has this name.
    pub(crate) async fn find(self, tx: &Tx, account: &AccountId) -> Result<Holder> {
        store::holder(tx, account, self).await?.ok_or_else(|| no_such(self.kind, self.name))
    }

    /// As [`HolderName::find`], for a change: a service-linked role is the service's to change.
    pub(crate) async fn find_to_change(self, tx: &Tx, account: &AccountId) -> Result<Holder> {
        let holder = self.find(tx, account).await?;
        if holder.service_linked {
            return Err(protected_role(self.name));
        }
        Ok(holder)
    }
}

/// A user, a group or a role as the database has it.
pub(crate) struct Holder {
    /// `AIDA…`, `AGPA…` or `AROA…`
    pub(crate) id: String,
    /// Whether it is a role that is linked to a service.
    pub(crate) service_linked: bool,
}
