//! A model's vocabulary, read once: the thread that chooses tokens looks their bytes up without calling llama.cpp.

use std::sync::Arc;

use inference::backend::Vocabulary;
use inference::{Error, Result, Token};
use llama_cpp_2::model::LlamaModel;
use llama_cpp_2::token::LlamaToken;

/// Control tokens that are a part of the answer: they mark tool calls.
const VISIBLE: [&str; 6] = ["[TOOL_CALLS]", "[ARGS]", "[CALL_ID]", "<|python_tag|>", "<tool_call>", "</tool_call>"];

pub(crate) struct NativeVocabulary {
    model: Arc<LlamaModel>,
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
    pub(crate) fn new(model: Arc<LlamaModel>) -> Self {
        let vocabulary = model.vocab();
        let size = Token::try_from(vocabulary.n_tokens()).unwrap_or(0);
        let (mut bytes, mut ends) = (Vec::new(), Vec::with_capacity(size as usize));
        let (mut special, mut closing, mut longest) = (Vec::new(), Vec::new(), 1);
        for token in 0..size {
            let theirs = LlamaToken::new(token as i32);
            let written = vocabulary.token_to_piece(theirs, false, None);
            longest = longest.max(written.len());
            bytes.extend(written);
            if vocabulary.is_eog(theirs) {
                closing.push(token);
            }
            if vocabulary.is_control(theirs) || vocabulary.is_eog(theirs) {
                let name = vocabulary.text(theirs).map(|name| name.to_string_lossy().into_owned());
                let name = name.unwrap_or_default();
                longest = longest.max(name.len());
                if VISIBLE.contains(&name.as_str()) {
                    bytes.extend(name.as_bytes());
                } else {
                    special.push((token, name));
                }
            }
            ends.push(bytes.len() as u32);
        }
        let known = |token: LlamaToken| Token::try_from(token.0).ok().filter(|token| *token < size);
        let bos = known(vocabulary.bos()).filter(|_| vocabulary.should_add_bos());
        let eos = known(vocabulary.eos()).or_else(|| known(vocabulary.eot()));
        Self { model, bytes, ends, special, closing, bos, eos, longest }
    }

    pub(crate) fn model(&self) -> &Arc<LlamaModel> {
        &self.model
    }

    /// The opening token's spelling, whether or not prompts begin with it: templates write it.
    pub(crate) fn bos_text(&self) -> String {
        self.text(self.model.vocab().bos())
    }

    pub(crate) fn eos_text(&self) -> String {
        self.text(self.model.vocab().eos())
    }

    fn text(&self, token: LlamaToken) -> String {
        match token.0 < 0 {
            true => String::new(),
            false => self.model.vocab().text(token).map(|text| text.to_string_lossy().into_owned()).unwrap_or_default(),
        }
    }
}

impl Vocabulary for NativeVocabulary {
    fn size(&self) -> u32 {
        self.ends.len() as u32
    }

    fn tokenize(&self, text: &str, parse_special: bool) -> Result<Vec<Token>> {
        if i32::try_from(text.len()).is_err() {
            return Err(Error::Request { reason: "the text is longer than 2 GiB".to_owned() });
        }
        let tokens = self.model.vocab().tokenize(text.as_bytes(), false, parse_special);
        Ok(tokens.into_iter().map(|token| token.0 as Token).collect())
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
