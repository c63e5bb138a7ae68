//! The vocabulary as the compiler of constraints sees it: a trie of its tokens, and the model's own tokenizer for what must
//! come next.

use std::sync::Arc;

use toktrie::{TokRxInfo, TokTrie, TokenId, TokenizerEnv};

use crate::backend::Vocabulary;
use crate::{Error, Result, Token};

/// A model's tokens.
pub(super) struct Tokenizer {
    trie: TokTrie,
    vocabulary: Arc<dyn Vocabulary>,
}

impl Tokenizer {
    /// Of the vocabulary.
    ///
    /// # Errors
    /// Constraint, where no token ends an answer.
    pub(super) fn new(vocabulary: Arc<dyn Vocabulary>) -> Result<Self> {
        let size = vocabulary.size();
        let words: Vec<Vec<u8>> = (0..size).map(|token| word(vocabulary.as_ref(), token)).collect();
        let mut ends: Vec<Token> = vocabulary.eos().into_iter().collect();
        ends.extend((0..size).filter(|token| vocabulary.ends(*token) && Some(*token) != vocabulary.eos()));
        let Some(eos) = ends.first() else {
            return Err(Error::Constraint { reason: "the model has no token that ends an answer".to_owned() });
        };
        let trie = TokTrie::from(&TokRxInfo::new(size, *eos), &words).with_eos_tokens(&ends);
        Ok(Self { trie, vocabulary })
    }

    /// The model's own tokens of the text; where they do not spell it (a tokenizer that opens each text with a space), the
    /// longest that do.
    fn tokens(&self, text: &str) -> Vec<TokenId> {
        let spelt = |tokens: &Vec<Token>| {
            tokens.iter().flat_map(|token| self.vocabulary.bytes(*token)).copied().eq(text.bytes())
        };
        let tokens = self.vocabulary.tokenize(text, false).ok().filter(spelt);
        tokens.unwrap_or_else(|| self.trie.greedy_tokenize(text.as_bytes()))
    }
}

impl TokenizerEnv for Tokenizer {
    fn tok_trie(&self) -> &TokTrie {
        &self.trie
    }

    fn tokenize_bytes(&self, bytes: &[u8]) -> Vec<TokenId> {
        self.trie.tokenize_with_greedy_fallback(bytes, |text| self.tokens(text))
    }
}

/// A control token is spelled with a leading byte that no text holds, so that no grammar admits it as text.
fn word(vocabulary: &dyn Vocabulary, token: Token) -> Vec<u8> {
    match vocabulary.special(token) {
        Some(name) => [&[TokTrie::SPECIAL_TOKEN_MARKER], name.as_bytes()].concat(),
        None => vocabulary.bytes(token).to_vec(),
    }
}
