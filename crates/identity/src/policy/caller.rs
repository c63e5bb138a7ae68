//! Who makes a request, as policies see them.

use base::AccountId;

/// The one who makes a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Caller {
    /// An account's root user.
    Root {
        /// The account.
        account: AccountId,
    },
    /// An IAM user, with its own keys or with credentials from `GetSessionToken`.
    User(User),
    /// A session of a role.
    Role(RoleSession),
    /// An AWS service that acts on its own, such as `bedrock.amazonaws.com`.
    Service {
        /// The service principal's name.
        name: String,
    },
    /// Someone an identity provider vouches for, who has no credentials yet (`AssumeRoleWithWebIdentity`,
    /// `AssumeRoleWithSAML`).
    Federated {
        /// The provider: its ARN, or a name such as `cognito-identity.amazonaws.com`.
        provider: String,
    },
    /// Nobody: an unsigned request.
    Anonymous,
}

/// An IAM user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// The user's account.
    pub account: AccountId,
    /// `AIDA…`
    pub id: String,
    /// The user's name.
    pub name: String,
    /// `/`, or a path that starts and ends with `/`.
    pub path: String,
    /// The user's tags.
    pub tags: Vec<(String, String)>,
}

/// A session of a role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleSession {
    /// The role's account.
    pub account: AccountId,
    /// `AROA…`
    pub role_id: String,
    /// The role's name.
    pub role_name: String,
    /// The role's path: `/`, or a path that starts and ends with `/`.
    pub path: String,
    /// What the session was called when the role was assumed.
    pub session_name: String,
    /// The role's tags, and those passed to the session, which win.
    pub tags: Vec<(String, String)>,
    /// Whether the role is linked to a service: service control policies do not apply to it.
    pub service_linked: bool,
}

impl Caller {
    /// The account that the caller belongs to; services, federated and anonymous callers belong to none.
    #[must_use]
    pub fn account(&self) -> Option<&AccountId> {
        match self {
            Self::Root { account } => Some(account),
            Self::User(user) => Some(&user.account),
            Self::Role(session) => Some(&session.account),
            Self::Service { .. } | Self::Federated { .. } | Self::Anonymous => None,
        }
    }

    /// The caller's name in messages: its ARN, a role session's session ARN, a service's name.
    #[must_use]
    pub fn arn(&self) -> String {
        match self {
            Self::Root { account } => format!("arn:aws:iam::{account}:root"),
            Self::User(User { account, path, name, .. }) => format!("arn:aws:iam::{account}:user{path}{name}"),
            Self::Role(RoleSession { account, role_name, session_name, .. }) => {
                format!("arn:aws:sts::{account}:assumed-role/{role_name}/{session_name}")
            }
            Self::Service { name } => name.clone(),
            Self::Federated { provider } => provider.clone(),
            Self::Anonymous => "anonymous".to_owned(),
        }
    }

    /// What `aws:PrincipalArn` holds: for a role session the role's ARN; nothing for callers without an account.
    #[must_use]
    pub fn principal_arn(&self) -> Option<String> {
        match self {
            Self::Role(RoleSession { account, path, role_name, .. }) => {
                Some(format!("arn:aws:iam::{account}:role{path}{role_name}"))
            }
            Self::Root { .. } | Self::User(_) => Some(self.arn()),
            Self::Service { .. } | Self::Federated { .. } | Self::Anonymous => None,
        }
    }

    /// What `aws:userid` holds.
    pub(super) fn user_id(&self) -> Option<String> {
        match self {
            Self::Root { account } => Some(account.as_str().to_owned()),
            Self::User(user) => Some(user.id.clone()),
            Self::Role(session) => Some(format!("{}:{}", session.role_id, session.session_name)),
            Self::Service { .. } | Self::Federated { .. } | Self::Anonymous => None,
        }
    }

    /// What `aws:PrincipalType` holds.
    pub(super) fn principal_type(&self) -> Option<&'static str> {
        match self {
            Self::Root { .. } => Some("Account"),
            Self::User(_) => Some("User"),
            Self::Role(_) => Some("AssumedRole"),
            Self::Anonymous => Some("Anonymous"),
            Self::Service { .. } | Self::Federated { .. } => None,
        }
    }

    pub(super) fn tags(&self) -> &[(String, String)] {
        match self {
            Self::User(user) => &user.tags,
            Self::Role(session) => &session.tags,
            _ => &[],
        }
    }
}
