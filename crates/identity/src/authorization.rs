//! Whether a caller may do something.
//!
//! There are no policies yet: administrators of an account may do everything in it, everyone else nothing but what AWS
//! grants without a permission.

use base::{Error, Result};

use crate::audit::Decision;
use crate::ctx::{Credential, Ctx};
use crate::open::Identity;

/// What AWS lets every authenticated caller do (IAM User Guide, "Permissions for GetSessionToken" and
/// "GetCallerIdentity").
const FREE: [&str; 2] = ["sts:GetCallerIdentity", "sts:GetSessionToken"];

/// Whether an operation changes anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// It does not; only a refusal is worth an audit entry.
    Read,
    /// It does: it is recorded before it happens.
    Write,
}

impl Identity {
    /// Whether the caller may do `action`, such as `iam:CreateUser`, to `resource`: an ARN or `*`.
    ///
    /// # Errors
    /// Denied, in AWS's words.
    pub fn authorize(&self, ctx: &Ctx, action: &str, resource: &str) -> Result<()> {
        let denied = |why: &str| {
            Err(Error::denied(format!(
                "User: {} is not authorized to perform: {action} on resource: {resource} because {why}",
                ctx.principal().arn()
            )))
        };
        match ctx.credential() {
            Credential::ApiKey { .. } if !action.starts_with("bedrock:") => {
                return denied(&format!("an API key does not allow the {action} action"));
            }
            Credential::Session { .. } if closed_to_sessions(action) => {
                return denied(&format!("session credentials without MFA do not allow the {action} action"));
            }
            _ => {}
        }
        if FREE.contains(&action) {
            return Ok(());
        }
        if !ctx.principal().is_administrator() {
            return denied(&format!("no identity-based policy allows the {action} action"));
        }
        match account_of(resource) {
            Some(other) if other != ctx.account().as_str() => {
                denied(&format!("no resource-based policy allows the {action} action"))
            }
            _ => Ok(()),
        }
    }

    /// [`Identity::authorize`], recorded: when this returns, the audit entry of a refusal, or of an allowed
    /// [`Access::Write`], is durable.
    ///
    /// # Errors
    /// Denied, as `authorize`. The store's, where an allowed write cannot be recorded: it must not happen then.
    pub async fn permit(&self, ctx: &Ctx, action: &str, resource: &str, access: Access) -> Result<()> {
        match (self.authorize(ctx, action, resource), access) {
            (Ok(()), Access::Read) => Ok(()),
            (Ok(()), Access::Write) => self.record(ctx, action, resource, Decision::Allowed).await,
            (Err(denial), _) => {
                if let Err(error) = self.record(ctx, action, resource, Decision::Denied).await {
                    tracing::error!(?error, action, resource, request_id = %ctx.request_id(), "a denial was not recorded");
                }
                Err(denial)
            }
        }
    }
}

/// What credentials of `GetSessionToken` may not do without MFA (STS API Reference, "GetSessionToken"). Craton's own
/// operations that make lasting credentials are closed like IAM's: what ends must not make what does not.
fn closed_to_sessions(action: &str) -> bool {
    action.starts_with("iam:")
        || ["craton:CreateAccount", "craton:CreateApiKey"].contains(&action)
        || (action.starts_with("sts:") && !["sts:AssumeRole", "sts:GetCallerIdentity"].contains(&action))
}

/// The account that an ARN names; `None` for `*`, for ARNs without an account and for those of AWS itself.
fn account_of(resource: &str) -> Option<&str> {
    let account = resource.strip_prefix("arn:")?.split(':').nth(3)?;
    (account.len() == 12 && account.bytes().all(|b| b.is_ascii_digit())).then_some(account)
}
