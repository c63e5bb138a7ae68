//! Policies that are embedded in a user, a group or a role.

mod store;

use base::{Error, Page, PageRequest, Result};

use super::errors::malformed;
use super::holder::HolderName;
use super::names::check_name;
use crate::ctx::Ctx;
use crate::open::Identity;
use crate::policy::Document;

pub(crate) use store::{all_of, require_none};

impl Identity {
    /// Embeds a policy, in place of the one of the same name.
    ///
    /// # Errors
    /// NotFound, where there is no such holder. Invalid (`MalformedPolicyDocument`). Conflict: `LimitExceeded`, where
    /// all its embedded policies together are too long, `UnmodifiableEntity` for a service-linked role.
    pub async fn put_inline_policy(&self, ctx: &Ctx, holder: HolderName<'_>, name: &str, document: &str) -> Result<()> {
        check_name("policyName", name, 128)?;
        Document::parse(holder.kind.inline(), document).map_err(malformed)?;
        store::put(&self.0.store, ctx.account(), holder, name, document).await?;
        self.forget_rights();
        Ok(())
    }

    /// The document of an embedded policy, as it was given.
    ///
    /// # Errors
    /// NotFound, where there is no such holder, or it has no such policy.
    pub async fn get_inline_policy(&self, ctx: &Ctx, holder: HolderName<'_>, name: &str) -> Result<String> {
        store::get(&self.0.store, ctx.account(), holder, name).await?.ok_or_else(|| no_such(holder, name))
    }

    /// The names of the embedded policies, in order.
    ///
    /// # Errors
    /// NotFound, where there is no such holder.
    pub async fn list_inline_policies(
        &self,
        ctx: &Ctx,
        holder: HolderName<'_>,
        page: &PageRequest,
    ) -> Result<Page<String>> {
        let names = store::names(&self.0.store, ctx.account(), holder, page).await?;
        Ok(Page::cut(page, names, Clone::clone))
    }

    /// Removes an embedded policy.
    ///
    /// # Errors
    /// NotFound, where there is no such holder, or it has no such policy. Conflict (`UnmodifiableEntity`).
    pub async fn delete_inline_policy(&self, ctx: &Ctx, holder: HolderName<'_>, name: &str) -> Result<()> {
        store::delete(&self.0.store, ctx.account(), holder, name).await?;
        self.forget_rights();
        Ok(())
    }
}

fn no_such(holder: HolderName<'_>, name: &str) -> Error {
    Error::not_found(format!("The {} policy with name {name} cannot be found.", holder.kind.word()))
}
