//! Permissions boundaries of users and roles.

mod store;

use base::Result;

use super::holder::HolderName;
use crate::ctx::Ctx;
use crate::open::Identity;

pub(crate) use store::check;

impl Identity {
    /// Limits a user or a role to what a managed policy allows, in place of the boundary it has.
    ///
    /// # Errors
    /// NotFound, where there is no such user, role or policy. Invalid for a group. Conflict (`UnmodifiableEntity`) for a
    /// service-linked role.
    pub async fn put_permissions_boundary(&self, ctx: &Ctx, holder: HolderName<'_>, policy_arn: &str) -> Result<()> {
        store::set(&self.0.store, ctx.account(), holder, Some(policy_arn)).await?;
        self.forget_rights();
        Ok(())
    }

    /// Takes the boundary away, if there is one.
    ///
    /// # Errors
    /// NotFound, where there is no such user or role. Conflict (`UnmodifiableEntity`) for a service-linked role.
    pub async fn delete_permissions_boundary(&self, ctx: &Ctx, holder: HolderName<'_>) -> Result<()> {
        store::set(&self.0.store, ctx.account(), holder, None).await?;
        self.forget_rights();
        Ok(())
    }
}
