//! Tags of secrets.

use std::collections::HashSet;

use super::access::Want;
use super::error::{Code, Error, Result};
use super::{SecretRef, Secrets, store};
use crate::ctx::Ctx;

/// The most tags of a secret.
pub(super) const MOST_TAGS: usize = 50;

impl Secrets {
    /// Sets tags; others stay.
    ///
    /// # Errors
    /// AccessDenied, ResourceNotFound, InvalidParameter; InvalidRequest for a deleted secret.
    pub async fn tag(&self, ctx: &Ctx, id: &SecretRef, tags: &[(String, String)]) -> Result<()> {
        let found = self.live(ctx, id, &Want::write("TagResource").tags(tags)).await?;
        check(tags)?;
        let after = store::change_tags(&self.0.0.store, &found.secret.arn, tags, &[]).await?;
        if after.len() > MOST_TAGS { Err(too_many()) } else { Ok(()) }
    }

    /// Removes the tags of these names, where there are any.
    ///
    /// # Errors
    /// AccessDenied, ResourceNotFound; InvalidRequest for a deleted secret.
    pub async fn untag(&self, ctx: &Ctx, id: &SecretRef, names: &[String]) -> Result<()> {
        let found = self.live(ctx, id, &Want::write("UntagResource").tag_names(names)).await?;
        store::change_tags(&self.0.0.store, &found.secret.arn, &[], names).await?;
        Ok(())
    }
}

/// Refuses tags that a secret cannot have.
pub(super) fn check(tags: &[(String, String)]) -> Result<()> {
    let mut seen = HashSet::new();
    if let Some((name, _)) = tags.iter().find(|(name, _)| name.is_empty() || name.to_lowercase().starts_with("aws:")) {
        return Err(Error::new(Code::InvalidParameter, format!("Invalid tag key: `{name}`"))
            .with_hint("Tags have a name, and those that start with aws: are reserved."));
    }
    if let Some((name, _)) = tags.iter().find(|(name, _)| !seen.insert(name)) {
        return Err(Error::new(Code::InvalidParameter, format!("Duplicate tag keys: `{name}`")));
    }
    if tags.len() > MOST_TAGS { Err(too_many()) } else { Ok(()) }
}

fn too_many() -> Error {
    Error::new(Code::InvalidParameter, format!("A secret has at most {MOST_TAGS} tags."))
}
