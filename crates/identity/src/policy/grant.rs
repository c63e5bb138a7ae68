//! Grants on KMS keys.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::caller::Caller;
use super::request::Request;

/// A grant on the key that a request is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// The grant's id.
    pub id: Arc<str>,
    /// The principal it is for: the ARN of a user, a role, a session or an account's root, or a service's name.
    pub grantee: String,
    /// The operations it allows, such as `Decrypt`.
    pub operations: Vec<String>,
    /// What it asks of the encryption context.
    pub constraint: Option<GrantConstraint>,
}

/// What a grant asks of a request's encryption context; keys and values are compared with regard to case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GrantConstraint {
    /// It has exactly these pairs.
    Equals(BTreeMap<String, String>),
    /// It has these pairs, and may have others.
    Subset(BTreeMap<String, String>),
}

impl Grant {
    /// Whether it allows `request`.
    #[must_use]
    pub fn allows(&self, request: &Request) -> bool {
        let Some(operation) = request.action_in_lower_case().strip_prefix("kms:") else { return false };
        self.operations.iter().any(|allowed| allowed.eq_ignore_ascii_case(operation))
            && self.is_for(request)
            && self.constraint.as_ref().is_none_or(|constraint| constraint.is_met(request.encryption_context()))
    }

    fn is_for(&self, request: &Request) -> bool {
        match request.caller() {
            Caller::Federated { .. } | Caller::Anonymous => false,
            _ => self.grantee == request.names.own || request.names.role.as_ref() == Some(&self.grantee),
        }
    }
}

impl GrantConstraint {
    fn is_met(&self, context: &BTreeMap<String, String>) -> bool {
        match self {
            Self::Equals(pairs) => pairs == context,
            Self::Subset(pairs) => pairs.iter().all(|(name, value)| context.get(name) == Some(value)),
        }
    }
}
