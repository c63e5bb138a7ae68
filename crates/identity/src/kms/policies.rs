//! Key policies: the default one, changing one, and not locking oneself out.

use std::sync::Arc;

use base::{AccountId, ErrorKind};
use serde_json::json;

use super::access::{SYMMETRIC, Want, key_keys};
use super::error::{Code, Error, Result};
use super::key::Key;
use super::store::PolicyText;
use super::{KeyRef, Kms, store};
use crate::ask::Ask;
use crate::ctx::Ctx;
use crate::iam::PrincipalIds;
use crate::policy::{Attached, Document, Fault, Kind, PolicyType};

/// The only name that a key's policy can have.
pub(super) const POLICY_NAME: &str = "default";

/// The policy of a key that was made without one: what the account's own policies allow is allowed.
pub(super) fn default_policy(account: &AccountId) -> String {
    let policy = json!({
        "Version": "2012-10-17",
        "Id": "key-default-1",
        "Statement": [{
            "Sid": "Enable IAM User Permissions",
            "Effect": "Allow",
            "Principal": {"AWS": format!("arn:aws:iam::{account}:root")},
            "Action": "kms:*",
            "Resource": "*",
        }],
    });
    format!("{policy:#}")
}

/// The policy of the key `arn`, compiled.
///
/// # Errors
/// MalformedPolicyDocument; LimitExceeded, where it is longer than 32 KiB.
pub(super) fn attach(arn: &str, text: &str) -> Result<Attached> {
    let document = Document::parse(Kind::Key, text).map_err(|malformed| {
        let code = match malformed.fault {
            Fault::TooLarge => Code::LimitExceeded,
            Fault::Malformed => Code::MalformedPolicyDocument,
        };
        let hint = malformed.advice();
        let error = Error::new(code, malformed.message);
        match hint {
            Some(hint) => error.with_hint(hint),
            None => error,
        }
    })?;
    Ok(Attached { id: arn.into(), document: Arc::new(document) })
}

impl Kms {
    /// Replaces the key's policy. `bypass_lockout_check`: also by one under which the caller could not change it again.
    ///
    /// # Errors
    /// AccessDenied, NotFound, MalformedPolicyDocument; InvalidState, where the key is to be deleted.
    pub async fn put_policy(&self, ctx: &Ctx, key: &KeyRef, text: &str, bypass_lockout_check: bool) -> Result<()> {
        let want =
            Want::write("PutKeyPolicy").key("kms:BypassPolicyLockoutSafetyCheck", bypass_lockout_check.to_string());
        let found = self.permitted(ctx, key, &want).await?;
        found.loaded.changeable()?;
        let policy = self.check_policy(ctx, &found.loaded.key, text.to_owned(), bypass_lockout_check).await?;
        store::set_policy(&self.0.0.store, &found.loaded.key.id, &policy).await?;
        self.0.0.kms.clear();
        Ok(())
    }

    /// The key's policy, as it was written.
    ///
    /// # Errors
    /// AccessDenied, NotFound.
    pub async fn policy(&self, ctx: &Ctx, key: &KeyRef) -> Result<String> {
        let found = self.permitted(ctx, key, &Want::read("GetKeyPolicy")).await?;
        Ok(found.loaded.policy_text.clone())
    }

    /// The names of the key's policies: always one.
    ///
    /// # Errors
    /// AccessDenied, NotFound.
    pub async fn policy_names(&self, ctx: &Ctx, key: &KeyRef) -> Result<Vec<&'static str>> {
        self.permitted(ctx, key, &Want::read("ListKeyPolicies")).await?;
        Ok(vec![POLICY_NAME])
    }

    /// The policy as it is kept, with who is named in it. Refuses one that cannot be, and one under which the caller
    /// could not change it again.
    pub(super) async fn check_policy(&self, ctx: &Ctx, key: &Key, text: String, bypass: bool) -> Result<PolicyText> {
        let arn = key.arn();
        let policy = attach(&arn, &text)?;
        let principals = self.0.check_principals(&policy.document).await.map_err(invalid_principals)?.to_text()?;
        let kept = PolicyText { text, principals: Some(principals) };
        if bypass {
            return Ok(kept);
        }
        let ask = key_keys(Ask::new("kms:PutKeyPolicy", arn), ctx)
            .owned_by(key.account.clone())
            .policy(policy)
            .resource_tags(&key.tags)
            .key("kms:EncryptionAlgorithm", SYMMETRIC)
            .key("kms:BypassPolicyLockoutSafetyCheck", "false");
        let verdict = self.0.decide(ctx, &ask).await?;
        // What the caller's own policies lack, others can give it; what the key policy lacks, nobody can.
        if !verdict.decision().allowed && verdict.decision().reason.policy_type == PolicyType::Resource {
            return Err(Error::new(
                Code::MalformedPolicyDocument,
                "The new key policy will not allow you to update the key policy in the future.",
            )
            .with_hint("Allow `kms:PutKeyPolicy` to yourself or to the account's root."));
        }
        Ok(kept)
    }

    /// A policy's text as it is to be shown and decided with now.
    pub(super) async fn present(&self, policy: PolicyText) -> base::Result<String> {
        match policy.principals {
            Some(ids) => self.0.present_principals(&policy.text, &PrincipalIds::from_text(&ids)?).await,
            None => Ok(policy.text),
        }
    }
}

fn invalid_principals(error: base::Error) -> Error {
    if error.kind != ErrorKind::Invalid {
        return error.into();
    }
    Error::new(Code::MalformedPolicyDocument, "Policy contains a statement with one or more invalid principals.")
        .with_hint(error.public_text())
}
