//! What was decided, why, and everything that was looked at.

use std::fmt;
use std::sync::Arc;

use super::request::Request;
use super::statement::{Effect, Outcome};

/// The answer to a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// Whether the request is allowed.
    pub allowed: bool,
    /// What decided it.
    pub reason: Reason,
    /// Every policy that was looked at, in the order of evaluation, with the outcome of each statement.
    pub trace: Vec<PolicyTrace>,
}

/// What decided a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// The type of the policy.
    pub policy_type: PolicyType,
    /// Whether a statement decided, or the lack of one that allows.
    pub explicit: bool,
    /// The deciding policy and statement; `None` where none matched, and for grants and the root user's own rights.
    pub statement: Option<StatementId>,
}

/// One statement of one policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatementId {
    /// The id under which the policy was given.
    pub policy: Arc<str>,
    /// The statement's place, from 0.
    pub index: usize,
    /// The statement's `Sid`, if it has one.
    pub sid: Option<Arc<str>>,
}

/// The types of policies, in the order in which an explicit deny of several is reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PolicyType {
    /// An organization's service control policy.
    ServiceControl,
    /// The policy of a bucket, key, secret or other resource.
    Resource,
    /// A role's trust policy.
    Trust,
    /// Managed and inline policies of the user, its groups, or the role.
    Identity,
    /// The user's or role's permissions boundary.
    Boundary,
    /// A policy passed when the session was made.
    Session,
    /// A grant on a KMS key.
    Grant,
    /// No policy: the root user may do everything in its account.
    RootUser,
}

/// One policy that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyTrace {
    /// The policy's type.
    pub policy_type: PolicyType,
    /// The id under which it was given.
    pub policy: Arc<str>,
    /// For service control policies the level, from 0 at the organization's root.
    pub level: Option<usize>,
    /// What the policy as a whole says: deny, if a matching statement denies; allow, if one allows; nothing otherwise.
    pub verdict: Option<Effect>,
    /// Every statement's outcome, in order.
    pub statements: Vec<StatementTrace>,
}

/// One statement that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatementTrace {
    /// The statement's `Sid`, if it has one.
    pub sid: Option<Arc<str>>,
    /// What the statement does if it matches.
    pub effect: Effect,
    /// Whether it matched, and if not, what did not.
    pub outcome: Outcome,
}

impl Decision {
    /// The end of AWS's message for a denial, from `with` or `because` on; `None` for a request that is allowed
    /// (IAM User Guide, "Troubleshooting access denied error messages"). A service control policy's denial always reads
    /// as an explicit one, also where the policy merely lacks an allow (a note of the same page).
    #[must_use]
    pub fn denial_context(&self, action: &str) -> Option<String> {
        if self.allowed {
            return None;
        }
        let Reason { policy_type, explicit, .. } = self.reason;
        let name = policy_type.name();
        Some(if explicit || policy_type == PolicyType::ServiceControl {
            format!("with an explicit deny in {} {name}", policy_type.article())
        } else {
            format!("because no {name} allows the {action} action")
        })
    }

    /// AWS's whole message for a denial; `None` for a request that is allowed.
    #[must_use]
    pub fn denial(&self, request: &Request) -> Option<String> {
        let action = request.action();
        let context = self.denial_context(action)?;
        Some(format!(
            "User: {} is not authorized to perform: {action} on resource: {} {context}",
            request.caller().arn(),
            request.resource()
        ))
    }
}

impl PolicyType {
    /// The name in AWS's messages.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::ServiceControl => "service control policy",
            Self::Resource => "resource-based policy",
            Self::Trust => "role trust policy",
            Self::Identity | Self::RootUser => "identity-based policy",
            Self::Boundary => "permissions boundary",
            Self::Session => "session policy",
            Self::Grant => "grant",
        }
    }

    fn article(self) -> &'static str {
        match self {
            Self::Identity => "an",
            Self::Trust => "the",
            _ => "a",
        }
    }
}

impl fmt::Display for PolicyType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
