//! Reranking: how relevant texts are to a query, by a model that reads both.

use base::{Error, Result};
use identity::Ctx;
use models::{CardKind, ChatRequest, Message, Normalize, RawPrompt, ScorePrompt, ScoreRequest, ServedBy};

use super::Answers;

/// The most texts that are ranked at once, as Bedrock has it.
pub const MOST_TEXTS: usize = 1_000;
/// How many texts are scored at a time.
const AT_A_TIME: usize = 4;
/// The shortest part of a text that is ranked for all of it, in bytes.
const SHORTEST_PART: usize = 256;
/// How `models` says that a prompt does not fit into a context.
const TOO_LONG: &str = "Input is too long for requested model.";

/// Texts in the order of their relevance.
#[derive(Debug, Clone, PartialEq)]
pub struct Ranking {
    /// The texts' numbers with their relevance between 0 and 1, the most relevant first; of equals the first.
    pub order: Vec<(usize, f64)>,
    /// Who ranked.
    pub served_by: ServedBy,
}

impl Answers {
    /// Ranks texts by their relevance to a query. A model that generates text tells how likely it answers `yes` when asked
    /// whether a text answers the query, against `no`; of a model that embeds text the cosine of the vectors counts, as
    /// `(1 + cosine) / 2`.
    ///
    /// # Errors
    /// Invalid, where there is no text or there are too many; those of [`models::Models::score`] and
    /// [`models::Models::embed`].
    pub async fn rerank(&self, ctx: &Ctx, model: &str, query: &str, texts: &[String]) -> Result<Ranking> {
        if texts.is_empty() || texts.len() > MOST_TEXTS {
            return Err(Error::invalid(format!("`{}` texts to rank.", texts.len()))
                .with_hint(format!("Send 1 to {MOST_TEXTS}.")));
        }
        let (scores, served_by) = match self.kind_of(ctx, model).await? {
            CardKind::Embedding => self.by_vectors(ctx, model, query, texts).await?,
            CardKind::Text => self.by_scores(ctx, model, query, texts).await?,
        };
        let mut order: Vec<(usize, f64)> = scores.into_iter().enumerate().collect();
        order.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        Ok(Ranking { order, served_by })
    }

    async fn kind_of(&self, ctx: &Ctx, model: &str) -> Result<CardKind> {
        self.inner.models.kind(ctx, model).await
    }

    async fn by_vectors(&self, ctx: &Ctx, model: &str, query: &str, texts: &[String]) -> Result<(Vec<f64>, ServedBy)> {
        let (cosines, served_by) = self.cosines(ctx, model, query, texts.to_vec()).await?;
        let scores = cosines.into_iter().map(|cosine| (1.0 + f64::from(cosine)) / 2.0).collect();
        Ok((scores, served_by))
    }

    async fn by_scores(&self, ctx: &Ctx, model: &str, query: &str, texts: &[String]) -> Result<(Vec<f64>, ServedBy)> {
        use futures::future::{BoxFuture, FutureExt as _};
        use futures::stream::{self, StreamExt as _, TryStreamExt as _};
        // Boxed, so that the compiler sees that they can be sent to another thread.
        let asked: Vec<BoxFuture<'_, Result<models::Scores>>> =
            texts.iter().map(|text| self.score_of(ctx, model, query, text).boxed()).collect();
        let scores: Vec<models::Scores> = stream::iter(asked).buffered(AT_A_TIME).try_collect().await?;
        let served_by = scores.first().map(|scores| scores.served_by.clone());
        let served_by = served_by.ok_or_else(|| Error::internal("no score of a text"))?;
        let yes = |scores: &models::Scores| scores.probabilities(Normalize::None).first().copied().unwrap_or(0.0);
        Ok((scores.iter().map(yes).collect(), served_by))
    }
}

impl Answers {
    /// Scores a text, or as much of its beginning as the model has room for: that it is ranked counts for more than its end.
    async fn score_of(&self, ctx: &Ctx, model: &str, query: &str, text: &str) -> Result<models::Scores> {
        let mut end = text.len();
        loop {
            let part = &text[..text.floor_char_boundary(end)];
            match self.inner.models.score(ctx, relevance(model, query, part)).await {
                Err(error) if error.message.starts_with(TOO_LONG) && end > SHORTEST_PART => end /= 2,
                scored => return scored,
            }
        }
    }
}

/// The question whether a text answers a query, whose first continuation is that it does.
fn relevance(model: &str, query: &str, text: &str) -> ScoreRequest {
    let asked =
        format!("Passage: {text}\n\nQuery: {query}\n\nDoes the passage answer the query? Reply with Yes or No.");
    let chat = ChatRequest { model: model.to_owned(), messages: vec![Message::user(asked)], ..ChatRequest::default() };
    ScoreRequest {
        model: model.to_owned(),
        prompt: ScorePrompt::Chat(Box::new(chat)),
        continuations: ["Yes", "No"].map(|word| RawPrompt::Text(word.to_owned())).to_vec(),
        ..ScoreRequest::default()
    }
}
