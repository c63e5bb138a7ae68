//! Contexts for work that no request is waiting for.

use std::sync::Arc;

use base::{AccountId, Arn, Error, Region, RequestId, Result};

use crate::ctx::{Credential, Ctx, Facts};
use crate::open::Identity;
use crate::principal::Principal;
use crate::store;
use crate::sts::job_session;

/// On whose behalf a job runs, as the job's record keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobOwner {
    /// The account that the job belongs to.
    pub account: AccountId,
    /// The region that the job was asked for in.
    pub region: Region,
    /// [`Principal::arn`] of the one who asked for the job.
    pub principal_arn: String,
    /// [`Principal::user_id`] of that one. Who has the name now may be another, so a user or a role without it is
    /// refused; the root of an account needs none.
    pub principal_id: Option<String>,
}

impl Identity {
    /// The context of a job, as its owner is now: rights that were taken away since are gone.
    ///
    /// # Errors
    /// Denied, where the owner does not exist any more, also where another has its name.
    pub async fn job_ctx(&self, owner: &JobOwner) -> Result<Ctx> {
        let gone = || {
            Error::denied(format!("The owner of the job, `{}`, does not exist any more.", owner.principal_arn))
                .with_hint("Start it again as somebody who exists.")
        };
        let arn: Arn = owner.principal_arn.parse().map_err(|_| gone())?;
        if arn.account != owner.account.as_str() {
            return Err(gone());
        }
        let principal = match (arn.service.as_str(), arn.resource.split_once('/')) {
            ("iam", Some(("user", path_and_name))) => {
                let name = path_and_name.rsplit('/').next().unwrap_or(path_and_name);
                let user = store::read_user(&self.0.store, &owner.account, name).await?.ok_or_else(gone)?;
                if user.arn != owner.principal_arn {
                    return Err(gone());
                }
                user.into_principal(owner.account.clone())
            }
            ("iam", None) if arn.resource == "root" => Principal::Root { account: owner.account.clone() },
            ("sts", Some(("assumed-role", role_and_session))) => {
                let (role, session) = role_and_session.split_once('/').ok_or_else(gone)?;
                let role = self.read_role(&owner.account, role).await?.ok_or_else(gone)?;
                Principal::Role(Box::new(job_session(self, &role, session).await?))
            }
            _ => return Err(gone()),
        };
        if !principal.is_root() && owner.principal_id.as_deref() != Some(principal.user_id().as_str()) {
            return Err(gone());
        }
        Ok(self.internal_ctx(principal, owner.region.clone(), None))
    }

    /// The context of work that the part `name` of Craton does in `account` on its own.
    #[must_use]
    pub fn service_ctx(&self, account: AccountId, region: Region, name: &'static str) -> Ctx {
        self.internal_ctx(Principal::Service { account, name: name.to_owned() }, region, None)
    }

    /// The context of work inside the process; `source` is the resource that a service works for.
    pub(crate) fn internal_ctx(&self, principal: Principal, region: Region, source: Option<String>) -> Ctx {
        Ctx::new(Facts {
            region,
            principal: Arc::new(principal),
            credential: Credential::Internal,
            request_id: RequestId::random(self.0.random.as_ref()),
            now: self.0.clock.now(),
            source_ip: None,
            secure: true,
            source,
        })
    }
}
