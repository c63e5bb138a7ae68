//! SentencePiece's BPE: characters are merged in the order of the tokens' scores; what is in no token becomes bytes.

use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value};

use super::byte_level::{looks_special, padding};
use super::json::TokenizerJson;
use super::protobuf::{PieceKind, SentencePieceModel};
use super::special::Special;
use super::{ADDED, CONFIG, FIX_DAMAGE, Files, JSON, Kind, MODEL, Refusal, Token, TokenType, Vocabulary};
use crate::finding::Finding;

/// The letter that stands for a space.
const SPACE: char = '\u{2581}';
/// The score of a token that no merge makes.
const NO_MERGE: f32 = -1000.0;

/// The vocabulary, padded to `rows` tokens: with the scores of `tokenizer.model`, where it is there, else with scores
/// that order the merges as `tokenizer.json` does.
pub(super) fn vocabulary(
    json: Option<&TokenizerJson>,
    model: Option<&SentencePieceModel>,
    files: &Files<'_>,
    rows: u64,
) -> Result<Vocabulary, Finding> {
    let vocabulary = match (json, model) {
        (Some(json), None) => from_json(json, rows).map_err(|refusal| refusal.finding(JSON))?,
        (Some(json), Some(model)) => {
            let mut vocabulary = without_scores(json, rows).map_err(|refusal| refusal.finding(JSON))?;
            take_scores(&mut vocabulary, model)?;
            vocabulary
        }
        (None, Some(model)) => {
            let mut vocabulary = from_model(model, rows).map_err(|refusal| refusal.finding(MODEL))?;
            add_tokens(&mut vocabulary.tokens, files)?;
            vocabulary
        }
        (None, None) => return Err(Finding::error(JSON, "the tokenizer is missing", FIX_DAMAGE)),
    };
    check_bytes(&vocabulary).map_err(|refusal| refusal.finding(if json.is_some() { JSON } else { MODEL }))?;
    Ok(vocabulary)
}

/// Out of `tokenizer.json` alone.
pub(super) fn from_json(json: &TokenizerJson, rows: u64) -> Result<Vocabulary, Refusal> {
    let mut vocabulary = without_scores(json, rows)?;
    for (id, score) in scores(json)? {
        if let Some(token) = vocabulary.tokens.get_mut(id as usize) {
            token.score = score;
        }
    }
    Ok(vocabulary)
}

/// The tokens of `tokenizer.json`, as if no merge made any.
fn without_scores(json: &TokenizerJson, rows: u64) -> Result<Vocabulary, Refusal> {
    let space_prefix = spaces(json)?;
    let tokens = json.by_id(rows)?;
    let unknown = json.model.unk_token.as_deref();
    let tokens = tokens.iter().enumerate().map(|(id, token)| {
        let Some((text, added)) = token else { return padding(id) };
        let (text, kind) = match added {
            Some(added) if added.special || looks_special(text) => ((*text).to_owned(), TokenType::Control),
            // Such tokens are found in the text as it is written.
            Some(_) => (text.replace(SPACE, " "), TokenType::UserDefined),
            None if is_byte(text) => ((*text).to_owned(), TokenType::Byte),
            None if unknown == Some(*text) => ((*text).to_owned(), TokenType::Unknown),
            None => ((*text).to_owned(), TokenType::Normal),
        };
        Token { text, kind, score: NO_MERGE }
    });
    let tokens = tokens.collect();
    Ok(Vocabulary { kind: Kind::SentencePiece, tokens, special: Special::default(), space_prefix, template: None })
}

