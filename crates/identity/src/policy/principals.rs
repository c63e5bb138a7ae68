//! `Principal` and `NotPrincipal`: who a statement is about.

use std::sync::Arc;

use super::caller::Caller;
use super::request::Request;

/// The principals that a statement names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principals {
    /// Whether the element is `NotPrincipal`.
    pub negated: bool,
    pub(super) entries: Vec<Entry>,
}

/// One principal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    /// Under which name it stands.
    pub(super) group: Group,
    /// As the policy writes it.
    pub(super) text: Arc<str>,
    pub(super) form: Form,
}

/// The names under which principals stand in a policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Group {
    /// The string `*` in place of an object.
    Everyone,
    Aws,
    Service,
    Federated,
    CanonicalUser,
}

/// What a principal is, read once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Form {
    Everyone,
    /// An account, which delegates to the policies of its own users and roles.
    Account(Arc<str>),
    /// The ARN of a user or a role, or of a session.
    Arn,
    /// `AIDA…` or `AROA…`, which AWS writes in place of the ARN of a user or role that was deleted.
    UniqueId,
    Service,
    Federated,
    CanonicalUser,
}

/// How a statement's `Principal` covers the caller. The order is the strength of the grant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Coverage {
    /// Through the caller's account: inside the account this only leaves the decision to identity policies.
    Account,
    /// Through the ARN of the role whose session the caller is: limited by the role's boundary and the session policy.
    Role,
    /// By itself: as a user, as a session, as a service, as everyone. Inside the account no implicit deny of other
    /// policies limits it.
    Direct,
}

impl Group {
    /// The name in policies.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Everyone => "*",
            Self::Aws => "AWS",
            Self::Service => "Service",
            Self::Federated => "Federated",
            Self::CanonicalUser => "CanonicalUser",
        }
    }

    pub(super) fn parse(name: &str) -> Option<Self> {
        [Self::Aws, Self::Service, Self::Federated, Self::CanonicalUser].into_iter().find(|group| group.name() == name)
    }
}

impl Principals {
    /// The names under `AWS`, as the policy writes them. IAM, KMS and S3 refuse policies that name users or roles
    /// which do not exist; whoever stores a policy checks that with these.
    pub fn aws(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().filter(|entry| entry.group == Group::Aws).map(|entry| &*entry.text)
    }

    /// All names, as the policy writes them.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().map(|entry| &*entry.text)
    }

    /// How the element covers the caller; `None` if the statement is not about the caller.
    ///
    /// `NotPrincipal` spares only who is named itself: naming an account spares its root user but not its users, and
    /// naming a role does not spare the role's sessions (IAM User Guide, "NotPrincipal"). It never spares a principal
    /// that has a permissions boundary (the same page), which `has_boundary` tells.
    pub(super) fn covers(&self, request: &Request, has_boundary: bool) -> Option<Coverage> {
        if self.negated {
            let spared = self.entries.iter().any(|entry| entry.is_exactly(request));
            return (has_boundary || !spared).then_some(Coverage::Direct);
        }
        self.entries.iter().filter_map(|entry| entry.covers(request)).max()
    }
}

impl Entry {
    fn covers(&self, request: &Request) -> Option<Coverage> {
        let of_account = |account: &str| request.caller.account().is_some_and(|own| own.as_str() == account);
        match (&self.form, &request.caller) {
            (Form::Account(account), _) if of_account(account) => Some(Coverage::Account),
            (Form::CanonicalUser, _) if request.canonical_user() == Some(&self.text) => Some(Coverage::Account),
            (Form::Arn, Caller::Role(_)) if request.names.role.as_deref() == Some(&self.text) => Some(Coverage::Role),
            (Form::UniqueId, Caller::Role(session)) if session.role_id == *self.text => Some(Coverage::Role),
            _ => self.is_exactly(request).then_some(Coverage::Direct),
        }
    }

    /// Whether it names the caller itself, or everyone.
    fn is_exactly(&self, request: &Request) -> bool {
        let own = &request.names.own;
        match (&self.form, &request.caller) {
            (Form::Everyone, _) => true,
            (Form::Arn, Caller::User(_) | Caller::Role(_)) => **own == *self.text,
            (Form::UniqueId, Caller::User(user)) => user.id == *self.text,
            (Form::Account(account), Caller::Root { account: own }) => own.as_str() == &**account,
            (Form::Service, Caller::Service { .. }) | (Form::Federated, Caller::Federated { .. }) => {
                **own == *self.text
            }
            _ => false,
        }
    }
}
