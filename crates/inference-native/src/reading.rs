//! Texts read along.

use std::sync::atomic::{AtomicBool, AtomicUsize};

use inference::reading::{PassageTokens, read_all as read};
use inference::{LoadOptions, Loader as _, ModelFiles, Passage, Reading, Result};

use crate::NativeLoader;
use crate::backend::{NativeContext, Shape};

/// Tokens that are read in one step. The logits of all of them are kept, with 128 Ki tokens in the vocabulary half a
/// MiB each.
pub(crate) const CHUNK: u32 = 64;

/// Reads passages in steps of `chunk` tokens, in a context that is as long as the longest of them.
pub(crate) fn read_all(
    loader: &NativeLoader,
    files: &ModelFiles,
    options: &LoadOptions,
    (passages, chunk): (&[Passage], u32),
    (cancelled, done): (&AtomicBool, &AtomicUsize),
) -> Result<Vec<Vec<Vec<Reading>>>> {
    let facts = loader.inspect(files)?;
    let vocabulary = loader.weights(&files.main, options)?;
    let context = facts.context_per_sequence(options);
    let tokens = passages.iter().map(|passage| PassageTokens::new(&vocabulary, passage, context));
    let tokens = tokens.collect::<Result<Vec<_>>>()?;
    let longest = tokens.iter().map(PassageTokens::longest).max().unwrap_or(0);
    tracing::debug!(file = %files.main.display(), passages = passages.len(), longest, "reading texts along");
    let context = (longest as u32).max(1);
    let alone = LoadOptions { parallel: 1, context_per_sequence: context, cores: Vec::new(), ..options.clone() };
    let shape = Shape::new(&facts, &alone, (0, chunk, 1)).in_steps();
    read(&mut NativeContext::new(vocabulary.model().clone(), shape), &tokens, chunk, cancelled, done)
}

#[cfg(test)]
mod tests;
