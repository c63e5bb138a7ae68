//! The secrets' own policies.

use super::access::{Found, Want, attach};
use super::error::{Code, Error, Result};
use super::{Made, SecretRef, Secrets, store};
use crate::ctx::Ctx;
use crate::policy::{Document, Effect, Statement};

/// What is wrong with a policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Validation {
    /// Which check found it.
    pub check: &'static str,
    /// In words.
    pub message: String,
}

/// Condition keys whose fixed values narrow who a policy is for (Secrets Manager User Guide, "Blocking public access").
const NARROWING: [&str; 13] = [
    "aws:principalaccount",
    "aws:principalarn",
    "aws:principalorgid",
    "aws:principalorgpaths",
    "aws:sourceaccount",
    "aws:sourcearn",
    "aws:sourceip",
    "aws:sourceorgid",
    "aws:sourceorgpaths",
    "aws:sourceowner",
    "aws:sourcevpc",
    "aws:sourcevpce",
    "aws:userid",
];

impl Secrets {
    /// Gives a secret its own policy. `block_public`: not one that opens it to everyone.
    ///
    /// # Errors
    /// AccessDenied, ResourceNotFound, MalformedPolicyDocument, PublicPolicy; InvalidRequest for a deleted secret.
    pub async fn put_policy(&self, ctx: &Ctx, id: &SecretRef, text: &str, block_public: bool) -> Result<Made> {
        let want = Want::write("PutResourcePolicy").key("secretsmanager:BlockPublicPolicy", block_public.to_string());
        let Found { secret, .. } = self.live(ctx, id, &want).await?;
        let policy = attach(&secret.arn, text)?;
        if block_public && is_public(&policy.document) {
            return Err(Error::new(
                Code::PublicPolicy,
                "The resource policy grants public access to the secret, and BlockPublicPolicy is on.",
            )
            .with_hint("Name principals, or narrow the statement with a condition such as `aws:PrincipalOrgID`."));
        }
        let principals = self.0.check_principals(&policy.document).await.map_err(invalid_principals)?.to_text()?;
        store::set_policy(&self.0.0.store, &secret.arn, Some((text, &principals))).await?;
        Ok(made(secret))
    }

    /// The secret's own policy, as it was written, if it has one.
    ///
    /// # Errors
    /// AccessDenied, ResourceNotFound.
    pub async fn policy(&self, ctx: &Ctx, id: &SecretRef) -> Result<(Made, Option<String>)> {
        let found = self.permitted(ctx, id, &Want::read("GetResourcePolicy")).await?;
        Ok((made(found.secret), found.policy))
    }

    /// Takes the secret's own policy away.
    ///
    /// # Errors
    /// AccessDenied, ResourceNotFound; InvalidRequest for a deleted secret.
    pub async fn delete_policy(&self, ctx: &Ctx, id: &SecretRef) -> Result<Made> {
        let found = self.live(ctx, id, &Want::write("DeleteResourcePolicy")).await?;
        store::set_policy(&self.0.0.store, &found.secret.arn, None).await?;
        Ok(made(found.secret))
    }

    /// What is wrong with a policy, for the secret that is named or any.
    ///
    /// # Errors
    /// AccessDenied, ResourceNotFound.
    pub async fn validate_policy(&self, ctx: &Ctx, id: Option<&SecretRef>, text: &str) -> Result<Vec<Validation>> {
        match id {
            Some(id) => {
                self.permitted(ctx, id, &Want::read("ValidateResourcePolicy")).await?;
            }
            None => self.permit_any(ctx, "secretsmanager:ValidateResourcePolicy").await?,
        }
        let problem = |check, message| Ok(vec![Validation { check, message }]);
        match attach("*", text) {
            Err(error) => problem("PolicySyntax", error.error.public_text()),
            Ok(policy) if is_public(&policy.document) => {
                problem("PublicPolicy", "The resource policy grants public access to the secret.".to_owned())
            }
            Ok(policy) => match self.0.check_principals(&policy.document).await.map_err(invalid_principals) {
                Ok(_) => Ok(Vec::new()),
                Err(error) if error.code == Code::MalformedPolicyDocument => {
                    problem("PolicyPrincipals", error.error.public_text())
                }
                Err(error) => Err(error),
            },
        }
    }
}

fn invalid_principals(error: base::Error) -> Error {
    if error.kind != base::ErrorKind::Invalid {
        return error.into();
    }
    Error::new(Code::MalformedPolicyDocument, "This resource policy contains an unsupported principal.")
        .with_hint(error.public_text())
}

fn made(secret: super::Secret) -> Made {
    Made { arn: secret.arn, name: secret.name, version: None }
}

/// Whether a statement is for everyone and no condition narrows it.
fn is_public(document: &Document) -> bool {
    document.statements().iter().any(|statement| {
        let everyone = statement
            .principals()
            .is_some_and(|principals| principals.negated || principals.names().any(|name| name == "*"));
        statement.effect() == Effect::Allow && everyone && !is_narrowed(statement)
    })
}

fn is_narrowed(statement: &Statement) -> bool {
    statement.conditions().iter().any(|condition| {
        let operator = condition.operator().to_string();
        let compares = !operator.contains("Not") && !operator.contains("Null") && !operator.ends_with("IfExists");
        let fixed = condition.values().iter().all(|value| !value.contains(['*', '?', '$']) && !value.ends_with("/0"));
        NARROWING.contains(&condition.key().to_lowercase().as_str()) && compares && fixed
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn public(principal: &str, condition: &str) -> bool {
        let text = format!(
            r#"{{"Version": "2012-10-17", "Statement": [{{"Effect": "Allow", "Principal": {principal},
                "Action": "secretsmanager:GetSecretValue", "Resource": "*"{condition}}}]}}"#
        );
        is_public(&attach("*", &text).unwrap().document)
    }

    #[test]
    fn a_policy_for_everyone_is_public_unless_a_fixed_value_narrows_it() {
        assert!(public(r#""*""#, "") && public(r#"{"AWS": "*"}"#, ""));
        assert!(!public(r#"{"AWS": "arn:aws:iam::111122223333:root"}"#, ""));
        let with = |operator: &str, key: &str, value: &str| {
            public(r#""*""#, &format!(r#", "Condition": {{"{operator}": {{"{key}": "{value}"}}}}"#))
        };
        assert!(!with("StringEquals", "aws:PrincipalAccount", "111122223333"));
        assert!(!with("StringLike", "AWS:PrincipalOrgID", "o-1234567890"));
        assert!(with("StringLike", "aws:PrincipalArn", "*"));
        assert!(with("StringNotEquals", "aws:PrincipalAccount", "111122223333"));
        assert!(with("StringEqualsIfExists", "aws:SourceAccount", "111122223333"));
        assert!(with("StringEquals", "aws:RequestedRegion", "us-east-1"));
        assert!(with("IpAddress", "aws:SourceIp", "0.0.0.0/0"));
    }
}
