//! Tags of evaluation jobs.

use base::{Error, Result};
use identity::Ctx;
use models::{Tags, check_tags};

use super::job::arn;
use super::{Evaluations, store};

impl Evaluations {
    /// The tags of an evaluation job of the caller's account and region, by its ARN.
    ///
    /// # Errors
    /// NotFound.
    pub async fn tags(&self, ctx: &Ctx, arn: &str) -> Result<Tags> {
        let id = tagged(ctx, arn)?;
        let job = store::job(&self.inner.store, self.inner.identity.keyring(), ctx, id).await?;
        job.map(|job| job.tags).ok_or_else(|| missing(arn))
    }

    /// Adds tags, and replaces those of the same keys.
    ///
    /// # Errors
    /// NotFound; Invalid, for a key that is given twice or is AWS's own, or for more than 200 tags.
    pub async fn tag(&self, ctx: &Ctx, arn: &str, new: Tags) -> Result<()> {
        check_tags(&new)?;
        let changed = self.change_tags(ctx, arn, |mut tags| {
            tags.retain(|(key, _)| new.iter().all(|(other, _)| other != key));
            tags.extend(new.iter().cloned());
            check_tags(&tags).map(|()| tags)
        });
        changed.await
    }

    /// Removes the tags of these keys.
    ///
    /// # Errors
    /// NotFound.
    pub async fn untag(&self, ctx: &Ctx, arn: &str, keys: &[String]) -> Result<()> {
        let changed = self.change_tags(ctx, arn, |mut tags| {
            tags.retain(|(key, _)| !keys.contains(key));
            Ok(tags)
        });
        changed.await
    }

    async fn change_tags(
        &self,
        ctx: &Ctx,
        arn: &str,
        change: impl Fn(Tags) -> Result<Tags> + Send + Sync,
    ) -> Result<()> {
        let (id, inner) = (tagged(ctx, arn)?, &self.inner);
        let changed = store::change_tags(&inner.store, inner.identity.keyring(), ctx, id, change).await?;
        if changed { Ok(()) } else { Err(missing(arn)) }
    }
}

/// The id of the job that an ARN names. Permission was asked on the ARN as policies name it: no other text names the job.
fn tagged<'a>(ctx: &Ctx, text: &'a str) -> Result<&'a str> {
    let id = text.rsplit('/').next().filter(|id| arn(ctx, id).to_string() == text);
    id.ok_or_else(|| missing(text))
}

fn missing(arn: &str) -> Error {
    Error::not_found(format!("The resource `{arn}` could not be found."))
}
