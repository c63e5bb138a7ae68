//! Invocation: conversations, raw prompts, embeddings, token counts.

pub(crate) mod answer;
pub(crate) mod cache_points;
pub(crate) mod chat;
mod choices;
pub(crate) mod complete;
pub(crate) mod continuation;
pub(crate) mod count;
pub(crate) mod embed;
pub(crate) mod embedding_model;
pub(crate) mod errors;
pub(crate) mod local;
pub(crate) mod prompts;
pub(crate) mod render;
pub(crate) mod request;
pub(crate) mod route;
pub(crate) mod score;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use base::{Error, Result};
use identity::Ctx;

use crate::endpoints::Invocation;
use crate::library::Manifest;
use crate::loaded::{Borrowed, Lease, Sources, Weights, unreadable};
use crate::pools::live::Live;
use crate::tune::{PinnedWeights, stands_for};
use crate::{ImportedModel, Models};

impl Models {
    /// The model of this deployment that a target names, loaded.
    ///
    /// # Errors
    /// As [`Models::lease`]; as [`Models::lease_imported`].
    pub(crate) async fn lease_here(&self, ctx: &Ctx, here: &Here) -> Result<Lease> {
        match here {
            Here::Pulled(name) => self.lease(name).await,
            Here::Imported(model) => self.lease_imported(ctx, model).await,
            Here::Deployed(lease) => Ok(lease.clone()),
        }
    }

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
        let own = Weights::Known(self.inner.library.files(name, &manifest).await?, manifest.digest());
        let sources = Sources::new(own, self.borrowed(&manifest).await?);
        let acquired = self.inner.loaded.acquire(name, sources).await;
        acquired.map_err(|failure| self.inner.library.note_failure(name, failure))
    }

    /// The weights in fewer bits that the model's profile names.
    async fn borrowed(&self, own: &Manifest) -> Result<Option<Borrowed>> {
        let Some(tuned) = self.inner.loaded.tuned(&own.name) else { return Ok(None) };
        let Some(whose) = tuned.settings.weights.clone() else { return Ok(None) };
        let weights = match self.inner.library.manifest(&whose).await? {
            None => Err(format!("Its profile loads the weights of `{whose}`, which is not here any more.")),
            Some(other) if !are_measured(tuned.pinned.as_ref(), own, &other) => Err(format!(
                "Its profile loads the weights of `{whose}`, and not these files were measured: tune it again."
            )),
            Some(other) => match self.inner.library.files(&whose, &other).await {
                Ok(files) => Ok(Weights::Known(files, other.digest())),
                Err(error) => Err(unreadable(&whose, &error)),
            },
        };
        Ok(Some(Borrowed { tuned, whose, weights }))
    }
}

/// Whether these are the files that a profile was measured with, and the one stands for the other still.
fn are_measured(pinned: Option<&PinnedWeights>, own: &Manifest, other: &Manifest) -> bool {
    let same = pinned.is_some_and(|pinned| pinned.own == own.digest() && pinned.other == other.digest());
    same && stands_for(other, own)
}

/// A model of this deployment.
pub(crate) enum Here {
    /// Of the library, by its name.
    Pulled(String),
    /// Of the caller's account.
    Imported(Box<ImportedModel>),
    /// That of an endpoint's variant, loaded already.
    Deployed(Lease),
}

/// Where a target answers.
pub(crate) enum Place {
    Here(Here),
    Pool(Arc<Live>),
}

impl Place {
    /// The request to an endpoint that the place is for.
    fn invocation(&self) -> Option<Arc<Invocation>> {
        match self {
            Self::Here(Here::Deployed(lease)) => lease.invocation(),
            Self::Here(_) | Self::Pool(_) => None,
        }
    }
}

/// The error for a model that is known and whose files are not here.
pub(crate) fn not_pulled(name: &str) -> Error {
    Error::not_found(format!("The model `{name}` is not pulled."))
        .with_hint(format!("Run `craton models pull {name}`."))
}
