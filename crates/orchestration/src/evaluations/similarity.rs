//! How near an answer is to its references in the eyes of an embedding model: the cosine of their vectors.

use std::time::Duration;

use base::{Error, ErrorKind, Result};
use identity::Ctx;
use models::{EmbedRequest, Models};

use super::judge::{SERVING, TOO_LONG};
use super::outcome::Score;
use super::patience::Patience;

/// The metric's name in requests and results.
pub const NAME: &str = "Craton.EmbeddingSimilarity";
/// The model id whose model of the deployment embeds where none is named.
pub const DEFAULT_MODEL: &str = "amazon.titan-embed-text-v2:0";
/// Tokens that a model puts around every text.
const FRAME: usize = 2;

/// An embedding model.
pub(super) struct Similarity<'a> {
    pub(super) models: &'a Models,
    /// The role's.
    pub(super) ctx: &'a Ctx,
    /// The model id.
    pub(super) model: &'a str,
    /// How long to wait before it is asked again for the first time.
    pub(super) first_pause: Duration,
}

impl Similarity<'_> {
    /// The cosine of an answer and the nearest of its references; below 0 counts as 0. A text that is longer than the model
    /// reads is embedded in pieces, whose vectors are averaged by their tokens.
    ///
    /// # Errors
    /// Those of the server. What is wrong with the texts stands in the score.
    pub(super) async fn score(&self, answer: &str, references: &[String]) -> Result<Score> {
        let blank = Score { metric: NAME.to_owned(), ..Score::default() };
        let references: Vec<&str> =
            references.iter().map(String::as_str).filter(|text| !text.trim().is_empty()).collect();
        if answer.trim().is_empty() || references.is_empty() {
            let what = if references.is_empty() { "reference answer" } else { "answer" };
            return Ok(Score { error: Some(format!("There is no text in the {what}.")), ..blank });
        }
        let texts: Vec<&str> = std::iter::once(answer).chain(references).collect();
        let vectors = match self.vectors(&texts).await {
            Ok(vectors) => vectors,
            Err(error) if error.kind == ErrorKind::Invalid || error.kind == ErrorKind::NotImplemented => {
                return Ok(Score { error: Some(error.public_text()), ..blank });
            }
            Err(error) => return Err(error),
        };
        let (answer, references) = vectors.split_first().ok_or_else(|| Error::internal("no vectors"))?;
        let nearest = references.iter().map(|reference| cosine(answer, reference)).fold(0.0, f64::max);
        Ok(Score { result: Some(nearest), explanation: format!("The cosine under `{}`.", self.model), ..blank })
    }

    async fn vectors(&self, texts: &[&str]) -> Result<Vec<Vec<f32>>> {
        match self.embedded(texts).await {
            Err(error) if error.message == TOO_LONG => {}
            vectors => return vectors,
        }
        let mut vectors = Vec::new();
        for text in texts {
            let pieces = self.pieces(text).await?;
            let embedded = self.embedded(&pieces.iter().map(|(piece, _)| *piece).collect::<Vec<_>>()).await?;
            vectors.push(mean(embedded.iter().zip(pieces.iter().map(|(_, tokens)| *tokens))));
        }
        Ok(vectors)
    }

    /// A text in pieces that the model reads, with their tokens.
    async fn pieces<'t>(&self, text: &'t str) -> Result<Vec<(&'t str, usize)>> {
        let most = self.models.embedding_facts(self.ctx, self.model).await?.max_tokens.saturating_sub(FRAME).max(1);
        let spans = self.models.token_spans(self.ctx, self.model, text).await?;
        let piece = |tokens: &[std::ops::Range<usize>]| {
            let (first, last) = (tokens.first()?, tokens.last()?);
            Some((text.get(first.start..last.end)?, tokens.len()))
        };
        Ok(spans.chunks(most).filter_map(piece).filter(|(piece, _)| !piece.trim().is_empty()).collect())
    }

    async fn embedded(&self, texts: &[&str]) -> Result<Vec<Vec<f32>>> {
        let mut patience = Patience::new(self.first_pause);
        loop {
            let error = match self.models.embed(self.ctx, request(self.model, texts)).await {
                Ok(answer) => return Ok(answer.vectors),
                Err(error) => error,
            };
            match patience.after(&error) {
                Some(pause) => tokio::time::sleep(pause).await,
                None => return Err(error),
            }
        }
    }
}

/// Texts to embed. As everything of a job, it is in nobody's way who waits for an answer.
fn request(model: &str, texts: &[&str]) -> EmbedRequest {
    EmbedRequest {
        model: model.to_owned(),
        texts: texts.iter().map(|text| (*text).to_owned()).collect(),
        serving: SERVING,
        ..EmbedRequest::default()
    }
}

/// The mean of vectors by their weights.
fn mean<'a>(vectors: impl Iterator<Item = (&'a Vec<f32>, usize)>) -> Vec<f32> {
    let mut sum: Vec<f64> = Vec::new();
    let mut all = 0.0;
    for (vector, weight) in vectors {
        sum.resize(vector.len(), 0.0);
        sum.iter_mut().zip(vector).for_each(|(sum, value)| *sum += f64::from(*value) * weight as f64);
        all += weight as f64;
    }
    sum.into_iter().map(|value| (value / all) as f32).collect()
}

/// The cosine of the angle between two vectors, from −1 to 1; 0 where one has no length.
fn cosine(a: &[f32], b: &[f32]) -> f64 {
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum::<f64>();
    let lengths = (dot(a, a) * dot(b, b)).sqrt();
    if lengths > 0.0 { (dot(a, b) / lengths).clamp(-1.0, 1.0) } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cosine_is_that_of_the_directions() {
        assert!((cosine(&[1.0, 2.0], &[2.0, 4.0]) - 1.0).abs() < 1e-12);
        assert_eq!(cosine(&[1.0, 0.0], &[0.0, 3.0]), 0.0);
        assert_eq!(cosine(&[1.0, 0.0], &[-1.0, 0.0]), -1.0);
        assert_eq!(cosine(&[0.0, 0.0], &[1.0, 0.0]), 0.0);
    }

    #[test]
    fn texts_are_embedded_behind_those_that_somebody_waits_for() {
        let request = request("mini", &["a", "b"]);
        assert_eq!((request.model.as_str(), request.texts.len()), ("mini", 2));
        assert_eq!(request.serving.priority, models::Priority::Low);
    }

    #[test]
    fn pieces_count_by_their_tokens() {
        let (first, second) = (vec![1.0, 0.0], vec![0.0, 1.0]);
        assert_eq!(mean([(&first, 3), (&second, 1)].into_iter()), [0.75, 0.25]);
    }
}
