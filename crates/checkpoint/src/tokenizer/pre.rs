//! Which of llama.cpp's pre-tokenizers cuts text as a `tokenizer.json` says.
//!
//! A pre-tokenizer is recognised by its whole configuration: the expressions that cut, and how. llama.cpp has the same
//! expressions, adapted to its own matcher (`llm_tokenizer_bpe` in `llama-vocab.cpp`).

use serde_json::Value;

use super::Refusal;

/// Cuts contractions, words, up to three digits, punctuation, lines, spaces.
const LLAMA3: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
/// As of Llama 3, but each digit alone.
const QWEN2: &str =
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
/// Mistral's Tekken: words are also cut between small and capital letters.
const TEKKEN: &str = r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+";

/// A step of a pre-tokenizer.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    /// Matches of the expression stand alone.
    Split(String),
    /// Each digit stands alone.
    Digits,
    /// Bytes become letters; before that, GPT-2's expression cuts, if it is asked to.
    Bytes { cuts: bool },
}

/// The name of llama.cpp's pre-tokenizer that does the same.
///
/// `whole_words`: a word that is a token is not merged (`ignore_merges`).
pub(super) fn recognise(pre_tokenizer: Option<&Value>, whole_words: bool) -> Result<&'static str, Refusal> {
    let steps = match pre_tokenizer {
        None | Some(Value::Null) => return Err(Refusal::unknown("it has no pre-tokenizer")),
        Some(value) => steps(value)?,
    };
    let name = match (steps.as_slice(), whole_words) {
        ([Step::Bytes { cuts: true }], false) => "gpt-2",
        ([Step::Digits, Step::Bytes { cuts: true }], false) => "smollm",
        ([Step::Split(cut), Step::Bytes { cuts: false }], true) if cut == LLAMA3 => "llama-bpe",
        ([Step::Split(cut), Step::Bytes { cuts: false }], false) if cut == LLAMA3 => "dbrx",
        ([Step::Split(cut), Step::Bytes { cuts: false }], false) if cut == QWEN2 => "qwen2",
        // llama.cpp looks whole words up first for this one, as its vocabulary is made for.
        ([Step::Split(cut), Step::Bytes { cuts: false }], _) if cut == TEKKEN => "tekken",
        _ => {
            let steps: Vec<String> = steps.iter().map(Step::describe).collect();
            let words = if whole_words { ", whole words first (`ignore_merges`)" } else { "" };
            return Err(Refusal::unknown(format!("the pre-tokenizer is not known: {}{words}", steps.join(", then "))));
        }
    };
    Ok(name)
}

fn steps(value: &Value) -> Result<Vec<Step>, Refusal> {
    let kind = value.get("type").and_then(Value::as_str).unwrap_or_default();
    let flag = |key: &str, default: bool| value.get(key).and_then(Value::as_bool).unwrap_or(default);
    match kind {
        "Sequence" => {
            let parts = value.get("pretokenizers").and_then(Value::as_array);
            let parts = parts.ok_or_else(|| Refusal::damaged("its pre-tokenizer is a sequence of nothing"))?;
            // A sequence within a sequence is none that is known.
            parts.iter().map(single).collect()
        }
        "ByteLevel" if flag("add_prefix_space", true) => {
            Err(Refusal::unknown("its pre-tokenizer adds a space before each text (`add_prefix_space`)"))
        }
        _ => Ok(vec![single(value)?]),
    }
}

fn single(value: &Value) -> Result<Step, Refusal> {
    let kind = value.get("type").and_then(Value::as_str).unwrap_or_default();
    let flag = |key: &str, default: bool| value.get(key).and_then(Value::as_bool).unwrap_or(default);
    let short = |text: &str| text.chars().take(200).collect::<String>();
    match kind {
        "ByteLevel" if flag("add_prefix_space", true) => {
            Err(Refusal::unknown("its pre-tokenizer adds a space before each text (`add_prefix_space`)"))
        }
        "ByteLevel" => Ok(Step::Bytes { cuts: flag("use_regex", true) }),
        "Digits" if flag("individual_digits", false) => Ok(Step::Digits),
        "Split" => {
            let isolated = value.get("behavior").and_then(Value::as_str) == Some("Isolated");
            let pattern = value.get("pattern").and_then(|pattern| pattern.get("Regex")).and_then(Value::as_str);
            match pattern {
                Some(pattern) if isolated && !flag("invert", false) => Ok(Step::Split(pattern.to_owned())),
                _ => Err(Refusal::unknown(format!("its pre-tokenizer cuts by {}", short(&value.to_string())))),
            }
        }
        other => Err(Refusal::unknown(format!("its pre-tokenizer has a step `{}` that is not known", short(other)))),
    }
}

impl Step {
    fn describe(&self) -> String {
        match self {
            Self::Split(cut) => format!("cut at `{}`", cut.chars().take(200).collect::<String>()),
            Self::Digits => "each digit alone".to_owned(),
            Self::Bytes { cuts: true } => "bytes, cut as GPT-2 does".to_owned(),
            Self::Bytes { cuts: false } => "bytes".to_owned(),
        }
    }
}
