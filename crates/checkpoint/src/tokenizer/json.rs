//! `tokenizer.json`, the form of Hugging Face's `tokenizers`.

use std::collections::HashMap;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::Value;

use super::Refusal;

/// More tokens are refused.
const MOST_TOKENS: u32 = 1 << 20;

/// A tokenizer that merges pairs.
#[derive(Debug, Clone)]
pub struct TokenizerJson {
    /// Tokens that are found before anything else.
    pub(crate) added: Vec<Added>,
    pub(crate) normalizer: Option<Value>,
    pub(crate) pre_tokenizer: Option<Value>,
    pub(crate) post_processor: Option<Value>,
    pub(crate) model: Model,
}

/// A token that is found before anything else.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Added {
    pub(crate) id: u32,
    pub(crate) content: String,
    #[serde(default)]
    pub(crate) single_word: bool,
    #[serde(default)]
    pub(crate) lstrip: bool,
    #[serde(default)]
    pub(crate) rstrip: bool,
    #[serde(default)]
    pub(crate) special: bool,
}

/// A token's text, and what is said of it where it was added.
pub(crate) type Placed<'a> = (&'a str, Option<&'a Added>);

/// The merging model.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Model {
    #[serde(default)]
    pub(crate) dropout: Option<f64>,
    #[serde(default)]
    pub(crate) unk_token: Option<String>,
    #[serde(default)]
    continuing_subword_prefix: Option<String>,
    #[serde(default)]
    end_of_word_suffix: Option<String>,
    #[serde(default)]
    pub(crate) byte_fallback: bool,
    #[serde(default)]
    pub(crate) ignore_merges: bool,
    vocab: Ids,
    merges: Vec<Merge>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
enum Merge {
    Joined(String),
    Pair(String, String),
}

impl TokenizerJson {
    /// Reads the file.
    ///
    /// # Errors
    /// Says what is wrong, or which kind it is of.
    pub fn parse(json: &[u8]) -> Result<Self, Refusal> {
        #[derive(Deserialize)]
        struct Outline {
            model: OfModel,
        }
        #[derive(Deserialize)]
        struct OfModel {
            #[serde(rename = "type")]
            kind: Option<String>,
        }
        #[derive(Deserialize)]
        struct Whole {
            #[serde(default)]
            added_tokens: Vec<Added>,
            #[serde(default)]
            normalizer: Option<Value>,
            #[serde(default)]
            pre_tokenizer: Option<Value>,
            #[serde(default)]
            post_processor: Option<Value>,
            model: Model,
        }
        let damaged = |error: serde_json::Error| Refusal::damaged(format!("it is no tokenizer: {error}"));
        let outline: Outline = serde_json::from_slice(json).map_err(damaged)?;
        match outline.model.kind.as_deref() {
            None | Some("BPE") => {}
            Some(other) => {
                let other: String = other.chars().take(60).collect();
                return Err(Refusal::unknown(format!("a tokenizer of the kind `{other}` is not supported")));
            }
        }
        let whole: Whole = serde_json::from_slice(json).map_err(damaged)?;
        let read = Self {
            added: whole.added_tokens,
            normalizer: whole.normalizer,
            pre_tokenizer: whole.pre_tokenizer,
            post_processor: whole.post_processor,
            model: whole.model,
        };
        read.check()?;
        Ok(read)
    }

    fn check(&self) -> Result<(), Refusal> {
        let model = &self.model;
        if model.dropout.is_some_and(|dropout| dropout != 0.0) {
            return Err(Refusal::unknown("it leaves merges out by chance (`dropout`)"));
        }
        for (name, affix) in [
            ("continuing_subword_prefix", &model.continuing_subword_prefix),
            ("end_of_word_suffix", &model.end_of_word_suffix),
        ] {
            if affix.as_ref().is_some_and(|affix| !affix.is_empty()) {
                return Err(Refusal::unknown(format!("its tokens have a `{name}`")));
            }
        }
        let ids = model.vocab.0.values().chain(self.added.iter().map(|added| &added.id));
        match ids.max() {
            None => Err(Refusal::damaged("it has no tokens")),
            Some(most) if *most >= MOST_TOKENS => Err(Refusal::damaged(format!("it has a token {most}"))),
            Some(_) => Ok(()),
        }
    }

