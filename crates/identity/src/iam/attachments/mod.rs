//! Managed policies that are attached to users, groups and roles.

mod store;

use base::{Error, ErrorKind, Page, PageRequest, Result};

use super::holder::{HolderKind, HolderName};
use super::policies::{check_arn, name_in, path_in};
use crate::ctx::Ctx;
use crate::open::Identity;

pub(crate) use store::{add, arns_of, require_none};

/// A policy that someone has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttachedPolicy {
    /// Its name.
    pub name: String,
    /// Its ARN.
    pub arn: String,
}

impl AttachedPolicy {
    pub(crate) fn of(arn: String) -> Self {
        Self { name: name_in(&arn).to_owned(), arn }
    }
}

impl Identity {
    /// Attaches a policy of the account or of AWS; doing so again changes nothing.
    ///
    /// # Errors
    /// NotFound, where there is no such holder or policy. Conflict: `LimitExceeded`, where the holder has ten,
    /// `UnmodifiableEntity` for a service-linked role, `PolicyNotAttachable` for a policy made for such a role.
    pub async fn attach_policy(&self, ctx: &Ctx, holder: HolderName<'_>, policy_arn: &str) -> Result<()> {
        check_arn(policy_arn)?;
        if path_in(policy_arn).starts_with("/aws-service-role/") && holder.kind == HolderKind::Role {
            return Err(Error::new(ErrorKind::Conflict, "Cannot attach a Service Role Policy to a Customer Role.")
                .with_code("PolicyNotAttachable"));
        }
        store::attach(&self.0.store, ctx.account(), holder, policy_arn).await?;
        self.forget_rights();
        Ok(())
    }

    /// Takes a policy away.
    ///
    /// # Errors
    /// NotFound, where there is no such holder, or it does not have the policy. Conflict (`UnmodifiableEntity`).
    pub async fn detach_policy(&self, ctx: &Ctx, holder: HolderName<'_>, policy_arn: &str) -> Result<()> {
        check_arn(policy_arn)?;
        store::detach(&self.0.store, ctx.account(), holder, policy_arn).await?;
        self.forget_rights();
        Ok(())
    }

    /// The policies attached to one whose path starts with `path_prefix`, by name.
    ///
    /// # Errors
    /// NotFound, where there is no such holder.
    pub async fn list_attached_policies(
        &self,
        ctx: &Ctx,
        holder: HolderName<'_>,
        path_prefix: &str,
        page: &PageRequest,
    ) -> Result<Page<AttachedPolicy>> {
        let arns = store::list(&self.0.store, ctx.account(), holder).await?;
        let in_path = arns.into_iter().filter(|arn| path_in(arn).starts_with(path_prefix));
        let after = page.after.as_deref().unwrap_or_default();
        let mut policies: Vec<_> =
            in_path.map(AttachedPolicy::of).filter(|policy| key(policy).as_str() > after).collect();
        policies.sort_unstable_by_key(key);
        Ok(Page::cut(page, policies, key))
    }
}

fn key(policy: &AttachedPolicy) -> String {
    format!("{} {}", policy.name.to_lowercase(), policy.arn)
}
