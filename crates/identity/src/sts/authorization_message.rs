//! `DecodeAuthorizationMessage`: everything about a decision that the account may know, in AWS's form.

use base::{Error, ErrorKind, Result};
use serde_json::{Value, json};

use crate::audit::Decision;
use crate::ctx::Ctx;
use crate::explain::{Consulted, ConsultedStatement, Explanation};
use crate::open::Identity;

impl Identity {
    /// What is known of a decision: of a request of the caller's account by its id, of one that concerns the account by
    /// the token that explanations give to the other side.
    ///
    /// # Errors
    /// Invalid (`InvalidAuthorizationMessageException`), where `encoded` is neither.
    pub async fn decode_authorization_message(&self, ctx: &Ctx, encoded: &str) -> Result<String> {
        let explanation = self.explain(ctx, encoded).await.map_err(|error| match error.kind {
            ErrorKind::NotFound => Error::invalid("The message is not valid.")
                .with_code("InvalidAuthorizationMessageException")
                .with_hint("Pass the id of a request of this account, or a token of an explanation, unchanged."),
            _ => error,
        })?;
        Ok(message(&explanation).to_string())
    }
}

/// The message in the form that the STS API Reference shows, "DecodeAuthorizationMessage".
fn message(explanation: &Explanation) -> Value {
    let entry = &explanation.entry;
    let allowed = entry.decision == Decision::Allowed;
    let explicit = explanation.denied_by.as_ref().is_some_and(|denied| denied.statement.is_some());
    let matched = explanation.policies.iter().flat_map(|policy| {
        policy.statements.iter().filter(|statement| statement.matched).map(|statement| matched(policy, statement))
    });
    let conditions = explanation.context.iter().map(|(key, values)| {
        let values: Vec<Value> = values.iter().map(|value| json!({ "value": value })).collect();
        json!({ "key": key, "values": { "items": values } })
    });
    json!({
        "allowed": allowed,
        "explicitDeny": !allowed && explicit,
        "matchedStatements": { "items": matched.collect::<Vec<_>>() },
        "failures": { "items": [] },
        "message": explanation.message,
        "deniedBy": explanation.denied_by.as_ref().map(|denied| denied.text.as_str()),
        "context": {
            "principal": { "arn": entry.principal },
            "action": entry.action,
            "resource": entry.resource,
            "conditions": { "items": conditions.collect::<Vec<_>>() },
        },
    })
}

fn matched(policy: &Consulted, statement: &ConsultedStatement) -> Value {
    json!({
        "statementId": statement.sid.as_deref().unwrap_or_default(),
        "effect": statement.effect.to_uppercase(),
        "policyType": policy.policy_type,
        "policy": policy.policy,
        "statementIndex": statement.index,
        "statement": statement.text,
    })
}
