//! Which tokens open and close texts and turns.

use serde_json::{Map, Value};

use super::json::TokenizerJson;
use super::{CONFIG, Files, GENERATION, Kind, TokenType, Vocabulary};
use crate::config::{Config, FILE as MODEL_CONFIG};
use crate::finding::Finding;

/// Special tokens by their role.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Special {
    pub(crate) bos: Option<u32>,
    pub(crate) eos: Option<u32>,
    pub(crate) unk: Option<u32>,
    pub(crate) pad: Option<u32>,
    /// Another token that ends an answer, which llama.cpp does not know by its spelling.
    pub(crate) eot: Option<u32>,
    pub(crate) add_bos: bool,
    pub(crate) add_eos: bool,
}

/// Tokens that llama.cpp knows to end an answer by their spelling (`special_eog_ids` in `llama-vocab.cpp`).
const KNOWN_ENDS: [&str; 12] = [
    "<|eot_id|>",
    "<|im_end|>",
    "<|end|>",
    "<end_of_turn>",
    "<|endoftext|>",
    "<|end_of_text|>",
    "<|eom_id|>",
    "<EOT>",
    "_<EOT>",
    "<|eot|>",
    "<|end_of_sentence|>",
    "</s>",
];

/// Reads the roles: from `tokenizer_config.json` by spelling, else from `config.json` by number.
pub(super) fn special(
    vocabulary: &Vocabulary,
    json: Option<&TokenizerJson>,
    files: &Files<'_>,
    config: &Config,
) -> Result<Special, Finding> {
    let role = |role: &str| -> Result<Option<u32>, Finding> {
        if let Some(text) = named(files.config, role) {
            // As transformers does, one that no token has is passed over; the number in config.json may still be right.
            if let Some(id) = find(vocabulary, text) {
                return Ok(Some(id));
            }
        }
        match config.special.get(role).map(first) {
            Some(Value::Number(number)) => Ok(Some(within(vocabulary, MODEL_CONFIG, role, number.as_u64())?)),
            _ => Ok(None),
        }
    };
    let (bos, eos) = (role("bos")?, role("eos")?);
    let (first_added, last_added) = added_by_template(json, vocabulary);
    let asked = |key: &str| files.config.get(key).and_then(Value::as_bool);
    // Without tokenizer.json the class decides, and those of SentencePiece models add one.
    let by_class = json.is_none() && vocabulary.kind == Kind::SentencePiece;
    let add_bos = asked("add_bos_token").unwrap_or(by_class || (first_added.is_some() && first_added == bos));
    let add_eos = asked("add_eos_token").unwrap_or(last_added.is_some() && last_added == eos);
    let special = Special {
        bos,
        eos,
        unk: role("unk")?,
        pad: role("pad")?,
        eot: None,
        add_bos: add_bos && bos.is_some(),
        add_eos: add_eos && eos.is_some(),
    };
    if special.eos.is_none() {
        let fix = "Name the token that ends an answer as `eos_token` in tokenizer_config.json.";
        return Err(Finding::error(CONFIG, "no token ends an answer (`eos_token`)", fix));
    }
    Ok(Special { eot: further_end(vocabulary, files, eos)?, ..special })
}

/// The spelling that `tokenizer_config.json` names for a role.
fn named<'a>(settings: &'a Map<String, Value>, role: &str) -> Option<&'a str> {
    let value = settings.get(&format!("{role}_token"))?;
    value.as_str().or_else(|| value.get("content")?.as_str())
}

/// A special token by its spelling.
fn find(vocabulary: &Vocabulary, text: &str) -> Option<u32> {
    let steers = |kind: TokenType| kind != TokenType::Unused;
    let at = vocabulary.tokens.iter().position(|token| token.text == text && steers(token.kind))?;
    u32::try_from(at).ok()
}

fn first(value: &Value) -> &Value {
    value.as_array().and_then(|list| list.first()).unwrap_or(value)
}

fn within(vocabulary: &Vocabulary, file: &str, role: &str, id: Option<u64>) -> Result<u32, Finding> {
    let fits = id.and_then(|id| u32::try_from(id).ok()).filter(|id| (*id as usize) < vocabulary.tokens.len());
    fits.ok_or_else(|| {
        let id = id.map_or_else(|| "no number".to_owned(), |id| id.to_string());
        let problem = format!("`{role}_token_id` is {id}, and there are {} tokens", vocabulary.tokens.len());
        Finding::error(file, problem, "Upload the files of one and the same model.")
    })
}

/// The tokens that the post-processor puts before and after each text.
fn added_by_template(json: Option<&TokenizerJson>, vocabulary: &Vocabulary) -> (Option<u32>, Option<u32>) {
    let Some(processor) = json.and_then(|json| json.post_processor.as_ref()) else { return (None, None) };
    let processors = processor.get("processors").and_then(Value::as_array).cloned();
    let template = processors
        .unwrap_or_else(|| vec![processor.clone()])
        .into_iter()
        .find(|processor| processor.get("type").and_then(Value::as_str) == Some("TemplateProcessing"));
    let Some(single) = template.as_ref().and_then(|template| template.get("single")?.as_array()) else {
        return (None, None);
    };
    let id = |part: Option<&Value>| {
        let text = part?.pointer("/SpecialToken/id")?.as_str()?;
        find(vocabulary, text)
    };
    match single.len() {
        0 | 1 => (None, None),
        _ => (id(single.first()), id(single.last())),
    }
}

/// A token that `generation_config.json` says ends an answer, besides `eos` and those that are known.
fn further_end(vocabulary: &Vocabulary, files: &Files<'_>, eos: Option<u32>) -> Result<Option<u32>, Finding> {
    let Some(ends) = files.generation.and_then(|generation| generation.get("eos_token_id")) else { return Ok(None) };
    let ends = match ends {
        Value::Array(list) => list.clone(),
        Value::Number(_) => vec![ends.clone()],
        _ => return Ok(None),
    };
    for end in &ends {
        let id = within(vocabulary, GENERATION, "eos", end.as_u64())?;
        let known = KNOWN_ENDS.contains(&vocabulary.spelling(Some(id)).as_str());
        if Some(id) != eos && !known {
            return Ok(Some(id));
        }
    }
    Ok(None)
}
