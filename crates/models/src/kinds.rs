//! What the model is for that answers for an id.

use base::Result;
use identity::Ctx;

use crate::Models;
use crate::aliases::{Provider, Resolved, Target, implied_kind};
use crate::catalogue::CardKind;

impl Models {
    /// Whether the model that answers for an id generates text or embeds it: of a local model what it is, of another what
    /// ids of its vendor are for.
    ///
    /// # Errors
    /// As [`Models::resolve`].
    pub async fn kind(&self, ctx: &Ctx, model_id: &str) -> Result<CardKind> {
        let resolved = self.resolve(ctx, model_id).await?;
        let implied = implied_kind(&resolved.aws_id).unwrap_or(CardKind::Text);
        Ok(match first(&resolved) {
            Target::Local { name } => self.kind_here(name).await?.unwrap_or(implied),
            Target::Imported { .. } => CardKind::Text,
            Target::Endpoint(_) => match resolved.provider {
                Provider::Endpoint { embeds: true } => CardKind::Embedding,
                _ => CardKind::Text,
            },
            Target::Remote { .. } | Target::Pool { .. } | Target::Routed { .. } => implied,
        })
    }

    /// What the library or the catalogue says of a model.
    async fn kind_here(&self, name: &str) -> Result<Option<CardKind>> {
        let here = self.inner.library.manifest(name).await?.map(|manifest| manifest.card_kind());
        Ok(here.or_else(|| self.inner.catalogue.get(name).map(|entry| entry.kind)))
    }
}

/// What answers first.
fn first(resolved: &Resolved) -> &Target {
    match &resolved.target {
        Target::Routed { legs, .. } => legs.first().map_or(&resolved.target, |leg| &leg.target),
        target => target,
    }
}
