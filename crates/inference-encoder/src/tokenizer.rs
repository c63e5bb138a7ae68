//! Text to token numbers, by the tokenizer that came with the model.

use std::ops::Range;
use std::path::Path;

use inference::{Error, Truncate};

use crate::files::model_file_error;

/// A model's tokenizer and the most tokens that it may give.
pub(crate) struct Tokenizer {
    tokenizer: tokenizers::Tokenizer,
    opening: u32,
    closing: u32,
    limit: usize,
}

/// The tokens of one text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tokens {
    /// What the model reads: opening token, text, closing token.
    pub(crate) kept: Vec<u32>,
    /// The number of tokens before truncation, opening and closing one included.
    pub(crate) before_truncation: usize,
}

impl Tokenizer {
    /// Reads `tokenizer.json` from a model's folder.
    ///
    /// `vocabulary` is the number of tokens that the model has rows for, `limit` the most that it reads of one text.
    pub(crate) fn read(folder: &Path, vocabulary: usize, limit: usize) -> Result<Self, Error> {
        let path = folder.join("tokenizer.json");
        let damaged = |reason: String| model_file_error(&path, reason, "pull the model again");
        let mut tokenizer =
            tokenizers::Tokenizer::from_file(&path).map_err(|error| damaged(format!("not a tokenizer: {error}")))?;
        tokenizer.with_padding(None);
        tokenizer.with_truncation(None).map_err(|error| damaged(error.to_string()))?;
        let largest = tokenizer.get_vocab(true).into_values().max().unwrap_or(0) as usize;
        if largest >= vocabulary {
            return Err(damaged(format!("it has token {largest} and the model has {vocabulary} tokens")));
        }
        let empty = tokenizer.encode_fast("", true).map_err(|error| damaged(error.to_string()))?;
        let [opening, closing] = *empty.get_ids() else {
            return Err(damaged("it does not put one token before and one after the text, as BERT's does".to_owned()));
        };
        Ok(Self { tokenizer, opening, closing, limit })
    }

    /// The most tokens that the model reads of one text, opening and closing one included.
    pub(crate) fn limit(&self) -> usize {
        self.limit
    }

    /// The number of tokens of a text before truncation, opening and closing one included.
    pub(crate) fn count(&self, text: &str) -> Result<usize, Error> {
        Ok(self.content(text)?.get_ids().len() + 2)
    }

    /// The bytes of a text that each of its tokens stands for.
    pub(crate) fn spans(&self, text: &str) -> Result<Vec<Range<usize>>, Error> {
        // Unlike `encode_fast` this keeps offsets.
        let failed = |error| Error::Engine { reason: format!("the tokenizer failed: {error}") };
        let encoding = self.tokenizer.encode(text, false).map_err(failed)?;
        Ok(encoding.get_offsets().iter().map(|(start, end)| *start..*end).collect())
    }

    /// The tokens of a text. Under [`Truncate::None`] none are cut off, however many there are.
    pub(crate) fn encode(&self, text: &str, truncate: Truncate) -> Result<Tokens, Error> {
        let encoding = self.content(text)?;
        let content = encoding.get_ids();
        let room = self.limit - 2;
        let kept = match truncate {
            Truncate::Start => &content[content.len().saturating_sub(room)..],
            Truncate::End => &content[..content.len().min(room)],
            Truncate::None => content,
        };
        let kept = std::iter::once(self.opening).chain(kept.iter().copied()).chain([self.closing]).collect();
        Ok(Tokens { kept, before_truncation: content.len() + 2 })
    }

    fn content(&self, text: &str) -> Result<tokenizers::Encoding, Error> {
        let failed = |error| Error::Engine { reason: format!("the tokenizer failed: {error}") };
        self.tokenizer.encode_fast(text, false).map_err(failed)
    }
}