    /// Whether it is of SentencePiece's kind: what is in no token becomes bytes.
    #[must_use]
    pub fn is_sentencepiece(&self) -> bool {
        self.model.byte_fallback
    }

    /// Whether text is composed (NFC) before it is cut.
    pub(crate) fn composes(&self) -> bool {
        self.normalizer.as_ref().and_then(|normalizer| normalizer.get("type")?.as_str()) == Some("NFC")
    }

    /// The tokens of the merging model by their text.
    pub(crate) fn ids(&self) -> &HashMap<String, u32> {
        &self.model.vocab.0
    }

    /// All tokens by their number, `rows` of them; none where a number has no token. Added ones are marked.
    pub(crate) fn by_id(&self, rows: u64) -> Result<Vec<Option<Placed<'_>>>, Refusal> {
        let mut tokens: Vec<Option<Placed<'_>>> = vec![None; rows as usize];
        let mut place = |id: u32, text, added: Option<_>| {
            let Some(slot) = tokens.get_mut(id as usize) else {
                let problem = format!("it has a token {id}, and config.json promises {rows} tokens (`vocab_size`)");
                return Err(Refusal::damaged(problem));
            };
            match slot.replace((text, added)) {
                Some((other, None)) if added.is_none() || other != text => {
                    let (other, text) = (other.escape_debug(), text.escape_debug());
                    Err(Refusal::damaged(format!("the token {id} is `{other}` and `{text}`")))
                }
                Some((other, Some(_))) if other != text => {
                    Err(Refusal::damaged(format!("the added token {id} is written twice")))
                }
                _ => Ok(()),
            }
        };
        for (text, id) in self.ids() {
            place(*id, text.as_str(), None)?;
        }
        for added in &self.added {
            place(added.id, added.content.as_str(), Some(added))?;
        }
        Ok(tokens)
    }

    /// The merges in order: both parts and the token that they become.
    pub(crate) fn merges(&self) -> Result<Vec<(&str, &str, u32)>, Refusal> {
        let ids = self.ids();
        let mut joined = String::new();
        let mut all = Vec::with_capacity(self.model.merges.len());
        for (rank, merge) in self.model.merges.iter().enumerate() {
            let parts = match merge {
                Merge::Pair(left, right) => Some((left.as_str(), right.as_str())),
                Merge::Joined(text) => text.split_once(' ').filter(|(_, right)| !right.contains(' ')),
            };
            let (left, right) = parts.ok_or_else(|| Refusal::damaged(format!("merge {rank} is not of two parts")))?;
            joined.clear();
            joined.push_str(left);
            joined.push_str(right);
            let known = ids.contains_key(left) && ids.contains_key(right);
            match ids.get(joined.as_str()).filter(|_| known && !left.is_empty() && !right.is_empty()) {
                Some(id) => all.push((left, right, *id)),
                None => {
                    let (left, right) = (left.escape_debug(), right.escape_debug());
                    let problem = format!("merge {rank}, of `{left}` and `{right}`, is not of three tokens");
                    return Err(Refusal::damaged(problem));
                }
            }
        }
        Ok(all)
    }
}

/// Tokens by their text, each once.
#[derive(Debug, Clone)]
struct Ids(HashMap<String, u32>);

impl<'de> Deserialize<'de> for Ids {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries;
        impl<'de> Visitor<'de> for Entries {
            type Value = Ids;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of tokens and their numbers")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Ids, A::Error> {
                let mut ids = HashMap::new();
                while let Some((text, id)) = map.next_entry::<String, u32>()? {
                    if ids.insert(text.clone(), id).is_some() {
                        return Err(serde::de::Error::custom(format!("token `{text}` appears twice")));
                    }
                }
                Ok(Ids(ids))
            }
        }
        deserializer.deserialize_map(Entries)
    }
}