/// How spaces are written, as far as `tokenizer.json` may vary it: whether one is added before a text.
fn spaces(json: &TokenizerJson) -> Result<bool, Refusal> {
    let given = |value: &Option<Value>| value.clone().filter(|value| !value.is_null());
    let unknown = |what: &str, value: &Value| {
        let value: String = value.to_string().chars().take(200).collect();
        Refusal::unknown(format!("its {what} is not known: {value}"))
    };
    let kind = |value: &Value| value.get("type").and_then(Value::as_str).unwrap_or_default().to_owned();
    let (mut prefix, mut replaced) = (false, false);
    if let Some(normalizer) = given(&json.normalizer) {
        let steps = match normalizer.get("normalizers").and_then(Value::as_array) {
            Some(steps) if kind(&normalizer) == "Sequence" => steps.clone(),
            _ => vec![normalizer.clone()],
        };
        for step in &steps {
            let is = |path: &str, text: &str| step.pointer(path).and_then(Value::as_str) == Some(text);
            match kind(step).as_str() {
                "Prepend" if is("/prepend", "\u{2581}") && !replaced => prefix = true,
                "Replace" if is("/pattern/String", " ") && is("/content", "\u{2581}") => replaced = true,
                _ => return Err(unknown("normalizer", &normalizer)),
            }
        }
    }
    if let Some(pre) = given(&json.pre_tokenizer) {
        let letter = pre.get("replacement").and_then(Value::as_str) == Some("\u{2581}");
        let whole = pre.get("split").and_then(Value::as_bool) == Some(false);
        let scheme = pre.get("prepend_scheme").and_then(Value::as_str);
        match scheme {
            Some("always" | "first") if kind(&pre) == "Metaspace" && letter && whole => prefix = true,
            Some("never") if kind(&pre) == "Metaspace" && letter && whole => {}
            _ => return Err(unknown("pre-tokenizer", &pre)),
        }
        replaced = true;
    }
    match replaced {
        true => Ok(prefix),
        false => Err(Refusal::unknown("it does not write spaces as `\u{2581}`")),
    }
}

/// Scores by which the tokens are merged as the list of merges says: the earlier the first merge that makes a token,
/// the higher. That is the same order exactly if all merges that make a token stand together, and all ways to make it
/// are listed; lists that are made of a SentencePiece model are so.
fn scores(json: &TokenizerJson) -> Result<HashMap<u32, f32>, Refusal> {
    let merges = json.merges()?;
    let mut scores = HashMap::with_capacity(merges.len());
    let (mut last, mut pairs) = (None, HashSet::with_capacity(merges.len()));
    for (rank, (left, right, id)) in merges.iter().enumerate() {
        pairs.insert((*left, *right));
        if last != Some(*id) && scores.insert(*id, -(rank as f32)).is_some() {
            let problem = format!("the merges are not in the order of a SentencePiece model at merge {rank}");
            return Err(Refusal::unknown(problem));
        }
        last = Some(*id);
    }
    let added: HashSet<&str> = json.added.iter().map(|added| added.content.as_str()).collect();
    let ids = json.ids();
    for text in ids.keys().filter(|text| !is_byte(text) && !added.contains(text.as_str())) {
        for (at, _) in text.char_indices().skip(1) {
            let (left, right) = text.split_at(at);
            if ids.contains_key(left) && ids.contains_key(right) && !pairs.contains(&(left, right)) {
                let (left, right) = (left.escape_debug(), right.escape_debug());
                let problem = format!("`{left}` and `{right}` make a token, and no merge says so");
                return Err(Refusal::unknown(problem));
            }
        }
    }
    Ok(scores)
}

/// The model's scores; its pieces must be the tokens that `tokenizer.json` has.
fn take_scores(vocabulary: &mut Vocabulary, model: &SentencePieceModel) -> Result<(), Finding> {
    for (id, (piece, token)) in model.pieces.iter().zip(&mut vocabulary.tokens).enumerate() {
        if token.kind == TokenType::UserDefined || token.kind == TokenType::Control {
            continue;
        }
        if piece.text != token.text {
            let problem = format!(
                "the token {id} is `{}` here and `{}` in tokenizer.json",
                piece.text,
                token.text.escape_debug()
            );
            return Err(Finding::error(MODEL, problem, "Upload the tokenizer files of one and the same model."));
        }
        token.score = piece.score;
    }
    Ok(())
}

