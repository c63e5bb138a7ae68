//! Cohere Embed, version 3.
//!
//! How the compressed types are computed from a vector `x` (the vendor publishes the types, not its formulas):
//! - `int8`: `round(127 · x_i / max_j |x_j|)`, from -127 to 127;
//! - `uint8`: the same plus 128, from 1 to 255;
//! - `ubinary`: one bit per component, 1 where `x_i > 0`, eight to a byte, the first in the highest bit;
//! - `binary`: the `ubinary` bytes minus 128, from -128 to 127.
//!
//! Scaling each vector by its own largest component leaves cosine similarity as it is but for rounding.

use base::Result;
use models::{EmbedRequest, EmbedResponse, Purpose, Truncate};
use serde_json::{Value, json};

use super::{Decoded, Origin};
use crate::json_fields::{Fields, Wording};

const MAX_TEXTS: usize = 96;
const MAX_CHARACTERS: usize = 2048;
const TYPES: &[&str] = &["float", "int8", "uint8", "binary", "ubinary"];

/// Decodes an Embed body.
pub(super) fn decode(origin: Origin, body: &Value) -> Result<Decoded> {
    let root = Fields::root(body, Wording::Schema)?;
    let input_type = root.required("input_type")?;
    let purpose =
        match input_type.one_of(&["search_document", "search_query", "classification", "clustering", "image"])? {
            "search_document" => Purpose::Passage,
            "search_query" => Purpose::Query,
            _ => Purpose::Unstated,
        };
    if *input_type.value == "image" || root.has("images") {
        return Err(input_type.error("the model that serves this id does not support images"));
    }
    let texts = texts(&root)?;
    root.only(&["texts", "input_type", "truncate", "embedding_types"])?;
    let truncate = match root.optional("truncate").map(|node| node.one_of(&["NONE", "START", "END"])).transpose()? {
        Some("START") => Truncate::Start,
        Some("END") => Truncate::End,
        _ => Truncate::None,
    };
    let types: Vec<&'static str> =
        root.list("embedding_types")?.iter().map(|node| node.one_of(TYPES)).collect::<Result<_>>()?;
    let (model, given) = (origin.requested, texts.clone());
    let request = EmbedRequest { model, texts: given, truncate, purpose, ..EmbedRequest::default() };
    let id = origin.unique;
    let encode = move |answer: EmbedResponse| {
        if types.is_empty() {
            return json!({
                "id": id,
                "texts": texts,
                "embeddings": answer.vectors,
                "response_type": "embeddings_floats",
            });
        }
        let mut by_type = serde_json::Map::new();
        for kind in types {
            let vectors: Vec<Value> = answer.vectors.iter().map(|vector| compress(vector, kind)).collect();
            by_type.insert(kind.to_owned(), Value::Array(vectors));
        }
        json!({"id": id, "texts": texts, "embeddings": by_type, "response_type": "embeddings_by_type"})
    };
    Ok(Decoded::Embed(request, Box::new(encode)))
}

fn texts(root: &Fields<'_>) -> Result<Vec<String>> {
    let node = root.required("texts")?;
    let texts = node.texts()?;
    if texts.is_empty() {
        return Err(node.error("expected minimum item count: 1, found: 0"));
    }
    if texts.len() > MAX_TEXTS {
        return Err(node.error(&format!("expected maximum item count: {MAX_TEXTS}, found: {}", texts.len())));
    }
    for (item, text) in node.list()?.iter().zip(&texts) {
        let length = text.chars().count();
        if length > MAX_CHARACTERS {
            return Err(item.error(&format!("expected maxLength: {MAX_CHARACTERS}, actual: {length}")));
        }
    }
    Ok(texts)
}

fn compress(vector: &[f32], kind: &str) -> Value {
    match kind {
        "int8" => json!(quantise(vector)),
        "uint8" => json!(quantise(vector).into_iter().map(|x| i16::from(x) + 128).collect::<Vec<i16>>()),
        "ubinary" => json!(pack_signs(vector)),
        "binary" => json!(pack_signs(vector).into_iter().map(|x| i16::from(x) - 128).collect::<Vec<i16>>()),
        _ => json!(vector),
    }
}

/// `round(127 · x_i / max_j |x_j|)`; zeros for the zero vector.
fn quantise(vector: &[f32]) -> Vec<i8> {
    let largest = vector.iter().fold(0.0_f32, |max, x| max.max(x.abs()));
    let scale = if largest > 0.0 { 127.0 / largest } else { 0.0 };
    #[expect(clippy::cast_possible_truncation, reason = "the scale keeps every value within ±127")]
    vector.iter().map(|x| (x * scale).round() as i8).collect()
}

/// One bit for each component, the first in the highest bit; the last byte is filled with zeros.
fn pack_signs(vector: &[f32]) -> Vec<u8> {
    vector
        .chunks(8)
        .map(|chunk| chunk.iter().enumerate().fold(0, |byte, (i, x)| byte | (u8::from(*x > 0.0) << (7 - i))))
        .collect()
}
