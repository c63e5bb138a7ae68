//! A vocabulary of bytes.

use crate::backend::Vocabulary;
use crate::{Result, Token};

/// The token that ends a turn, `<|im_end|>`.
pub const END: Token = 256;
/// The token that begins a turn, `<|im_start|>`.
pub const START: Token = 257;

/// 256 bytes and two control tokens.
#[derive(Debug, Clone, Copy, Default)]
pub struct FakeVocabulary;

static BYTES: [u8; 256] = {
    let mut bytes = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        bytes[byte] = byte as u8;
        byte += 1;
    }
    bytes
};

impl Vocabulary for FakeVocabulary {
    fn size(&self) -> u32 {
        258
    }

    fn tokenize(&self, text: &str, parse_special: bool) -> Result<Vec<Token>> {
        let mut tokens = Vec::with_capacity(text.len());
        let mut rest = text;
        while let Some(byte) = rest.as_bytes().first() {
            let special = [START, END]
                .into_iter()
                .find(|token| parse_special && self.special(*token).is_some_and(|name| rest.starts_with(name)));
            let (token, length) = match special {
                Some(token) => (token, self.special(token).map_or(1, str::len)),
                None => {
                    // A character's bytes are taken together, so that `rest` stays text.
                    let length = rest.chars().next().map_or(1, char::len_utf8);
                    tokens.extend(rest.as_bytes()[..length - 1].iter().map(|byte| Token::from(*byte)));
                    (Token::from(if length == 1 { *byte } else { rest.as_bytes()[length - 1] }), length)
                }
            };
            tokens.push(token);
            rest = &rest[length..];
        }
        Ok(tokens)
    }

    fn bytes(&self, token: Token) -> &[u8] {
        BYTES.get(token as usize).map_or(&[], std::slice::from_ref)
    }

    fn special(&self, token: Token) -> Option<&str> {
        match token {
            END => Some("<|im_end|>"),
            START => Some("<|im_start|>"),
            _ => None,
        }
    }

    fn ends(&self, token: Token) -> bool {
        token == END
    }

    fn eos(&self) -> Option<Token> {
        Some(END)
    }

    fn bos(&self) -> Option<Token> {
        None
    }

    fn longest(&self) -> usize {
        "<|im_start|>".len()
    }
}
