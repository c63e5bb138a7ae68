//! Embeddings.

use std::sync::Arc;

use base::{Error, Result};
use identity::Ctx;
use inference::{Embedder, Embeddings, Loaded};

use super::answer::EmbedResponse;
use super::request::{EmbedRequest, Purpose, Truncate};
use super::{Here, Place, errors};
use crate::Models;
use crate::aliases::Resolved;
use crate::catalogue::Prompts;
use crate::loaded::{Lease, Turn};

/// The bytes of text that are embedded in one turn: small encoders read so much in about a second, in so many batches that
/// threads which have nothing to do at the end of a turn cost little.
const TURN: usize = 32 << 10;

impl Models {
    /// Embeds texts.
    ///
    /// Vectors have the length that the request or the model id asks for. A local model's shorter vectors are padded
    /// with zeros, which leaves cosines and dot products unchanged; longer ones are cut and, unless `normalize` is
    /// off, scaled to unit length again.
    ///
    /// # Errors
    /// Invalid for a length that the id does not have, for texts that are too long where truncation is not asked for,
    /// for models that do not embed, and where an upstream is to be deterministic; otherwise as [`Models::chat`].
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
                    let serving = request.serving.at_an_upstream(ctx)?;
                    pool.embed(self.inner.pools.client(), &request.texts, &served_by, serving).await
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
        let lease = Arc::new(self.lease_here(ctx, here).await?);
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
        let serving = inference::Serving { deadline: ctx.deadline(), ..request.serving.of(ctx) };
        let embeddings = Embedding { lease: lease.clone(), embedder, truncate, serving }.all(texts).await?;
        lease.note_vectors(embeddings.token_counts.iter().sum());
        Ok((embeddings.vectors, embeddings.token_counts))
    }
}

/// Texts being embedded, a part of them in each turn.
struct Embedding {
    lease: Arc<Lease>,
    embedder: Arc<dyn Embedder>,
    truncate: inference::Truncate,
    serving: inference::Serving,
}

impl Embedding {
    async fn all(&self, texts: Vec<String>) -> Result<Embeddings> {
        let mut parts = parts(texts);
        let Some(first) = parts.first() else { return Ok(Embeddings::default()) };
        let mut turn = self.lease.turn_to_embed(self.serving, cost(first)).await?;
        if parts.len() > 1 && self.truncate == inference::Truncate::None {
            // What will be refused is refused before anything is computed.
            (parts, turn) = self.checked(parts, turn).await?;
        }
        let mut all = Embeddings::default();
        for (at, part) in parts.into_iter().enumerate() {
            if at > 0 {
                turn = self.lease.next_turn_to_embed(turn, self.serving, cost(&part)).await?;
            }
            let embedded;
            (embedded, turn) = self.in_turn(part, turn).await?;
            let embedded = embedded.map_err(|error| self.error(all.vectors.len(), error))?;
            all.vectors.extend(embedded.vectors);
            all.token_counts.extend(embedded.token_counts);
        }
        Ok(all)
    }

    /// Embeds a part. The blocking call keeps the model and the turn even if the caller goes away meanwhile.
    async fn in_turn(&self, part: Vec<String>, turn: Turn) -> Result<(inference::Result<Embeddings>, Turn)> {
        let (embedder, truncate, held) = (self.embedder.clone(), self.truncate, self.lease.clone());
        let embedded = tokio::task::spawn_blocking(move || {
            let embedded = embedder.embed(&part, truncate);
            drop(held);
            (embedded, turn)
        });
        embedded.await.map_err(Error::internal)
    }

    /// The parts, and a turn to go on in: each part was looked at in a turn of its own, beside which reading it costs nothing.
    ///
    /// # Errors
    /// Invalid, where a text is longer than the model reads.
    async fn checked(&self, parts: Vec<Vec<String>>, mut turn: Turn) -> Result<(Vec<Vec<String>>, Turn)> {
        let (mut checked, mut before) = (Vec::with_capacity(parts.len()), 0);
        for part in parts {
            if before > 0 {
                turn = self.lease.next_turn_to_embed(turn, self.serving, 0).await?;
            }
            let (embedder, held) = (self.embedder.clone(), self.lease.clone());
            let looked = tokio::task::spawn_blocking(move || {
                let found = too_long(embedder.as_ref(), &part);
                drop(held);
                (found, part, turn)
            });
            let (found, part, own) = looked.await.map_err(Error::internal)?;
            found.map_err(|error| self.error(before, error))?;
            before += part.len();
            checked.push(part);
            turn = own;
        }
        Ok((checked, turn))
    }

    /// The error of a part before which so many texts stand.
    fn error(&self, before: usize, error: inference::Error) -> Error {
        let error = match error {
            inference::Error::InputTooLong { index, tokens, limit } => {
                inference::Error::InputTooLong { index: before + index, tokens, limit }
            }
            error => error,
        };
        errors::of_invocation(self.lease.name(), error)
    }
}

/// The texts, in parts that are each embedded in one turn: of at most [`TURN`] bytes, or of one text.
fn parts(texts: Vec<String>) -> Vec<Vec<String>> {
    let (mut parts, mut held): (Vec<Vec<String>>, usize) = (Vec::new(), 0);
    for text in texts {
        held += text.len();
        match parts.last_mut() {
            Some(part) if held <= TURN => part.push(text),
            _ => {
                held = text.len();
                parts.push(vec![text]);
            }
        }
    }
    parts
}

/// What a part costs: its bytes.
fn cost(part: &[String]) -> u64 {
    part.iter().map(String::len).sum::<usize>() as u64
}

/// # Errors
/// InputTooLong, of the first text that is longer than the model reads.
fn too_long(embedder: &dyn Embedder, part: &[String]) -> inference::Result<()> {
    let limit = embedder.info().max_tokens;
    for (index, text) in part.iter().enumerate() {
        let tokens = embedder.count(text)?;
        if tokens > limit {
            let (tokens, limit) = (tokens as usize, limit as usize);
            return Err(inference::Error::InputTooLong { index, tokens, limit });
        }
    }
    Ok(())
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
    fn parts_hold_as_much_as_a_turn_may_or_one_text() {
        let texts = [TURN - 1, 1, 1, 2 * TURN, 0, TURN].map(|length| "x".repeat(length));
        let lengths = |part: &Vec<String>| part.iter().map(String::len).collect::<Vec<_>>();
        let found: Vec<Vec<usize>> = parts(texts.to_vec()).iter().map(lengths).collect();
        assert_eq!(found, [vec![TURN - 1, 1], vec![1], vec![2 * TURN], vec![0, TURN]]);
    }

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
