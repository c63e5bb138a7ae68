//! Aliases: names of keys that can be moved from one to another.

use base::{Page, PageRequest, Timestamp};

use super::access::{Want, key_keys};
use super::error::{Code, Error, Result};
use super::key_ref::{ALIAS, Target, TargetName, alias_arn};
use super::{KeyRef, Kms, managed, store};
use crate::ask::Ask;
use crate::authorization::Access;
use crate::ctx::Ctx;

/// An alias.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alias {
    /// With its `alias/`.
    pub name: String,
    /// Its ARN.
    pub arn: String,
    /// The id of the key that it names.
    pub key_id: String,
    /// When it was made.
    pub created: Timestamp,
    /// When it was last given to a key.
    pub updated: Timestamp,
}

/// The most aliases of one key (KMS Developer Guide, "Quotas").
const ALIASES_PER_KEY: i64 = 50;

impl Kms {
    /// Gives a key of the caller's account a name.
    ///
    /// # Errors
    /// AccessDenied, on the alias or on the key; NotFound, AlreadyExists, InvalidAliasName, LimitExceeded;
    /// InvalidState, where the key is to be deleted.
    pub async fn create_alias(&self, ctx: &Ctx, alias: &str, key: &KeyRef) -> Result<()> {
        check_name(alias)?;
        check_target(key)?;
        self.permit_alias(ctx, "CreateAlias", alias).await?;
        let found = self.permitted(ctx, key, &Want::write("CreateAlias")).await?;
        found.loaded.changeable()?;
        let (loaded, now) = (&found.loaded, self.0.0.clock.now());
        let added = store::insert_alias(&self.0.0.store, &loaded.key, alias, now, ALIASES_PER_KEY).await?;
        self.0.0.kms.clear();
        match added {
            Some(true) => Ok(()),
            Some(false) => {
                let arn = alias_arn(ctx.account(), ctx.region().as_str(), alias);
                Err(Error::new(Code::AlreadyExists, format!("An alias with the name {arn} already exists")))
            }
            None => Err(Error::new(Code::LimitExceeded, format!("The key has {ALIASES_PER_KEY} aliases already."))),
        }
    }

    /// Gives an alias to another key of the caller's account.
    ///
    /// # Errors
    /// AccessDenied, on the alias or on either key; NotFound, InvalidAliasName; InvalidState, where the key is to be
    /// deleted.
    pub async fn update_alias(&self, ctx: &Ctx, alias: &str, key: &KeyRef) -> Result<()> {
        check_name(alias)?;
        check_target(key)?;
        self.permit_alias(ctx, "UpdateAlias", alias).await?;
        let want = Want::write("UpdateAlias");
        let present = self.aliased_key(ctx, alias).await?;
        self.permit(ctx, &present, &want).await?;
        let found = self.permitted(ctx, key, &want).await?;
        found.loaded.changeable()?;
        store::move_alias(&self.0.0.store, &found.loaded.key, alias, self.0.0.clock.now()).await?;
        self.0.0.kms.clear();
        Ok(())
    }

    /// Takes a key's name away.
    ///
    /// # Errors
    /// AccessDenied, on the alias or on the key; NotFound, InvalidAliasName.
    pub async fn delete_alias(&self, ctx: &Ctx, alias: &str) -> Result<()> {
        check_name(alias)?;
        self.permit_alias(ctx, "DeleteAlias", alias).await?;
        let present = self.aliased_key(ctx, alias).await?;
        self.permit(ctx, &present, &Want::write("DeleteAlias")).await?;
        store::delete_alias(&self.0.0.store, ctx.account(), ctx.region(), alias).await?;
        self.0.0.kms.clear();
        Ok(())
    }

    /// The aliases of the caller's account and region, or of one of its keys.
    ///
    /// # Errors
    /// AccessDenied, NotFound.
    pub async fn list_aliases(&self, ctx: &Ctx, key: Option<&KeyRef>, page: &PageRequest) -> Result<Page<Alias>> {
        self.0.permit(ctx, &Ask::new("kms:ListAliases", "*"), Access::Read).await?;
        let key_id = match key {
            Some(key) => Some(self.own_key(ctx, key).await?),
            None => None,
        };
        let aliases =
            store::list_aliases(&self.0.0.store, ctx.account(), ctx.region(), key_id.as_deref(), page).await?;
        Ok(Page::cut(page, aliases, |alias| alias.name.clone()))
    }

    async fn own_key(&self, ctx: &Ctx, key: &KeyRef) -> Result<String> {
        let target = key.target(ctx)?;
        let found = self.find(ctx, &target).await?.filter(|found| found.loaded.key.account == *ctx.account());
        let not_found = || Error::new(Code::NotFound, format!("Key '{}' does not exist", target.arn(ctx)));
        Ok(found.ok_or_else(not_found)?.loaded.key.id.clone())
    }

    /// Asks for the right on the alias; that on the key is another.
    async fn permit_alias(&self, ctx: &Ctx, operation: &str, alias: &str) -> Result<()> {
        let arn = alias_arn(ctx.account(), ctx.region().as_str(), alias);
        let ask = key_keys(Ask::new(format!("kms:{operation}"), arn), ctx).key("kms:RequestAlias", alias);
        Ok(self.0.permit(ctx, &ask, Access::Write).await?)
    }

    async fn aliased_key(&self, ctx: &Ctx, alias: &str) -> Result<super::access::Found> {
        let target = Target { account: ctx.account().clone(), name: TargetName::Alias(alias.to_owned()) };
        self.find(ctx, &target)
            .await?
            .ok_or_else(|| Error::new(Code::NotFound, format!("Alias {} is not found.", target.arn(ctx))))
    }
}

/// Refuses names that an alias of an account cannot have.
fn check_name(alias: &str) -> Result<()> {
    let Some(name) = alias.strip_prefix(ALIAS) else {
        return Err(Error::validation("Invalid identifier").with_hint("An alias starts with `alias/`."));
    };
    if alias.starts_with(managed::RESERVED) {
        // AWS says nothing more.
        return Err(Error::new(Code::NotAuthorized, "")
            .with_hint("Aliases that start with alias/aws/ are reserved for services."));
    }
    let valid = |c: char| c.is_ascii_alphanumeric() || ['/', '_', '-'].contains(&c);
    if name.is_empty() || alias.len() > 256 || !name.chars().all(valid) {
        return Err(Error::validation(format!("{alias} contains invalid characters for an alias"))
            .with_hint("Letters, digits and `/_-` are allowed, 256 at most."));
    }
    Ok(())
}

fn check_target(key: &KeyRef) -> Result<()> {
    if key.is_alias() { Err(Error::validation("Aliases must refer to keys. Not aliases")) } else { Ok(()) }
}
