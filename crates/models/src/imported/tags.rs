//! Tags of import jobs, imported models and batch jobs.

use base::{Arn, Error, Result};
use identity::Ctx;

use super::job::Tags;
use super::store;
use crate::Models;
use crate::batch::{batch_tags, change_batch_tags};

/// The most that a resource has.
const MOST: usize = 200;

/// What has tags.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tagged {
    Job,
    Model,
}

/// What an ARN names that has tags.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Resource {
    Imported(Tagged),
    Batch,
}

impl Tagged {
    fn as_str(self) -> &'static str {
        match self {
            Self::Job => "model-import-job",
            Self::Model => "imported-model",
        }
    }
}

impl Models {
    /// The tags of an import job, an imported model or a batch job of the caller's account and region, by its ARN.
    ///
    /// # Errors
    /// NotFound.
    pub async fn import_tags(&self, ctx: &Ctx, arn: &str) -> Result<Tags> {
        let (kind, id) = tagged(ctx, arn)?;
        let found = match kind {
            Resource::Batch => batch_tags(&self.inner.store, ctx, &id).await?,
            Resource::Imported(kind) => store::tags(&self.inner.store, ctx, kind, &id).await?,
        };
        found.ok_or_else(|| missing(arn))
    }

    /// Adds tags, and replaces those of the same keys.
    ///
    /// # Errors
    /// NotFound; Invalid, for a key that is given twice or more than 200 tags.
    pub async fn tag_import(&self, ctx: &Ctx, arn: &str, new: Tags) -> Result<()> {
        let (kind, id) = tagged(ctx, arn)?;
        check(&new)?;
        let changed = self.change_tags(ctx, kind, &id, |mut tags| {
            tags.retain(|(key, _)| new.iter().all(|(other, _)| other != key));
            tags.extend(new.iter().cloned());
            check(&tags).map(|()| tags)
        });
        if changed.await? { Ok(()) } else { Err(missing(arn)) }
    }

    /// Removes the tags of these keys.
    ///
    /// # Errors
    /// NotFound.
    pub async fn untag_import(&self, ctx: &Ctx, arn: &str, keys: &[String]) -> Result<()> {
        let (kind, id) = tagged(ctx, arn)?;
        let changed = self.change_tags(ctx, kind, &id, |mut tags| {
            tags.retain(|(key, _)| !keys.contains(key));
            Ok(tags)
        });
        if changed.await? { Ok(()) } else { Err(missing(arn)) }
    }

    async fn change_tags(
        &self,
        ctx: &Ctx,
        kind: Resource,
        id: &str,
        change: impl Fn(Tags) -> Result<Tags> + Send + Sync,
    ) -> Result<bool> {
        match kind {
            Resource::Batch => change_batch_tags(&self.inner.store, ctx, id, change).await,
            Resource::Imported(kind) => store::change_tags(&self.inner.store, ctx, kind, id, change).await,
        }
    }
}

/// Sees whether a resource may have these tags.
///
/// # Errors
/// Invalid, where a key is twice there or begins with `aws:`, or where there are more than 200.
pub fn check(tags: &Tags) -> Result<()> {
    if tags.len() > MOST {
        return Err(Error::invalid(format!("A resource has at most {MOST} tags.")).with_code("TooManyTagsException"));
    }
    for (at, (key, _)) in tags.iter().enumerate() {
        if tags[..at].iter().any(|(other, _)| other == key) {
            return Err(Error::invalid(format!("The tag `{key}` is given twice.")));
        }
        if key.starts_with("aws:") {
            return Err(Error::invalid(format!("The tag `{key}` begins with `aws:`, which is reserved.")));
        }
    }
    Ok(())
}

fn tagged(ctx: &Ctx, text: &str) -> Result<(Resource, String)> {
    let arn: Arn = text.parse().map_err(|_| Error::invalid(format!("The resource ARN `{text}` is invalid.")))?;
    let (resource, name) = match arn.resource_type() {
        Some("model-import-job") => (Resource::Imported(Tagged::Job), Tagged::Job.as_str()),
        Some("imported-model") => (Resource::Imported(Tagged::Model), Tagged::Model.as_str()),
        Some("model-invocation-job") => (Resource::Batch, "model-invocation-job"),
        Some(kind) if arn.service == "bedrock" => {
            return Err(Error::not_implemented(format!("Tags of a `{kind}` are not implemented.")));
        }
        _ => return Err(missing(text)),
    };
    // Permission was asked on the ARN as policies name it: no other text names the resource.
    let id = arn.resource_id().to_owned();
    let own = super::arn(ctx, name, &id).to_string();
    if own == text { Ok((resource, id)) } else { Err(missing(text)) }
}

fn missing(arn: &str) -> Error {
    Error::not_found(format!("The resource `{arn}` could not be found."))
}

#[cfg(test)]
#[path = "tags_tests.rs"]
mod tests;
