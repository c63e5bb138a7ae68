//! Byte-level BPE: each byte is a letter, and pairs are merged in the order of a list.

use super::json::{Added, TokenizerJson};
use super::special::Special;
use super::{Kind, Refusal, Token, TokenType, Vocabulary, pre};

/// The vocabulary, padded to `rows` tokens.
pub(super) fn vocabulary(json: &TokenizerJson, rows: u64) -> Result<Vocabulary, Refusal> {
    check_normalizer(json)?;
    let pre = pre::recognise(json.pre_tokenizer.as_ref(), json.model.ignore_merges)?;
    let merges = json.merges()?;
    if let Some((left, right, _)) = merges.iter().find(|(left, right, _)| left.contains(' ') || right.contains(' ')) {
        let problem = format!("the merge of `{left}` and `{right}` has a space, which is no byte's letter");
        return Err(Refusal::damaged(problem));
    }
    let tokens = json.by_id(rows)?;
    let tokens = tokens.iter().enumerate().map(|(id, token)| match token {
        Some((text, added)) => token_of(text, *added),
        None => padding(id),
    });
    Ok(Vocabulary {
        tokens: tokens.collect(),
        kind: Kind::ByteLevel {
            pre,
            merges: merges.iter().map(|(left, right, _)| format!("{left} {right}")).collect(),
        },
        special: Special::default(),
        space_prefix: false,
        template: None,
    })
}

fn check_normalizer(json: &TokenizerJson) -> Result<(), Refusal> {
    match json.normalizer.as_ref().filter(|normalizer| !normalizer.is_null()) {
        None => Ok(()),
        Some(_) if json.composes() => Ok(()),
        Some(other) => {
            let other: String = other.to_string().chars().take(200).collect();
            Err(Refusal::unknown(format!("it changes the text first: {other}")))
        }
    }
}

fn token_of(text: &str, added: Option<&Added>) -> Token {
    let kind = match added {
        None => TokenType::Normal,
        Some(added) if added.special || looks_special(text) => TokenType::Control,
        Some(_) => TokenType::UserDefined,
    };
    Token { text: text.to_owned(), kind, score: 0.0 }
}

/// A row that no token has.
pub(super) fn padding(id: usize) -> Token {
    Token { text: format!("[PAD{id}]"), kind: TokenType::Unused, score: -10_000.0 }
}

/// Whether an added token steers, though it is not marked so: llama.cpp's converter knows some by their spelling.
pub(super) fn looks_special(text: &str) -> bool {
    let within = |open: &str, close: &str| text.starts_with(open) && text.ends_with(close);
    matches!(text, "<pad>" | "<mask>" | "<2mass>" | "[@BOS@]")
        || within("<|", "|>")
        || within("<｜", "｜>")
        || within("<unused", ">")
}
