//! Texts read along.

use std::sync::atomic::AtomicBool;

use inference::backend::Vocabulary as _;
use inference::reading::{read_along as read, tokens_to_read};
use inference::{LoadOptions, Loader as _, ModelFiles, Reading, Result};

use crate::NativeLoader;
use crate::backend::{NativeContext, Shape};

/// Tokens that are read in one step. The logits of all of them are kept, with 128 Ki tokens in the vocabulary half a
/// MiB each.
pub(crate) const CHUNK: u32 = 64;

/// Reads a text in steps of `chunk` tokens, in a context that is as long as the text.
pub(crate) fn read_along(
    loader: &NativeLoader,
    files: &ModelFiles,
    options: &LoadOptions,
    (text, chunk): (&str, u32),
    cancelled: &AtomicBool,
) -> Result<Vec<Reading>> {
    let facts = loader.inspect(files)?;
    let vocabulary = loader.weights(&files.main, options)?;
    tracing::debug!(file = %files.main.display(), tokens = vocabulary.size(), "reading a text along");
    let tokens = tokens_to_read(&vocabulary, text, facts.context_per_sequence(options))?;
    let alone = LoadOptions { parallel: 1, context_per_sequence: (tokens.len() as u32).max(1), ..options.clone() };
    let shape = Shape::new(&facts, &alone, chunk, 1).in_steps();
    read(&mut NativeContext::new(vocabulary.model().clone(), shape), &tokens, chunk, cancelled)
}

#[cfg(test)]
mod tests;
