//! What is found for a question: retrieved, by one query or several, and put into order.

use std::collections::HashSet;

use base::{Error, Result};
use identity::Ctx;
use knowledge::{Passage, Retrieved};
use models::{ServedBy, Usage};
use search::{Filter, Value};

use super::Answers;
use super::ask::{RerankMetadata, Reranking, Search};
use super::sessions::Turn;

/// What the names of metadata begin with that Bedrock adds.
const ADDED: &str = "x-amz-bedrock-kb-";

/// What was found for a search.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// The passages; where a model ranked them, in its order and with its scores.
    pub retrieved: Retrieved,
    /// The model that ranked them, where one did.
    pub ranked_by: Option<ServedBy>,
    /// The tokens of the model that read conditions out of the question, where one did.
    pub usage: Usage,
}

/// What may answer a question.
pub(crate) struct Gathered {
    /// The passages, best first.
    pub(crate) passages: Vec<Passage>,
    /// The embedding model that found them.
    pub(crate) embedding_model: Option<String>,
    /// The tokens that models took to make searches of the question.
    pub(crate) usage: Usage,
    /// Of them, those of the model that read conditions out of it.
    pub(crate) conditions: Usage,
}

impl Answers {
    /// The passages that a search finds, out of those that the reader may see.
    ///
    /// # Errors
    /// As [`knowledge::Knowledge::retrieve`], [`Answers::rerank`] and [`models::Models::chat`].
    pub async fn retrieve(&self, ctx: &Ctx, search: Search) -> Result<Found> {
        let question = search.retrieve.text.clone();
        let (mut ask, mut usage) = (search.retrieve, Usage::default());
        if let Some(implicit) = &search.implicit_filter {
            let (read, spent) = self.conditions(ctx, implicit, &question).await?;
            ask.filter = both(ask.filter, read);
            usage += spent;
        }
        let mut retrieved = self.inner.library.retrieve(ctx, ask).await?;
        let mut ranked_by = None;
        if let Some(reranking) = &search.reranking {
            let passages = std::mem::take(&mut retrieved.passages);
            (retrieved.passages, ranked_by) = self.ranked(ctx, reranking, &question, passages).await?;
        }
        Ok(Found { retrieved, ranked_by, usage })
    }

    /// The passages for a question by the queries, which took `usage`.
    pub(crate) async fn found(
        &self,
        ctx: &Ctx,
        search: &Search,
        (queries, mut usage): (Vec<String>, Usage),
    ) -> Result<Gathered> {
        let question = queries.first().cloned().ok_or_else(|| Error::internal("a question without a query"))?;
        let (mut ask, mut conditions) = (search.retrieve.clone(), Usage::default());
        if let Some(implicit) = &search.implicit_filter {
            let (read, spent) = self.conditions(ctx, implicit, &question).await?;
            ask.filter = both(ask.filter.take(), read);
            usage += spent;
            conditions = spent;
        }
        let (most, mut lists, mut model) = (ask.results, Vec::new(), None);
        for text in queries {
            let retrieved = self.inner.library.retrieve(ctx, knowledge::Retrieve { text, ..ask.clone() }).await?;
            model = Some(retrieved.embedding_model);
            lists.push(retrieved.passages);
        }
        let mut passages = in_turn(lists, most);
        if let Some(reranking) = &search.reranking {
            passages = self.ranked(ctx, reranking, &question, passages).await?.0;
        }
        Ok(Gathered { passages, embedding_model: model, usage, conditions })
    }

    async fn ranked(
        &self,
        ctx: &Ctx,
        reranking: &Reranking,
        question: &str,
        passages: Vec<Passage>,
    ) -> Result<(Vec<Passage>, Option<ServedBy>)> {
        if passages.is_empty() {
            return Ok((passages, None));
        }
        let texts: Vec<String> = passages.iter().map(|passage| told(passage, &reranking.metadata)).collect();
        let ranking = self.rerank(ctx, &reranking.model, question, &texts).await?;
        let most = reranking.results.unwrap_or(usize::MAX);
        let mut left: Vec<Option<Passage>> = passages.into_iter().map(Some).collect();
        let ranked = ranking.order.into_iter().take(most).filter_map(|(at, score)| {
            let passage = left.get_mut(at)?.take()?;
            Some(Passage { score, ..passage })
        });
        Ok((ranked.collect(), Some(ranking.served_by)))
    }
}

/// The queries for a question that continues a conversation: itself, and itself after the question before, as `and for
/// vans?` means nothing alone.
pub(crate) fn in_context(question: &str, turns: &[Turn]) -> Vec<String> {
    let alone = question.to_owned();
    match turns.last() {
        Some(last) => vec![alone, format!("{}\n{question}", last.question)],
        None => vec![alone],
    }
}

/// The passages of several lists, the first of each, then the second of each and so on, each passage once.
fn in_turn(lists: Vec<Vec<Passage>>, most: usize) -> Vec<Passage> {
    let mut seen = HashSet::new();
    let longest = lists.iter().map(Vec::len).max().unwrap_or(0);
    let mut lists: Vec<_> = lists.into_iter().map(Vec::into_iter).collect();
    let mut merged = Vec::new();
    for _ in 0..longest {
        for passage in lists.iter_mut().filter_map(Iterator::next) {
            if seen.insert(passage.chunk.clone()) {
                merged.push(passage);
            }
        }
    }
    merged.truncate(most);
    merged
}

fn both(a: Option<Filter>, b: Option<Filter>) -> Option<Filter> {
    match (a, b) {
        (Some(a), Some(b)) => Some(Filter::And(vec![a, b])),
        (a, b) => a.or(b),
    }
}

/// What a reranking model reads of a passage.
fn told(passage: &Passage, metadata: &RerankMetadata) -> String {
    let wanted = |name: &&String| match metadata {
        RerankMetadata::None => false,
        RerankMetadata::All => !name.starts_with(ADDED),
        RerankMetadata::Only(names) => names.contains(name),
        RerankMetadata::Without(names) => !name.starts_with(ADDED) && !names.contains(name),
    };
    let lines = passage
        .metadata
        .iter()
        .filter(|(name, _)| wanted(name))
        .map(|(name, value)| format!("{name}: {}\n", plain(value)));
    lines.chain([passage.text.clone()]).collect()
}

fn plain(value: &Value) -> String {
    match value {
        Value::Text(text) => text.clone(),
        Value::TextList(texts) => texts.join(", "),
        other => other.to_string(),
    }
}
