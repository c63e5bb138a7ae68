//! What is known of an embedding model, and where its tokens lie in a text.

use std::ops::Range;

use base::{Error, Result};
use identity::Ctx;
use inference::Loaded;

use super::errors;
use crate::Models;
use crate::aliases::{Resolved, Target};
use crate::loaded::Lease;

/// What is known of an embedding model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmbeddingFacts {
    /// The model that answers.
    pub served_by: String,
    /// The hashes of its files: another value means other vectors.
    pub fingerprint: String,
    /// The length of the vectors that the id gives.
    pub dimension: usize,
    /// The most tokens that it reads of a text, its opening and closing one included, the words that are put before it left out.
    pub max_tokens: usize,
}

impl Models {
    /// What is known of the embedding model that an id or ARN names. Loads it.
    ///
    /// # Errors
    /// NotFound, where it is not here; Invalid, where it embeds nothing; NotImplemented, where it is not a model of the
    /// catalogue: of others it is not known whether they are the same tomorrow.
    pub async fn embedding_facts(&self, ctx: &Ctx, model: &str) -> Result<EmbeddingFacts> {
        let resolved = self.resolve(ctx, model).await?;
        let name = local(&resolved)?;
        let lease = self.lease(name).await?;
        let manifest = self.inner.library.manifest(name).await?;
        let fingerprint = manifest.ok_or_else(|| Error::not_found(format!("`{name}` is not here any more.")))?.digest();
        let embedder = embedder(&lease)?;
        let info = embedder.info();
        let prompts = self.inner.catalogue.get(name).and_then(|entry| entry.prompts.as_ref());
        let mut before = 0;
        for prompt in prompts.iter().flat_map(|prompts| [&prompts.query, &prompts.passage]) {
            before = before.max(embedder.spans(prompt).map_err(|error| errors::of_invocation(name, error))?.len());
        }
        Ok(EmbeddingFacts {
            served_by: name.to_owned(),
            fingerprint,
            dimension: resolved.dimension.unwrap_or(info.dimensions as usize),
            max_tokens: (info.max_tokens as usize).saturating_sub(before),
        })
    }

    /// The bytes of a text that each token of an embedding model stands for, in the text's order. The opening and the
    /// closing token, which stand for none, are left out.
    ///
    /// # Errors
    /// As [`Models::embedding_facts`].
    pub async fn token_spans(&self, ctx: &Ctx, model: &str, text: &str) -> Result<Vec<Range<usize>>> {
        let resolved = self.resolve(ctx, model).await?;
        let lease = self.lease(local(&resolved)?).await?;
        let text = text.to_owned();
        let spans = tokio::task::spawn_blocking(move || {
            embedder(&lease)?.spans(&text).map_err(|error| errors::of_invocation(lease.name(), error))
        });
        spans.await.map_err(Error::internal)?
    }
}

fn embedder(lease: &Lease) -> Result<&dyn inference::Embedder> {
    match lease.model() {
        Loaded::Embedder(embedder) => Ok(&**embedder),
        Loaded::Generator(_) => Err(errors::wrong_kind(lease.name(), "embed text")),
    }
}

/// The name of the local model that answers.
fn local(resolved: &Resolved) -> Result<&str> {
    match &resolved.target {
        Target::Local { name } => Ok(name),
        _ => {
            Err(Error::not_implemented(format!("`{}` is not a model of this server's catalogue.", resolved.requested))
                .with_hint(
                    "Knowledge bases embed with models that were pulled: `craton models pull all-minilm-l6-v2`.",
                ))
        }
    }
}
