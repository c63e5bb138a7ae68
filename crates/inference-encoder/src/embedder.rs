use std::cmp::Reverse;
use std::ops::Range;
use std::sync::Arc;

use inference::{Embedder, EmbedderInfo, Embeddings, Error, Truncate};

use crate::config::Config;
use crate::encoder::{Buffers, Encoder};
use crate::tokenizer::{Tokenizer, Tokens};
use crate::workers::Workers;

/// The most tokens of one batch, unless a single text has more. Chosen so that the layers' states of that many tokens stay in
/// the second-level cache for the most part, and the weights are read from memory seldom enough.
const BATCH_TOKENS: usize = 240;
/// The fewest tokens that are worth a batch of their own.
const MIN_BATCH_TOKENS: usize = 48;
/// Texts that one task tokenizes.
const TEXTS_PER_TASK: usize = 128;

/// A loaded encoder with its threads.
pub(crate) struct EncoderEmbedder {
    info: EmbedderInfo,
    tokenizer: Arc<Tokenizer>,
    encoder: Arc<Encoder>,
    workers: Workers<Buffers>,
}

/// Texts' numbers in the request, and their tokens.
type Batch = Vec<(usize, Vec<u32>)>;

impl EncoderEmbedder {
    /// Starts the threads.
    pub(crate) fn new(
        config: Config,
        tokenizer: Tokenizer,
        encoder: Encoder,
        threads: usize,
        memory_bytes: u64,
    ) -> Result<Self, Error> {
        let info = EmbedderInfo {
            name: config.name,
            dimensions: config.hidden as u32,
            max_tokens: tokenizer.limit() as u32,
            memory_bytes,
        };
        let failed = |error| Error::Engine { reason: format!("cannot start the encoder's threads: {error}") };
        let workers = Workers::start(threads).map_err(failed)?;
        Ok(Self { info, tokenizer: Arc::new(tokenizer), encoder: Arc::new(encoder), workers })
    }

    fn tokenize(&self, texts: &[String], truncate: Truncate) -> Result<Vec<Tokens>, Error> {
        let tokenizer = Arc::clone(&self.tokenizer);
        let tasks = texts.chunks(TEXTS_PER_TASK).map(<[String]>::to_vec).collect();
        let tokenized = self.workers.map(tasks, move |texts: Vec<String>, _| {
            texts.iter().map(|text| tokenizer.encode(text, truncate)).collect::<Result<Vec<_>, _>>()
        })?;
        let tokenized: Vec<_> = tokenized.into_iter().collect::<Result<_, _>>()?;
        let tokens: Vec<Tokens> = tokenized.into_iter().flatten().collect();
        let limit = self.tokenizer.limit();
        match tokens.iter().position(|tokens| tokens.kept.len() > limit) {
            Some(index) => Err(Error::InputTooLong { index, tokens: tokens[index].before_truncation, limit }),
            None => Ok(tokens),
        }
    }
}

impl Embedder for EncoderEmbedder {
    fn info(&self) -> &EmbedderInfo {
        &self.info
    }

    fn embed(&self, texts: &[String], truncate: Truncate) -> Result<Embeddings, Error> {
        let tokens = self.tokenize(texts, truncate)?;
        let token_counts = tokens.iter().map(|tokens| tokens.kept.len() as u32).collect();
        let encoder = Arc::clone(&self.encoder);
        let batches = batches(tokens, self.workers.count());
        let encoded = self.workers.map(batches, move |batch: Batch, buffers| {
            let tokens: Vec<&[u32]> = batch.iter().map(|(_, tokens)| tokens.as_slice()).collect();
            let vectors = encoder.encode(&tokens, buffers);
            batch.iter().map(|(index, _)| *index).zip(vectors).collect::<Vec<_>>()
        })?;
        let mut vectors = vec![Vec::new(); texts.len()];
        for (index, vector) in encoded.into_iter().flatten() {
            vectors[index] = vector;
        }
        Ok(Embeddings { vectors, token_counts })
    }

    fn count(&self, text: &str) -> Result<u32, Error> {
        Ok(u32::try_from(self.tokenizer.count(text)?).unwrap_or(u32::MAX))
    }

    fn spans(&self, text: &str) -> Result<Vec<Range<usize>>, Error> {
        self.tokenizer.spans(text)
    }
}

/// Splits texts into batches of about equal work: the longest texts first, so that the threads end together.
fn batches(tokens: Vec<Tokens>, threads: usize) -> Vec<Batch> {
    let mut texts: Batch = tokens.into_iter().map(|tokens| tokens.kept).enumerate().collect();
    texts.sort_by_key(|(_, tokens)| Reverse(tokens.len()));
    let total: usize = texts.iter().map(|(_, tokens)| tokens.len()).sum();
    let most = total.div_ceil(threads).clamp(MIN_BATCH_TOKENS, BATCH_TOKENS);
    let mut batches: Vec<Batch> = Vec::new();
    let mut held = usize::MAX;
    for text in texts {
        held = held.saturating_add(text.1.len());
        match batches.last_mut() {
            Some(batch) if held <= most => batch.push(text),
            _ => {
                held = text.1.len();
                batches.push(vec![text]);
            }
        }
    }
    batches
}

#[cfg(test)]
mod tests;
