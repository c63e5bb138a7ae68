//! Making, finding and describing keys, and switching them on and off.

use std::collections::HashSet;

use base::{Page, PageRequest};

use super::access::{Want, key_keys};
use super::error::{Code, Error, Result};
use super::key::{Key, KeyState, Manager};
use super::store::PolicyText;
use super::{KeyRef, Kms, policies, store};
use crate::ask::Ask;
use crate::authorization::Access;
use crate::ctx::Ctx;
use crate::removals::Removal;

/// What a key is to be.
#[derive(Debug, Clone, Default)]
pub struct NewKey {
    /// What its owner says of it.
    pub description: String,
    /// Its policy; the default one where none is given.
    pub policy: Option<String>,
    /// Take also a policy under which the caller could not change it any more.
    pub bypass_lockout_check: bool,
    /// Its tags.
    pub tags: Vec<(String, String)>,
}

impl Kms {
    /// Makes a symmetric key.
    ///
    /// # Errors
    /// AccessDenied, MalformedPolicyDocument, Tag.
    pub async fn create_key(&self, ctx: &Ctx, new: NewKey) -> Result<Key> {
        let key = Key {
            id: self.0.0.random.uuid(),
            account: ctx.account().clone(),
            region: ctx.region().clone(),
            description: new.description,
            manager: Manager::Customer,
            enabled: true,
            created: self.0.0.clock.now(),
            deletion: None,
            pending_window: None,
            rotation: None,
            tags: new.tags,
        };
        self.permit_creation(ctx, &key, new.bypass_lockout_check).await?;
        check_tags(&key.tags)?;
        let policy = match new.policy {
            Some(text) => self.check_policy(ctx, &key, text, new.bypass_lockout_check).await?,
            None => PolicyText { text: policies::default_policy(ctx.account()), principals: None },
        };
        let backing = self.new_backing(&key, None)?;
        store::insert(&self.0.0.store, &key, &backing, &policy).await?;
        self.0.0.kms.clear();
        Ok(key)
    }

    async fn permit_creation(&self, ctx: &Ctx, key: &Key, bypass: bool) -> Result<()> {
        let ask =
            key_keys(Ask::new("kms:CreateKey", "*"), ctx).key("kms:BypassPolicyLockoutSafetyCheck", bypass.to_string());
        let ask = if key.tags.is_empty() { ask } else { ask.request_tags(&key.tags) };
        self.0.permit(ctx, &ask, Access::Write).await?;
        if key.tags.is_empty() {
            return Ok(());
        }
        // Tags are set with the right to set tags (KMS Developer Guide, "Controlling access to tags").
        let ask = key_keys(Ask::new("kms:TagResource", "*"), ctx).request_tags(&key.tags);
        Ok(self.0.permit(ctx, &ask, Access::Write).await?)
    }

    /// The key.
    ///
    /// # Errors
    /// AccessDenied, NotFound.
    pub async fn describe_key(&self, ctx: &Ctx, key: &KeyRef) -> Result<Key> {
        let found = self.permitted(ctx, key, &Want::read("DescribeKey").across_accounts()).await?;
        Ok(found.loaded.key.clone())
    }

    /// The ids of the keys of the caller's account and region.
    ///
    /// # Errors
    /// AccessDenied.
    pub async fn list_keys(&self, ctx: &Ctx, page: &PageRequest) -> Result<Page<String>> {
        self.0.permit(ctx, &Ask::new("kms:ListKeys", "*"), Access::Read).await?;
        let ids = store::list(&self.0.0.store, ctx.account(), ctx.region(), page).await?;
        Ok(Page::cut(page, ids, Clone::clone))
    }

    /// Lets the key be used again.
    ///
    /// # Errors
    /// AccessDenied, NotFound; InvalidState, where the key is to be deleted.
    pub async fn enable_key(&self, ctx: &Ctx, key: &KeyRef) -> Result<()> {
        let found = self.permitted(ctx, key, &Want::write("EnableKey")).await?;
        found.loaded.changeable()?;
        self.set_enabled(&found.loaded.key.id, true).await
    }

