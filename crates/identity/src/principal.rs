//! Who makes a request.

use std::sync::Arc;

use base::{AccountId, Timestamp};

/// The one who makes a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Principal {
    /// The account itself.
    Root {
        /// The account.
        account: AccountId,
    },
    /// An IAM user.
    User {
        /// The user's account.
        account: AccountId,
        /// `AIDA…`
        id: String,
        /// The user's name, unique in the account.
        name: String,
        /// `/`, or a path that starts and ends with `/`.
        path: String,
        /// Whether the user may do everything in the account.
        administrator: bool,
    },
    /// Temporary credentials of a user or of the root. They have the rights, the ARN and the id of their owner.
    Session {
        /// The user or the root that asked for the credentials.
        of: Arc<Principal>,
        /// `ASIA…`
        access_key_id: String,
        /// When the credentials end.
        expires: Timestamp,
    },
    /// A part of Craton that works in an account on its own, such as a schedule.
    Service {
        /// The account that the work is done for.
        account: AccountId,
        /// For example `knowledge`.
        name: String,
    },
}

impl Principal {
    /// The account that the principal belongs to.
    #[must_use]
    pub fn account(&self) -> &AccountId {
        match self {
            Self::Root { account } | Self::User { account, .. } | Self::Service { account, .. } => account,
            Self::Session { of, .. } => of.account(),
        }
    }

    /// The ARN that `GetCallerIdentity` gives; `NAME.craton.internal` for a service.
    #[must_use]
    pub fn arn(&self) -> String {
        match self {
            Self::Root { account } => format!("arn:aws:iam::{account}:root"),
            Self::User { account, name, path, .. } => user_arn(account, path, name),
            Self::Session { of, .. } => of.arn(),
            Self::Service { name, .. } => format!("{name}.craton.internal"),
        }
    }

    /// The unique id that `GetCallerIdentity` gives: `AIDA…` for a user, the account's id for its root.
    #[must_use]
    pub fn user_id(&self) -> &str {
        match self {
            Self::Root { account } => account.as_str(),
            Self::User { id, .. } => id,
            Self::Session { of, .. } => of.user_id(),
            Self::Service { name, .. } => name,
        }
    }

    /// The user's name, where the principal is a user or a session of one.
    #[must_use]
    pub fn user_name(&self) -> Option<&str> {
        match self {
            Self::User { name, .. } => Some(name),
            Self::Session { of, .. } => of.user_name(),
            Self::Root { .. } | Self::Service { .. } => None,
        }
    }

    /// Whether the principal may do everything in its account.
    #[must_use]
    pub fn is_administrator(&self) -> bool {
        match self {
            Self::Root { .. } => true,
            Self::User { administrator, .. } => *administrator,
            Self::Session { of, .. } => of.is_administrator(),
            Self::Service { .. } => false,
        }
    }

    /// Whether the principal is the root of its account or a session of it.
    #[must_use]
    pub fn is_root(&self) -> bool {
        match self {
            Self::Root { .. } => true,
            Self::Session { of, .. } => of.is_root(),
            Self::User { .. } | Self::Service { .. } => false,
        }
    }
}

/// The ARN of the user `name` with `path`.
pub(crate) fn user_arn(account: &AccountId, path: &str, name: &str) -> String {
    format!("arn:aws:iam::{account}:user{path}{name}")
}
