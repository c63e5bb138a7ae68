//! A checkpoint's tokenizer, as GGUF keeps it.
//!
//! Two kinds are known: byte-level BPE (GPT-2 and what came after it) and SentencePiece's BPE (Llama 2, Mistral). What
//! is not exactly one of the known ones is refused by name: a tokenizer that is almost right makes a model that is
//! almost right.

mod byte_level;
mod json;
mod pre;
mod protobuf;
mod sentencepiece;
mod special;

use serde_json::{Map, Value as Json};

use crate::config::Config;
use crate::finding::{Finding, Report};
use crate::gguf::Value;

pub use json::TokenizerJson;
pub use protobuf::{Piece, PieceKind, SentencePieceModel};

pub(crate) const JSON: &str = "tokenizer.json";
pub(crate) const MODEL: &str = "tokenizer.model";
pub(crate) const CONFIG: &str = "tokenizer_config.json";
pub(crate) const ADDED: &str = "added_tokens.json";
pub(crate) const GENERATION: &str = "generation_config.json";

/// The fix for a tokenizer of a kind that is not known.
const FIX_KIND: &str = "Byte-level BPE as of GPT-2, Llama 3, Qwen2 and SmolLM2, and SentencePiece's BPE as of Llama 2 and \
     Mistral can be imported.";
/// The fix for damage.
const FIX_DAMAGE: &str = "Save the tokenizer again with `save_pretrained` and upload its files.";

/// The files of a tokenizer, where they are there.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Files<'a> {
    pub(crate) json: Option<&'a [u8]>,
    pub(crate) model: Option<&'a [u8]>,
    pub(crate) added: Option<&'a [u8]>,
    pub(crate) config: &'a Settings,
    pub(crate) generation: Option<&'a Map<String, Json>>,
}

/// `tokenizer_config.json`; empty where there is none.
pub(crate) type Settings = Map<String, Json>;

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub(crate) enum TokenType {
    Normal = 1,
    Unknown = 2,
    Control = 3,
    UserDefined = 4,
    Unused = 5,
    Byte = 6,
}

/// A token of the vocabulary.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Token {
    pub(crate) text: String,
    pub(crate) kind: TokenType,
    /// Which of two merges comes first; SentencePiece's only.
    pub(crate) score: f32,
}

/// A vocabulary and everything else that GGUF says of tokens.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Vocabulary {
    pub(crate) kind: Kind,
    pub(crate) tokens: Vec<Token>,
    pub(crate) special: special::Special,
    /// Whether a text begins with a space that it does not have itself; SentencePiece's only.
    pub(crate) space_prefix: bool,
    pub(crate) template: Option<String>,
}

/// How text becomes tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    /// By the merges in order, in the words that llama.cpp's pre-tokenizer of this name finds.
    ByteLevel { pre: &'static str, merges: Vec<String> },
    /// By the tokens' scores.
    SentencePiece,
}

impl Vocabulary {
    /// Reads the tokenizer of a model; findings where it cannot be imported.
    pub(crate) fn read(files: &Files<'_>, config: &Config, report: &mut Report) -> Option<Self> {
        let before = report.errors().count();
        let json = match files.json {
            Some(json) => Some(report.keep(TokenizerJson::parse(json).map_err(|refusal| refusal.finding(JSON)))?),
            None => None,
        };
        let model = match files.model {
            // Beside a byte-level tokenizer it is not used.
            Some(_) if json.as_ref().is_some_and(|json| !json.is_sentencepiece()) => None,
            Some(model) => {
                Some(report.keep(SentencePieceModel::parse(model).map_err(|refusal| refusal.finding(MODEL)))?)
            }
            None => None,
        };
        let mut vocabulary = match (&json, &model) {
            (None, None) => {
                let fix = "Upload `tokenizer.json`, or `tokenizer.model`, with `tokenizer_config.json` beside it.";
                report.add(Finding::error(JSON, "the tokenizer is missing", fix));
                return None;
            }
            (Some(json), _) if !json.is_sentencepiece() => {
                report.keep(byte_level::vocabulary(json, config.vocabulary).map_err(|refusal| refusal.finding(JSON)))?
            }
            (json, model) => {
                let read = sentencepiece::vocabulary(json.as_ref(), model.as_ref(), files, config.vocabulary);
                report.keep(read)?
            }
        };
        notes(json.as_ref(), report);
        vocabulary.special = report.keep(special::special(&vocabulary, json.as_ref(), files, config))?;
        report.keep(vocabulary.check(config.vocabulary))?;
        (report.errors().count() == before).then_some(vocabulary)
    }

