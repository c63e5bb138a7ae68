//! Invocation: conversations, raw prompts, embeddings, token counts.

pub(crate) mod answer;
pub(crate) mod chat;
pub(crate) mod complete;
pub(crate) mod continuation;
pub(crate) mod count;
pub(crate) mod embed;
pub(crate) mod errors;
pub(crate) mod local;
pub(crate) mod prompts;
pub(crate) mod render;
pub(crate) mod request;

#[cfg(test)]
mod tests;

use base::{Error, Result};

use crate::Models;
use crate::aliases::{Resolved, Target};
use crate::invoke::answer::ServedBy;
use crate::loaded::Lease;

impl Models {
    /// The local model, loaded.
    ///
    /// # Errors
    /// NotFound, where it is not pulled; those of loading.
    pub(crate) async fn lease(&self, name: &str) -> Result<Lease> {
        if let Some(lease) = self.inner.loaded.loaded(name) {
            return Ok(lease);
        }
        let Some(manifest) = self.inner.library.manifest(name).await? else {
            return Err(not_pulled(name));
        };
        let files = self.inner.library.files(name, &manifest).await?;
        let acquired = self.inner.loaded.acquire(name, files).await;
        acquired.map_err(|failure| self.inner.library.note_failure(name, failure))
    }
}

/// The error for a model that is known and whose files are not here.
pub(crate) fn not_pulled(name: &str) -> Error {
    Error::not_found(format!("The model `{name}` is not pulled."))
        .with_hint(format!("Run `craton models pull {name}`."))
}

/// Who answers for what was resolved.
pub(crate) fn served_by(resolved: &Resolved) -> ServedBy {
    let upstream = match &resolved.target {
        Target::Local { .. } => None,
        Target::Remote { base_url, .. } => Some(base_url.clone()),
    };
    ServedBy { name: resolved.serving_name.clone(), substituted: resolved.substituted, upstream }
}
