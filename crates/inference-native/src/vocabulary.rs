//! A model's vocabulary, read once: the thread that chooses tokens looks their bytes up without calling llama.cpp.

use std::sync::Arc;

use inference::backend::Vocabulary;
use inference::{Error, Result, Token};

use crate::llama::Model;

/// Control tokens that are a part of the answer: they mark tool calls.
const VISIBLE: [&str; 6] = ["[TOOL_CALLS]", "[ARGS]", "[CALL_ID]", "<|python_tag|>", "<tool_call>", "</tool_call>"];

pub(crate) struct NativeVocabulary {
    model: Arc<Model>,
    /// All tokens' bytes, one after the other.
    bytes: Vec<u8>,
    /// Where each token's bytes end.
    ends: Vec<u32>,
    /// Control tokens' spellings, ordered by token.
    special: Vec<(Token, String)>,
    /// Tokens that end an answer, ordered.
    closing: Vec<Token>,
    bos: Option<Token>,
    eos: Option<Token>,
    longest: usize,
}

impl NativeVocabulary {
    pub(crate) fn new(model: Arc<Model>) -> Self {
        let size = Token::try_from(model.tokens()).unwrap_or(0);
        let (mut bytes, mut ends) = (Vec::new(), Vec::with_capacity(size as usize));
        let (mut special, mut closing, mut longest) = (Vec::new(), Vec::new(), 1);
        for token in 0..size {
            let theirs = token as i32;
            let written = model.piece(theirs);
            longest = longest.max(written.len());
            bytes.extend(written);
            if model.ends(theirs) {
                closing.push(token);
            }
            if model.is_control(theirs) || model.ends(theirs) {
                let name = model.spelling(theirs);
                longest = longest.max(name.len());
                if VISIBLE.contains(&name.as_str()) {
                    bytes.extend(name.as_bytes());
                } else {
                    special.push((token, name));
                }
            }
            ends.push(bytes.len() as u32);
        }
        let bos = model.bos().filter(|_| model.adds_bos()).map(|token| token as Token);
        let eos = model.eos().or_else(|| model.eot()).map(|token| token as Token);
        Self { model, bytes, ends, special, closing, bos, eos, longest }
    }

    pub(crate) fn model(&self) -> &Arc<Model> {
        &self.model
    }

    /// The opening token's spelling, whether or not prompts begin with it: templates write it.
    pub(crate) fn bos_text(&self) -> String {
        self.model.bos().map(|token| self.model.spelling(token)).unwrap_or_default()
    }

    pub(crate) fn eos_text(&self) -> String {
        self.model.eos().map(|token| self.model.spelling(token)).unwrap_or_default()
    }
}

impl Vocabulary for NativeVocabulary {
    fn size(&self) -> u32 {
        self.ends.len() as u32
    }

    fn tokenize(&self, text: &str, parse_special: bool) -> Result<Vec<Token>> {
        let tokens = self.model.tokenize(text, parse_special);
        let tokens = tokens.ok_or_else(|| Error::Request { reason: "the text is longer than 2 GiB".to_owned() })?;
        Ok(tokens.into_iter().map(|token| token as Token).collect())
    }

    fn bytes(&self, token: Token) -> &[u8] {
        let token = token as usize;
        let Some(end) = self.ends.get(token) else { return &[] };
        let start = if token == 0 { 0 } else { self.ends[token - 1] };
        &self.bytes[start as usize..*end as usize]
    }

    fn special(&self, token: Token) -> Option<&str> {
        let at = self.special.binary_search_by_key(&token, |(token, _)| *token).ok()?;
        Some(&self.special[at].1)
    }

    fn ends(&self, token: Token) -> bool {
        self.closing.binary_search(&token).is_ok()
    }

    fn eos(&self) -> Option<Token> {
        self.eos
    }

    fn bos(&self) -> Option<Token> {
        self.bos
    }

    fn longest(&self) -> usize {
        self.longest
    }
}
