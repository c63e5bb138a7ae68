//! Messages that tell all about a denial, sealed for the account that it concerns: what `DecodeAuthorizationMessage`
//! opens.

use base::{AccountId, Error, Result};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::authorization::Verdict;
use crate::ctx::Ctx;
use crate::open::Identity;
use crate::policy::{Effect, PolicyTrace, StatementTrace};

impl Identity {
    /// What was decided and why, in AWS's form, sealed so that only `account` opens it.
    ///
    /// # Errors
    /// Internal, where it cannot be sealed.
    pub fn encode_authorization_message(&self, account: &AccountId, verdict: &Verdict) -> Result<String> {
        let sealed = self.0.keyring.seal(&purpose(account), message(verdict).to_string().as_bytes())?;
        Ok(URL_SAFE_NO_PAD.encode(sealed))
    }

    /// Opens a message that concerns the caller's account.
    ///
    /// # Errors
    /// Invalid (`InvalidAuthorizationMessageException`) for anything else.
    pub fn decode_authorization_message(&self, ctx: &Ctx, encoded: &str) -> Result<String> {
        let invalid = || Error::invalid("The message is not valid.").with_code("InvalidAuthorizationMessageException");
        let sealed = URL_SAFE_NO_PAD.decode(encoded).map_err(|_| invalid())?;
        let text = self.0.keyring.open(&purpose(ctx.account()), &sealed).map_err(|_| invalid())?;
        String::from_utf8(text.to_vec()).map_err(|_| invalid())
    }
}

fn purpose(account: &AccountId) -> String {
    format!("authorization-message:{account}")
}

/// The message in the form that the STS API Reference shows, "DecodeAuthorizationMessage".
fn message(verdict: &Verdict) -> Value {
    let (request, decision) = (verdict.request(), verdict.decision());
    let caller = request.caller();
    let matched = decision.trace.iter().flat_map(|policy| {
        let statements = policy.statements.iter().enumerate();
        statements.filter(|(_, statement)| statement.is_match()).map(|(at, statement)| matched(policy, at, statement))
    });
    let conditions = request.context().names().map(|key| {
        let values = request.context().values(key).unwrap_or_default().iter().map(|value| json!({ "value": value }));
        json!({ "key": key, "values": { "items": values.collect::<Vec<_>>() } })
    });
    json!({
        "allowed": verdict.allowed(),
        "explicitDeny": !verdict.allowed() && decision.reason.explicit,
        "matchedStatements": { "items": matched.collect::<Vec<_>>() },
        "failures": { "items": [] },
        "reason": decision.denial_context(request.action()),
        "context": {
            "principal": { "arn": caller.arn(), "account": caller.account().map(AccountId::as_str) },
            "action": request.action(),
            "resource": request.resource(),
            "conditions": { "items": conditions.collect::<Vec<_>>() },
        },
    })
}

fn matched(policy: &PolicyTrace, index: usize, statement: &StatementTrace) -> Value {
    json!({
        "statementId": statement.sid.as_deref().unwrap_or_default(),
        "effect": if statement.effect == Effect::Deny { "DENY" } else { "ALLOW" },
        "policyType": policy.policy_type.name(),
        "policy": &*policy.policy,
        "statementIndex": index,
    })
}
