//! Embeddings.

use base::{Error, Result};
use identity::Ctx;
use inference::Loaded;

use super::answer::EmbedResponse;
use super::request::{EmbedRequest, Purpose, Truncate};
use super::{Here, Place, errors};
use crate::Models;
use crate::aliases::Resolved;
use crate::catalogue::Prompts;

impl Models {
    /// Embeds texts.
    ///
    /// Vectors have the length that the request or the model id asks for. A local model's shorter vectors are padded
    /// with zeros, which leaves cosines and dot products unchanged; longer ones are cut and, unless `normalize` is
    /// off, scaled to unit length again.
    ///
    /// # Errors
    /// Invalid for a length that the id does not have, for texts that are too long where truncation is not asked for,
    /// and for models that do not embed; otherwise as [`Models::chat`].
    pub async fn embed(&self, ctx: &Ctx, request: EmbedRequest) -> Result<EmbedResponse> {
        let resolved = self.resolve(ctx, &request.model).await?;
        self.embed_with(ctx, resolved, request).await
    }

    /// [`Models::embed`] by what was resolved already.
    ///
    /// # Errors
    /// As [`Models::embed`].
    pub async fn embed_with(&self, ctx: &Ctx, resolved: Resolved, request: EmbedRequest) -> Result<EmbedResponse> {
        if request.texts.is_empty() {
            return Err(Error::invalid("There is no text to embed."));
        }
        let wanted = wanted_length(&resolved, request.dimensions)?;
        let normalize = request.normalize.unwrap_or(true);
        let (dimensions, request) = (resolved.dimensions.clone(), &request);
        let embedded = self.metered(ctx, resolved, |attempt| async move {
            let (place, served_by, _) = attempt.parts();
            match place {
                Place::Here(here) => {
                    let (vectors, counts) = self.embed_here(ctx, &here, request.clone()).await?;
                    Ok((vectors, counts, served_by))
                }
                Place::Pool(pool) => {
                    pool.embed(self.inner.pools.client(), &request.texts, &served_by, ctx.deadline()).await
                }
            }
        });
        let (mut vectors, token_counts, served_by) = embedded.await?;
        if let (Some(wanted), [], Some(first)) = (wanted, dimensions.as_slice(), vectors.first())
            && wanted > first.len()
        {
            let has = first.len();
            return Err(Error::invalid(format!("`{}` has {has} dimensions, fewer than {wanted}.", served_by.name)));
        }
        if let Some(wanted) = wanted {
            vectors.iter_mut().for_each(|vector| fit(vector, wanted, normalize));
        }
        Ok(EmbedResponse { vectors, token_counts, served_by })
    }

    async fn embed_here(&self, ctx: &Ctx, here: &Here, request: EmbedRequest) -> Result<(Vec<Vec<f32>>, Vec<u32>)> {
        let lease = std::sync::Arc::new(self.lease_here(ctx, here).await?);
        let mut texts = request.texts;
        if let Some(prompts) = self.inner.catalogue.get(lease.name()).and_then(|entry| entry.prompts.as_ref()) {
            texts.iter_mut().for_each(|text| prompts.put_before(text, request.purpose));
        }
        let Loaded::Embedder(embedder) = lease.model() else {
            return Err(errors::wrong_kind(lease.name(), "embed text"));
        };
        let embedder = embedder.clone();
        let truncate = match request.truncate {
            Truncate::None => inference::Truncate::None,
            Truncate::Start => inference::Truncate::Start,
            Truncate::End => inference::Truncate::End,
        };
        let _turn = lease.turn_to_embed().await?;
        // The blocking call keeps the model even if the caller goes away meanwhile.
        let held = lease.clone();
        let embedded = tokio::task::spawn_blocking(move || {
            let embedded = embedder.embed(&texts, truncate);
            drop(held);
            embedded
        });
        let embeddings =
            embedded.await.map_err(Error::internal)?.map_err(|e| errors::of_invocation(lease.name(), e))?;
        lease.note_vectors(embeddings.token_counts.iter().sum());
        Ok((embeddings.vectors, embeddings.token_counts))
    }
}

impl Prompts {
    /// Puts the words before a text that the model was trained with.
    fn put_before(&self, text: &mut String, purpose: Purpose) {
        let has = |prompt: &String| !prompt.is_empty() && text.starts_with(prompt.as_str());
        let prompt = match purpose {
            Purpose::Query => &self.query,
            Purpose::Passage => &self.passage,
            Purpose::Unstated if has(&self.query) || has(&self.passage) => return,
            Purpose::Unstated => &self.unstated,
        };
        text.insert_str(0, prompt);
    }
}

/// The length that the vectors shall have; none: the model's own.
fn wanted_length(resolved: &Resolved, asked: Option<usize>) -> Result<Option<usize>> {
    let Some(asked) = asked else { return Ok(resolved.dimension) };
    let has = &resolved.dimensions;
    if asked == 0 || (!has.is_empty() && !has.contains(&asked)) {
        let lengths: Vec<String> = has.iter().map(usize::to_string).collect();
        let error = Error::invalid(format!("`{}` has no vectors of {asked} dimensions.", resolved.aws_id));
        return Err(if has.is_empty() { error } else { error.with_hint(format!("It has {}.", lengths.join(", "))) });
    }
    Ok(Some(asked))
}

/// Makes the vector `wanted` long.
fn fit(vector: &mut Vec<f32>, wanted: usize, normalize: bool) {
    let shortened = wanted < vector.len();
    vector.resize(wanted, 0.0);
    if shortened && normalize {
        let norm = vector.iter().map(|x| f64::from(*x) * f64::from(*x)).sum::<f64>().sqrt();
        if norm > 0.0 {
            vector.iter_mut().for_each(|x| *x = (f64::from(*x) / norm) as f32);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_gets_the_words_of_its_purpose() {
        let [query, passage, unstated] = ["query: ", "passage: ", "other: "].map(str::to_owned);
        let prompts = Prompts { query, passage, unstated };
        for (purpose, text, expected) in [
            (Purpose::Query, "a", "query: a"),
            (Purpose::Passage, "a", "passage: a"),
            (Purpose::Passage, "query: a", "passage: query: a"),
            (Purpose::Unstated, "a", "other: a"),
            (Purpose::Unstated, "passage: a", "passage: a"),
            (Purpose::Unstated, "query: a", "query: a"),
        ] {
            let mut given = text.to_owned();
            prompts.put_before(&mut given, purpose);
            assert_eq!(given, expected, "{purpose:?}");
        }
    }
}
