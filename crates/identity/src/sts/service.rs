//! Roles in the hands of services.

use base::{Error, Region, Result};

use super::sessions::role_principal;
use crate::ask::Ask;
use crate::authorization::Access;
use crate::ctx::Ctx;
use crate::iam::roles::Role;
use crate::iam::tags;
use crate::open::Identity;
use crate::principal::Principal;

/// How long a session that a service holds is good for, in seconds.
const SESSION: i64 = 3_600;

/// A service that wants to act as a role.
#[derive(Debug, Clone)]
pub struct ServiceAssumption {
    /// The service's principal: `bedrock.amazonaws.com`.
    pub service: String,
    /// The role.
    pub role_arn: String,
    /// For which resource: `aws:SourceArn`, and with its account `aws:SourceAccount`. A trust policy that asks for them
    /// is not fulfilled without.
    pub source_arn: Option<String>,
    /// What the session is called in the role's requests.
    pub session_name: String,
    /// Where the service works.
    pub region: Region,
}

impl Identity {
    /// The context of a service that acts as a role which trusts it. Each call asks the trust policy anew.
    ///
    /// # Errors
    /// Denied, where there is no such role or it does not trust the service for that source.
    pub async fn assume_role_as_service(&self, wish: &ServiceAssumption) -> Result<Ctx> {
        let role = self.read_role_by_arn(&wish.role_arn).await?;
        let role = role.ok_or_else(|| {
            Error::denied(format!(
                "User: {} is not authorized to perform: sts:AssumeRole on resource: {}",
                wish.service, wish.role_arn
            ))
            .with_hint("There is no such role.")
        })?;
        let service = Principal::Service { account: role.account.clone(), name: wish.service.clone() };
        let asking = self.internal_ctx(service, wish.region.clone(), wish.source_arn.clone());
        let ask = Ask::new("sts:AssumeRole", &wish.role_arn)
            .policy(role.trust_policy()?)
            .resource_tags(&tags(&role))
            .key("sts:RoleSessionName", &wish.session_name);
        self.permit(&asking, &ask, Access::Write).await?;
        self.note_role_use(&role.id, &wish.region);
        let now = asking.now();
        let session = role_principal(&role, &wish.session_name, now, now.plus_seconds(SESSION));
        Ok(self.internal_ctx(Principal::Role(Box::new(session)), wish.region.clone(), None))
    }

    /// Checks that the caller may hand a role of its account to `service` (`bedrock.amazonaws.com`): to be called
    /// wherever an operation takes a role, beside the operation's own permission.
    ///
    /// # Errors
    /// Denied, where the caller may not, or the role is of another account. Invalid, where `role_arn` is no role's ARN.
    pub async fn pass_role(&self, ctx: &Ctx, role_arn: &str, service: &str) -> Result<()> {
        self.pass_role_for(ctx, role_arn, service, None).await
    }

    /// As [`Identity::pass_role`], for a role that will belong to the resource `associated`: `iam:AssociatedResourceArn`.
    ///
    /// # Errors
    /// As [`Identity::pass_role`].
    pub async fn pass_role_for(
        &self,
        ctx: &Ctx,
        role_arn: &str,
        service: &str,
        associated: Option<&str>,
    ) -> Result<()> {
        let invalid = || {
            Error::invalid(format!("`{role_arn}` is not the ARN of a role."))
                .with_hint("A role's ARN is `arn:aws:iam::ACCOUNT:role/NAME`.")
        };
        let arn: base::Arn = role_arn.parse().map_err(|_| invalid())?;
        if arn.service != "iam" || !arn.resource.starts_with("role/") {
            return Err(invalid());
        }
        if arn.account != ctx.account().as_str() {
            return Err(Error::denied("Cross-account pass role is not allowed."));
        }
        let role = self.read_role_by_arn(role_arn).await?;
        let ask = Ask::new("iam:PassRole", role_arn)
            .key("iam:PassedToService", service)
            .key_if("iam:AssociatedResourceArn", associated)
            .resource_tags(&role.as_ref().map(tags).unwrap_or_default());
        self.permit(ctx, &ask, Access::Write).await
    }
}

fn tags(role: &Role) -> Vec<(String, String)> {
    tags::pairs(&role.tags)
}