/// Out of `tokenizer.model` alone.
fn from_model(model: &SentencePieceModel, rows: u64) -> Result<Vocabulary, Refusal> {
    if model.pieces.len() as u64 > rows {
        let problem = format!("it has {} tokens, and config.json promises {rows} (`vocab_size`)", model.pieces.len());
        return Err(Refusal::damaged(problem));
    }
    let mut tokens: Vec<Token> = model
        .pieces
        .iter()
        .map(|piece| {
            let kind = match piece.kind {
                PieceKind::Normal => TokenType::Normal,
                PieceKind::Unknown => TokenType::Unknown,
                PieceKind::Control => TokenType::Control,
                PieceKind::UserDefined => TokenType::UserDefined,
                PieceKind::Unused => TokenType::Unused,
                PieceKind::Byte => TokenType::Byte,
            };
            let text = match piece.kind {
                PieceKind::UserDefined => piece.text.replace(SPACE, " "),
                _ => piece.text.clone(),
            };
            Token { text, kind, score: piece.score }
        })
        .collect();
    tokens.extend((tokens.len()..rows as usize).map(padding));
    let space_prefix = model.space_prefix;
    Ok(Vocabulary { kind: Kind::SentencePiece, tokens, special: Special::default(), space_prefix, template: None })
}

/// The tokens of `added_tokens.json` and `tokenizer_config.json`.
fn add_tokens(tokens: &mut [Token], files: &Files<'_>) -> Result<(), Finding> {
    let rows = tokens.len();
    let mut place = |file: &str, id: u64, text: String, kind| match tokens.get_mut(id as usize) {
        Some(token) => {
            *token = Token { text, kind, score: NO_MERGE };
            Ok(())
        }
        None => {
            let problem = format!("it has a token {id}, and config.json promises {rows} tokens (`vocab_size`)");
            Err(Finding::error(file, problem, FIX_DAMAGE))
        }
    };
    if let Some(json) = files.added {
        let added: Map<String, Value> = serde_json::from_slice(json)
            .map_err(|error| Finding::error(ADDED, format!("it is damaged: {error}"), FIX_DAMAGE))?;
        for (text, id) in added {
            let id = id.as_u64().ok_or_else(|| {
                Finding::error(ADDED, format!("token `{}` has no number", text.escape_debug()), FIX_DAMAGE)
            })?;
            place(ADDED, id, text.replace(SPACE, " "), TokenType::UserDefined)?;
        }
    }
    let decoder = files.config.get("added_tokens_decoder").and_then(Value::as_object);
    for (id, token) in decoder.into_iter().flatten() {
        let text = token.get("content").and_then(Value::as_str);
        let (Ok(id), Some(text)) = (id.parse::<u64>(), text) else {
            let problem = format!("`added_tokens_decoder` is damaged at `{}`", id.escape_debug());
            return Err(Finding::error(CONFIG, problem, FIX_DAMAGE));
        };
        let special = token.get("special").and_then(Value::as_bool).unwrap_or(false) || looks_special(text);
        match special {
            true => place(CONFIG, id, text.to_owned(), TokenType::Control)?,
            false => place(CONFIG, id, text.replace(SPACE, " "), TokenType::UserDefined)?,
        }
    }
    Ok(())
}

/// Without a token for each byte some texts have no tokens.
fn check_bytes(vocabulary: &Vocabulary) -> Result<(), Refusal> {
    let bytes = vocabulary.tokens.iter().filter(|token| token.kind == TokenType::Byte && is_byte(&token.text)).count();
    match bytes {
        256 => Ok(()),
        other => Err(Refusal::damaged(format!("it has tokens for {other} of the 256 bytes"))),
    }
}

/// Whether it is the token of a byte: `<0x0A>`.
fn is_byte(text: &str) -> bool {
    let digits = text.strip_prefix("<0x").and_then(|text| text.strip_suffix('>'));
    digits.is_some_and(|digits| {
        digits.len() == 2 && digits.bytes().all(|byte| byte.is_ascii_digit() || (b'A'..=b'F').contains(&byte))
    })
}
