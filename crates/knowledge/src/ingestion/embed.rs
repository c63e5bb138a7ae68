//! Embedding many passages: the longest first, in batches of about equal length.

use std::cmp::Reverse;
use std::ops::Range;

use base::{Error, Result};
use identity::Ctx;

use super::prepare::Worker;
use crate::chunking::{Chunking, Plan, Tokens, plan};
use crate::ports::Purpose;

/// The most texts and tokens that the model is given at once.
const BATCH_TEXTS: usize = 64;
const BATCH_TOKENS: usize = 8_192;
/// Tokens that are left free of those that the model reads: the opening and the closing one, and what a word that is cut
/// takes more in two parts.
const MARGIN: usize = 16;
/// The fewest tokens of a text that the model is given at once.
const LEAST_ROOM: usize = 8;

/// A passage to embed.
pub(super) struct Passage<'a> {
    /// What is embedded before it.
    pub(super) preface: &'a str,
    pub(super) text: &'a str,
    /// The text's tokens.
    pub(super) tokens: usize,
}

/// A text that the model reads whole, and the passage that it is of.
struct Piece {
    passage: usize,
    text: String,
    tokens: usize,
}

impl Worker<'_> {
    /// The vectors of passages, in order. That of a passage which is longer than the model reads is the mean of the
    /// vectors of its parts, each counted by its tokens.
    pub(super) async fn embed(&self, role: &Ctx, passages: &[Passage<'_>]) -> Result<Vec<Vec<f32>>> {
        let mut pieces = Vec::with_capacity(passages.len());
        let mut known: Option<(&str, usize)> = None;
        for (number, passage) in passages.iter().enumerate() {
            let preface = match known {
                _ if passage.preface.is_empty() => 0,
                Some((preface, tokens)) if preface == passage.preface => tokens,
                _ => self.tokens(role, passage.preface).await?.len(),
            };
            known = Some((passage.preface, preface));
            pieces.extend(self.pieces(role, (number, passage), preface).await?);
        }
        pieces.sort_by_key(|piece| Reverse(piece.tokens));
        let mut vectors = vec![vec![0.0_f32; self.model.dimension]; passages.len()];
        for batch in batches(&pieces) {
            if self.cancelled.is_cancelled() {
                return Err(Error::unavailable("The work was stopped."));
            }
            let batch = &pieces[batch];
            let texts = batch.iter().map(|piece| piece.text.clone()).collect();
            let model = &self.base.embedding_model;
            let embedded = self.knowledge.inner.embedder.embed(role, model, texts, Purpose::Passage).await?;
            for (piece, vector) in batch.iter().zip(embedded) {
                if vector.len() != self.model.dimension {
                    let (has, wanted) = (vector.len(), self.model.dimension);
                    return Err(Error::conflict(format!("`{model}` gave a vector of {has} dimensions, not {wanted}.")));
                }
                let weight = piece.tokens.max(1) as f32;
                vectors[piece.passage].iter_mut().zip(vector).for_each(|(sum, x)| *sum += weight * x);
            }
        }
        Ok(vectors)
    }

    /// The passage in parts that the model reads whole.
    async fn pieces(&self, role: &Ctx, (number, passage): (usize, &Passage<'_>), preface: usize) -> Result<Vec<Piece>> {
        let whole = self.model.max_tokens.saturating_sub(MARGIN).max(LEAST_ROOM);
        let Some(room) = whole.checked_sub(preface).filter(|room| *room >= whole / 2) else {
            let text =
                format!("The metadata that are embedded have {preface} tokens, too many for the embedding model.");
            return Err(Error::invalid(text).with_hint("Set `includeForEmbedding` for fewer of them."));
        };
        let piece = |text: &str, tokens: usize| Piece {
            passage: number,
            text: format!("{}{text}", passage.preface),
            tokens: preface + tokens,
        };
        if passage.tokens <= room {
            return Ok(vec![piece(passage.text, passage.tokens)]);
        }
        let tokens = Tokens::new(passage.text, &self.tokens(role, passage.text).await?);
        let parts = Chunking::Fixed { max_tokens: room, overlap_percentage: 0 };
        match plan(passage.text, &[], &tokens, Some(&parts)) {
            Plan::Cuts(cuts) => Ok(cuts.into_iter().map(|cut| piece(&passage.text[cut.span], cut.tokens)).collect()),
            Plan::Groups(_) => Err(Error::internal("parts of a size do not depend on vectors")),
        }
    }

    async fn tokens(&self, role: &Ctx, text: &str) -> Result<Vec<Range<usize>>> {
        self.knowledge.inner.embedder.tokens(role, &self.base.embedding_model, text).await
    }
}

/// Runs of pieces that are embedded together.
fn batches(pieces: &[Piece]) -> Vec<Range<usize>> {
    let (mut batches, mut start, mut tokens) = (Vec::new(), 0, 0);
    for (at, piece) in pieces.iter().enumerate() {
        if at > start && (at - start == BATCH_TEXTS || tokens + piece.tokens > BATCH_TOKENS) {
            batches.push(start..at);
            (start, tokens) = (at, 0);
        }
        tokens += piece.tokens;
    }
    if start < pieces.len() {
        batches.push(start..pieces.len());
    }
    batches
}
