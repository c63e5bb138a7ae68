//! Tags of keys.

use base::{Page, PageRequest};

use super::access::Want;
use super::error::{Code, Error, Result};
use super::keys::{MOST_TAGS, check_tags};
use super::{KeyRef, Kms, store};
use crate::ctx::Ctx;

impl Kms {
    /// Sets tags; others stay.
    ///
    /// # Errors
    /// AccessDenied, NotFound, Tag; InvalidState, where the key is to be deleted.
    pub async fn tag(&self, ctx: &Ctx, key: &KeyRef, tags: &[(String, String)]) -> Result<()> {
        let want = Want { request_tags: Some(tags.to_vec()), ..Want::write("TagResource") };
        let found = self.permitted(ctx, key, &want).await?;
        check_tags(tags)?;
        found.loaded.changeable()?;
        let after = store::change_tags(&self.0.0.store, &found.loaded.key.id, tags, &[]).await?;
        self.0.0.kms.clear();
        if after.len() > MOST_TAGS {
            return Err(Error::new(Code::LimitExceeded, format!("A key has at most {MOST_TAGS} tags.")));
        }
        Ok(())
    }

    /// Removes the tags of these names, where there are any.
    ///
    /// # Errors
    /// AccessDenied, NotFound, Tag; InvalidState, where the key is to be deleted.
    pub async fn untag(&self, ctx: &Ctx, key: &KeyRef, names: &[String]) -> Result<()> {
        let want = Want::write("UntagResource").keys("aws:TagKeys", names.to_vec());
        let found = self.permitted(ctx, key, &want).await?;
        found.loaded.changeable()?;
        store::change_tags(&self.0.0.store, &found.loaded.key.id, &[], names).await?;
        self.0.0.kms.clear();
        Ok(())
    }

    /// The key's tags, by name.
    ///
    /// # Errors
    /// AccessDenied, NotFound.
    pub async fn list_tags(&self, ctx: &Ctx, key: &KeyRef, page: &PageRequest) -> Result<Page<(String, String)>> {
        let found = self.permitted(ctx, key, &Want::read("ListResourceTags")).await?;
        let after = page.after.as_deref().unwrap_or_default();
        let tags = found.loaded.key.tags.iter().filter(|(name, _)| after.is_empty() || name.as_str() > after);
        let tags: Vec<_> = tags.take(page.limit as usize + 1).cloned().collect();
        Ok(Page::cut(page, tags, |(name, _)| name.clone()))
    }
}
