//! Tags of application profiles.

use base::{Error, Result};
use identity::Ctx;

use super::{missing, named, store, system};
use crate::{Models, Tags, imported};

impl Models {
    /// The tags of an application profile, by its ARN.
    ///
    /// # Errors
    /// NotFound; Invalid, for one of AWS's profiles.
    pub async fn profile_tags(&self, ctx: &Ctx, arn: &str) -> Result<Tags> {
        let id = tagged(ctx, arn)?;
        Ok(store::find(&self.inner.store, ctx, &id).await?.ok_or_else(|| missing(arn))?.tags)
    }

    /// Adds tags, and replaces those of the same keys.
    ///
    /// # Errors
    /// As [`Models::profile_tags`]; Invalid, for a key that is given twice or more than 200 tags.
    pub async fn tag_profile(&self, ctx: &Ctx, arn: &str, new: Tags) -> Result<()> {
        let id = tagged(ctx, arn)?;
        imported::check_tags(&new)?;
        let changed = store::change_tags(&self.inner.store, ctx, &id, self.inner.clock.now(), |mut tags| {
            tags.retain(|(key, _)| new.iter().all(|(other, _)| other != key));
            tags.extend(new.iter().cloned());
            imported::check_tags(&tags).map(|()| tags)
        });
        if changed.await? { Ok(()) } else { Err(missing(arn)) }
    }

    /// Removes the tags of these keys.
    ///
    /// # Errors
    /// As [`Models::profile_tags`].
    pub async fn untag_profile(&self, ctx: &Ctx, arn: &str, keys: &[String]) -> Result<()> {
        let id = tagged(ctx, arn)?;
        let changed = store::change_tags(&self.inner.store, ctx, &id, self.inner.clock.now(), |mut tags| {
            tags.retain(|(key, _)| !keys.contains(key));
            Ok(tags)
        });
        if changed.await? { Ok(()) } else { Err(missing(arn)) }
    }
}

/// The id of what may have tags: permission was asked on the ARN as policies name it, so no other text names it.
fn tagged(ctx: &Ctx, arn: &str) -> Result<String> {
    let id = named(ctx, arn).filter(|_| arn.starts_with("arn:")).ok_or_else(|| missing(arn))?;
    match system::split(&id) {
        Some(_) => Err(Error::invalid(format!("The inference profile `{id}` is system-defined and has no tags."))),
        None => Ok(id),
    }
}