    /// Each text once, and not more tokens than the model has rows for.
    fn check(&self, rows: u64) -> Result<(), Finding> {
        let mut seen = std::collections::HashMap::with_capacity(self.tokens.len());
        for (id, token) in self.tokens.iter().enumerate() {
            // llama.cpp reads up to a zero, and gives an empty one another name.
            if token.text.is_empty() || token.text.contains('\0') {
                let problem = format!("the text of token {id} is empty or has a zero");
                return Err(Finding::error(JSON, problem, FIX_DAMAGE));
            }
            if let Some(other) = seen.insert(token.text.as_str(), id) {
                let problem = format!("the tokens {other} and {id} are both `{}`", token.text.escape_debug());
                return Err(Finding::error(JSON, problem, FIX_DAMAGE));
            }
        }
        debug_assert_eq!(self.tokens.len() as u64, rows, "tokens are padded to the rows");
        Ok(())
    }

    /// The spelling of a special token; empty where there is none.
    pub(crate) fn spelling(&self, id: Option<u32>) -> String {
        id.and_then(|id| self.tokens.get(id as usize)).map(|token| token.text.clone()).unwrap_or_default()
    }

    /// What GGUF says of it, in the order in which llama.cpp's converter writes it.
    pub(crate) fn metadata(&self) -> Vec<(String, Value)> {
        let mut all = Vec::new();
        let mut add = |key: &str, value| all.push((format!("tokenizer.{key}"), value));
        let (model, pre) = match &self.kind {
            Kind::ByteLevel { pre, .. } => ("gpt2", *pre),
            Kind::SentencePiece => ("llama", "default"),
        };
        add("ggml.model", Value::String(model.into()));
        add("ggml.pre", Value::String(pre.into()));
        add("ggml.tokens", Value::Strings(self.tokens.iter().map(|token| token.text.clone()).collect()));
        if self.kind == Kind::SentencePiece {
            add("ggml.scores", Value::F32s(self.tokens.iter().map(|token| token.score).collect()));
        }
        add("ggml.token_type", Value::I32s(self.tokens.iter().map(|token| token.kind as i32).collect()));
        if let Kind::ByteLevel { merges, .. } = &self.kind {
            add("ggml.merges", Value::Strings(merges.clone()));
        }
        add("ggml.add_space_prefix", Value::Bool(self.space_prefix));
        let special = &self.special;
        let ids = [
            ("ggml.bos_token_id", special.bos),
            ("ggml.eos_token_id", special.eos),
            ("ggml.eot_token_id", special.eot),
            ("ggml.unknown_token_id", special.unk),
            ("ggml.padding_token_id", special.pad),
        ];
        for (key, id) in ids {
            if let Some(id) = id {
                add(key, Value::U32(id));
            }
        }
        add("ggml.add_bos_token", Value::Bool(special.add_bos));
        add("ggml.add_eos_token", Value::Bool(special.add_eos));
        if let Some(template) = &self.template {
            add("chat_template", Value::String(template.clone()));
        }
        all
    }
}

/// What llama.cpp does in another way than the tokenizer asks for.
fn notes(json: Option<&TokenizerJson>, report: &mut Report) {
    let Some(json) = json else { return };
    if json.composes() {
        let problem = "text is composed first (NFC); here it is read as it comes";
        report.add(Finding::note(JSON, problem, "Send text in NFC, as keyboards and browsers write it."));
    }
    if let Some(added) = json.added.iter().find(|added| added.lstrip || added.rstrip || added.single_word) {
        let problem = format!("token `{}` takes the spaces beside it with it; here it does not", added.content);
        report.add(Finding::warning(JSON, problem, "Write no spaces beside this token."));
    }
}

/// Why a tokenizer's file was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// What is wrong.
    pub problem: String,
    /// Whether the file is whole and of a kind that is not known; otherwise it is damaged.
    pub unknown: bool,
}

impl Refusal {
    pub(crate) fn damaged(problem: impl Into<String>) -> Self {
        Self { problem: problem.into(), unknown: false }
    }

    pub(crate) fn unknown(problem: impl Into<String>) -> Self {
        Self { problem: problem.into(), unknown: true }
    }

    pub(crate) fn finding(self, file: &str) -> Finding {
        Finding::error(file, self.problem, if self.unknown { FIX_KIND } else { FIX_DAMAGE })
    }
}

/// Reads a `tokenizer.json`, and a vocabulary of `rows` tokens out of it, and throws both away: what a fuzzer runs.
///
/// # Errors
/// Says what is wrong.
pub fn check_json(json: &[u8], rows: u64) -> Result<(), Refusal> {
    let json = TokenizerJson::parse(json)?;
    match json.is_sentencepiece() {
        true => sentencepiece::from_json(&json, rows).map(drop),
        false => byte_level::vocabulary(&json, rows).map(drop),
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
