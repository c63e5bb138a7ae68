//! Who makes a request.

use std::sync::Arc;

use base::{AccountId, Timestamp};

use crate::policy::{self, Attached, Caller};

/// The one who makes a request.
#[derive(Debug, Clone, PartialEq)]
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
    },
    /// Temporary credentials of a user or of the root. They have the rights, the ARN and the id of their owner.
    Session {
        /// The user or the root that asked for the credentials.
        of: Arc<Principal>,
        /// `ASIA…`
        access_key_id: String,
        /// When the credentials end.
        expires: Timestamp,
        /// When they were issued.
        issued: Timestamp,
    },
    /// A session of a role.
    Role(Box<RoleSession>),
    /// Nobody: an unsigned request.
    Anonymous {
        /// [`AccountId::nobody`].
        account: AccountId,
    },
    /// Someone for whom an identity provider vouches, while assuming a role.
    Federated {
        /// The account of the role.
        account: AccountId,
        /// The provider's ARN.
        provider: String,
        /// The name that the provider has for them.
        subject: String,
    },
    /// A part of Craton that works in an account on its own, such as a schedule, or a service that assumes a role.
    Service {
        /// The account that the work is done for.
        account: AccountId,
        /// For example `knowledge`, or `bedrock.amazonaws.com`.
        name: String,
    },
}

/// A session of a role: what assuming it gave.
#[derive(Debug, Clone, PartialEq)]
pub struct RoleSession {
    /// The role and the session, as policies see them.
    pub role: policy::RoleSession,
    /// `ASIA…`; `None` for a session that a service holds inside the process.
    pub access_key_id: Option<String>,
    /// When the session began.
    pub issued: Timestamp,
    /// When the session ends.
    pub expires: Timestamp,
    /// The policies passed when the role was assumed; `None` if none were.
    pub policies: Option<Vec<Attached>>,
    /// The names of the tags that a role assumed with this session gets too.
    pub transitive_tags: Vec<String>,
    /// `sts:SourceIdentity`.
    pub source_identity: Option<String>,
    /// Whether the role was assumed with another role's session: such a session lasts an hour at most.
    pub chained: bool,
}

impl Principal {
    /// The account that the principal belongs to.
    #[must_use]
    pub fn account(&self) -> &AccountId {
        match self {
            Self::Root { account }
            | Self::User { account, .. }
            | Self::Service { account, .. }
            | Self::Federated { account, .. }
            | Self::Anonymous { account } => account,
            Self::Role(session) => &session.role.account,
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
            Self::Role(session) => Caller::Role(session.role.clone()).arn(),
            Self::Service { name, .. } if name.ends_with(".amazonaws.com") => name.clone(),
            Self::Service { name, .. } => format!("{name}.craton.internal"),
            Self::Federated { provider, .. } => provider.clone(),
            Self::Anonymous { .. } => Caller::Anonymous.arn(),
        }
    }

    /// The unique id that `GetCallerIdentity` gives: `AIDA…` for a user, `AROA…:SESSION` for
    /// a role's session, the account's id for its root.
    #[must_use]
    pub fn user_id(&self) -> String {
        match self {
            Self::Root { account } | Self::Anonymous { account } => account.as_str().to_owned(),
            Self::User { id, .. } => id.clone(),
            Self::Session { of, .. } => of.user_id(),
            Self::Role(session) => format!("{}:{}", session.role.role_id, session.role.session_name),
            Self::Service { name, .. } => name.clone(),
            Self::Federated { provider, subject, .. } => format!("{provider}:{subject}"),
        }
    }

    /// The user's name, where the principal is a user or a session of one.
    #[must_use]
    pub fn user_name(&self) -> Option<&str> {
        match self {
            Self::User { name, .. } => Some(name),
            Self::Session { of, .. } => of.user_name(),
            Self::Root { .. }
            | Self::Role(_)
            | Self::Service { .. }
            | Self::Federated { .. }
            | Self::Anonymous { .. } => None,
        }
    }

    /// Whether the principal is the root of its account or a session of it.
    #[must_use]
    pub fn is_root(&self) -> bool {
        match self {
            Self::Root { .. } => true,
            Self::Session { of, .. } => of.is_root(),
            Self::User { .. }
            | Self::Role(_)
            | Self::Service { .. }
            | Self::Federated { .. }
            | Self::Anonymous { .. } => false,
        }
    }

    /// Whether these are temporary credentials of a user or the root.
    #[must_use]
    pub fn is_user_session(&self) -> bool {
        matches!(self, Self::Session { .. })
    }

    /// When temporary credentials were issued.
    #[must_use]
    pub fn issued(&self) -> Option<Timestamp> {
        match self {
            Self::Session { issued, .. } => Some(*issued),
            Self::Role(session) => Some(session.issued),
            _ => None,
        }
    }

    /// The policies passed when the session was made; `None` if none were.
    pub(crate) fn session_policies(&self) -> Option<&[Attached]> {
        match self {
            Self::Role(session) => session.policies.as_deref(),
            _ => None,
        }
    }

    /// The principal as policies see it; `tags` are those of the user.
    pub(crate) fn caller(&self, tags: &[(String, String)]) -> Caller {
        match self {
            Self::Root { account } => Caller::Root { account: account.clone() },
            Self::User { account, id, name, path, .. } => Caller::User(policy::User {
                account: account.clone(),
                id: id.clone(),
                name: name.clone(),
                path: path.clone(),
                tags: tags.to_vec(),
            }),
            Self::Session { of, .. } => of.caller(tags),
            Self::Role(session) => Caller::Role(session.role.clone()),
            Self::Service { .. } => Caller::Service { name: self.arn() },
            Self::Federated { provider, .. } => Caller::Federated { provider: provider.clone() },
            Self::Anonymous { .. } => Caller::Anonymous,
        }
    }

    /// What tells whose policies apply: the same for all sessions of one owner.
    pub(crate) fn rights_key(&self) -> String {
        match self {
            Self::Session { of, .. } => of.rights_key(),
            Self::Role(session) => session.role.role_id.clone(),
            // Ids of users and accounts do not look alike.
            _ => self.user_id(),
        }
    }

    /// The unique id of the user or role that policies and grants may name.
    pub(crate) fn named_id(&self) -> Option<&str> {
        match self.owner() {
            Self::User { id, .. } => Some(id),
            Self::Role(session) => Some(&session.role.role_id),
            _ => None,
        }
    }

    /// Whose policies apply: the owner of temporary credentials of a user or the root.
    pub(crate) fn owner(&self) -> &Self {
        match self {
            Self::Session { of, .. } => of.owner(),
            _ => self,
        }
    }
}

/// The ARN of the user `name` with `path`.
pub(crate) fn user_arn(account: &AccountId, path: &str, name: &str) -> String {
    format!("arn:aws:iam::{account}:user{path}{name}")
}