    /// Keeps the key from being used for cryptography, at once.
    ///
    /// # Errors
    /// AccessDenied, NotFound; InvalidState, where the key is to be deleted.
    pub async fn disable_key(&self, ctx: &Ctx, key: &KeyRef) -> Result<()> {
        let found = self.permitted(ctx, key, &Want::write("DisableKey")).await?;
        found.loaded.changeable()?;
        self.set_enabled(&found.loaded.key.id, false).await?;
        self.0.removed(Removal::Key(found.loaded.arn.to_string())).await;
        Ok(())
    }

    async fn set_enabled(&self, id: &str, enabled: bool) -> Result<()> {
        store::set_enabled(&self.0.0.store, id, enabled).await?;
        self.0.0.kms.clear();
        Ok(())
    }

    /// Changes what the owner says of the key.
    ///
    /// # Errors
    /// AccessDenied, NotFound; InvalidState, where the key is to be deleted.
    pub async fn update_description(&self, ctx: &Ctx, key: &KeyRef, description: &str) -> Result<()> {
        let found = self.permitted(ctx, key, &Want::write("UpdateKeyDescription")).await?;
        found.loaded.changeable()?;
        store::set_description(&self.0.0.store, &found.loaded.key.id, description).await?;
        self.0.0.kms.clear();
        Ok(())
    }

    /// Plans the key's deletion, 7 to 30 days from now; until then it cannot be used.
    ///
    /// # Errors
    /// AccessDenied, NotFound; Validation for another number of days; InvalidState, where it is planned already.
    pub async fn schedule_deletion(&self, ctx: &Ctx, key: &KeyRef, days: Option<u32>) -> Result<Key> {
        let days = days.unwrap_or(30);
        let want =
            Want::write("ScheduleKeyDeletion").key("kms:ScheduleKeyDeletionPendingWindowInDays", days.to_string());
        let found = self.permitted(ctx, key, &want).await?;
        if !(7..=30).contains(&days) {
            return Err(Error::validation("PendingWindowInDays must be between 7 and 30."));
        }
        found.loaded.changeable()?;
        let at = self.0.0.clock.now().plus_seconds(i64::from(days) * 24 * 3600);
        store::set_deletion(&self.0.0.store, &found.loaded.key.id, Some((at, days))).await?;
        self.0.0.kms.clear();
        self.0.removed(Removal::Key(found.loaded.arn.to_string())).await;
        Ok(Key { deletion: Some(at), pending_window: Some(days), ..found.loaded.key.clone() })
    }

    /// Calls the key's deletion off. The key is disabled then.
    ///
    /// # Errors
    /// AccessDenied, NotFound; InvalidState, where no deletion is planned.
    pub async fn cancel_deletion(&self, ctx: &Ctx, key: &KeyRef) -> Result<Key> {
        let found = self.permitted(ctx, key, &Want::write("CancelKeyDeletion")).await?;
        let key = &found.loaded.key;
        if key.state() != KeyState::PendingDeletion {
            let message = format!("{} is not pending deletion.", found.loaded.arn);
            return Err(Error::new(Code::InvalidState, message));
        }
        store::set_deletion(&self.0.0.store, &key.id, None).await?;
        self.0.0.kms.clear();
        Ok(Key { deletion: None, pending_window: None, enabled: false, ..key.clone() })
    }

    /// Deletes the keys whose time has come, with their material, aliases and grants: maintenance.
    pub(crate) async fn delete_due_keys(&self) -> base::Result<()> {
        if store::delete_due(&self.0.0.store, self.0.0.clock.now()).await? > 0 {
            self.0.0.kms.clear();
        }
        Ok(())
    }
}

/// The most tags of a key.
pub(super) const MOST_TAGS: usize = 50;

/// Refuses tags that a key cannot have.
pub(super) fn check_tags(tags: &[(String, String)]) -> Result<()> {
    if let Some((name, _)) = tags.iter().find(|(name, _)| name.to_lowercase().starts_with("aws:")) {
        return Err(Error::new(Code::Tag, "Tags beginning with aws: are reserved")
            .with_hint(format!("`{name}` cannot be set.")));
    }
    let mut seen = HashSet::new();
    if let Some((name, _)) = tags.iter().find(|(name, _)| !seen.insert(name)) {
        return Err(Error::new(Code::Tag, format!("Duplicate tag keys: `{name}`")));
    }
    if tags.len() > MOST_TAGS {
        return Err(Error::new(Code::Tag, "Too many tags").with_hint(format!("A key has at most {MOST_TAGS}.")));
    }
    Ok(())
}
