//! Policies passed when a session is made.

use std::sync::Arc;

use base::{AccountId, Error, Result};
use serde::{Deserialize, Serialize};

use crate::iam::policies::session_document;
use crate::open::Identity;
use crate::policy::{Attached, Document, Fault, Kind};

/// The most managed policies of a session, as in AWS.
const MANAGED: usize = 10;

/// The policies that a request passes, read as far as that needs no look at an account.
#[derive(Debug, Default)]
pub(super) struct SessionPolicies {
    inline: Option<String>,
    managed: Vec<String>,
}

/// The policies of a session as they are kept. Managed ones are kept by their ARN.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Passed {
    pub(super) inline: Option<String>,
    pub(super) managed: Vec<String>,
}

impl SessionPolicies {
    /// Reads what a request passes.
    ///
    /// # Errors
    /// Invalid: `MalformedPolicyDocument`, `PackedPolicyTooLarge`, or more than ten managed policies.
    pub(super) fn read(inline: Option<&str>, managed: &[String]) -> Result<Self> {
        if managed.len() > MANAGED {
            return Err(Error::invalid(format!(
                "1 validation error detected: Value at 'policyArns' failed to satisfy constraint: Member must have \
                 length less than or equal to {MANAGED}"
            )));
        }
        if let Some(text) = inline {
            Document::parse(Kind::Session, text).map_err(|malformed| {
                let code = match malformed.fault {
                    Fault::TooLarge => "PackedPolicyTooLarge",
                    Fault::Malformed => "MalformedPolicyDocument",
                };
                Error::from(malformed).with_code(code)
            })?;
        }
        Ok(Self { inline: inline.map(str::to_owned), managed: managed.to_vec() })
    }

    /// The characters that count.
    pub(super) fn size(&self) -> usize {
        let inline = self.inline.as_deref().map_or(0, |text| Kind::Session.size(text));
        inline + self.managed.iter().map(|arn| arn.chars().count()).sum::<usize>()
    }
}

impl Passed {
    /// What is kept of `policies`; `None` where none were passed.
    ///
    /// # Errors
    /// Invalid, where there is no such managed policy in `account` and none of AWS.
    pub(super) async fn resolve(
        identity: &Identity,
        account: &AccountId,
        policies: &SessionPolicies,
    ) -> Result<Option<Self>> {
        if policies.inline.is_none() && policies.managed.is_empty() {
            return Ok(None);
        }
        let passed = Self { inline: policies.inline.clone(), managed: policies.managed.clone() };
        for arn in &passed.managed {
            if session_document(identity, account, arn).await?.is_none() {
                return Err(Error::invalid(format!("The managed policy `{arn}` does not exist or cannot be passed."))
                    .with_hint("Pass policies of the role's own account, or AWS's."));
            }
        }
        Ok(Some(passed))
    }

    /// The policies, compiled. A managed one that was removed since allows nothing.
    ///
    /// # Errors
    /// The store's.
    pub(super) async fn compile(&self, identity: &Identity, account: &AccountId) -> Result<Vec<Attached>> {
        let mut policies = Vec::new();
        if let Some(text) = &self.inline {
            let document = Document::parse(Kind::Session, text).map_err(Error::internal)?;
            policies.push(Attached { id: "session-policy".into(), document: Arc::new(document) });
        }
        for arn in &self.managed {
            policies.extend(session_document(identity, account, arn).await?);
        }
        Ok(policies)
    }
}
