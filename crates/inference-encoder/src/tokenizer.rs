//! Text to token numbers, by the tokenizer that came with the model.

use std::path::Path;

use inference::{Error, Truncate};
use serde::Deserialize;
use tokenizers::models::wordpiece::WordPiece;
use tokenizers::normalizers::BertNormalizer;
use tokenizers::pre_tokenizers::bert::BertPreTokenizer;
use tokenizers::processors::bert::BertProcessing;

use crate::files::{model_file_error, read_json};

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
    /// Reads `tokenizer.json`, or `vocab.txt` if there is none, from a model's folder.
    ///
    /// `vocabulary` is the number of tokens that the model has rows for, `limit` the most that it reads of one text.
    pub(crate) fn read(folder: &Path, vocabulary: usize, limit: usize) -> Result<Self, Error> {
        let (whole, words) = (folder.join("tokenizer.json"), folder.join("vocab.txt"));
        let (path, tokenizer) = if whole.exists() || !words.exists() {
            let read = tokenizers::Tokenizer::from_file(&whole);
            (whole, read)
        } else {
            let read = from_words(folder, &words)?;
            (words, read)
        };
        let damaged = |reason: String| model_file_error(&path, reason, "pull the model again");
        let mut tokenizer = tokenizer.map_err(|error| damaged(format!("not a tokenizer: {error}")))?;
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

/// `tokenizer_config.json`, as far as it concerns a model without `tokenizer.json`.
#[derive(Deserialize)]
#[serde(default)]
struct TokenizerConfig {
    do_lower_case: bool,
    tokenize_chinese_chars: bool,
    strip_accents: Option<bool>,
}

impl Default for TokenizerConfig {
    fn default() -> Self {
        Self { do_lower_case: true, tokenize_chinese_chars: true, strip_accents: None }
    }
}

/// BERT's tokenizer over a file with one token a line.
fn from_words(folder: &Path, words: &Path) -> Result<tokenizers::Result<tokenizers::Tokenizer>, Error> {
    let path = folder.join("tokenizer_config.json");
    let config: TokenizerConfig = if path.exists() { read_json(&path)? } else { TokenizerConfig::default() };
    let build = || {
        let text = words.to_str().ok_or("the path is not UTF-8")?;
        let mut tokenizer = tokenizers::Tokenizer::new(WordPiece::from_file(text).build()?);
        let special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"];
        tokenizer.add_special_tokens(special.map(|token| tokenizers::AddedToken::from(token, true)))?;
        let id = |token: &str| tokenizer.token_to_id(token).ok_or(format!("no token `{token}`"));
        let (opening, closing) = (id("[CLS]")?, id("[SEP]")?);
        let lower = config.do_lower_case;
        let normalizer = BertNormalizer::new(true, config.tokenize_chinese_chars, config.strip_accents, lower);
        tokenizer.with_normalizer(Some(normalizer))?;
        tokenizer.with_pre_tokenizer(Some(BertPreTokenizer));
        let ends = BertProcessing::new(("[SEP]".to_owned(), closing), ("[CLS]".to_owned(), opening));
        tokenizer.with_post_processor(Some(ends));
        Ok(tokenizer)
    };
    Ok(build())
}
