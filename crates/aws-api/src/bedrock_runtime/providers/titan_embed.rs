//! Amazon Titan Embeddings: G1 (`v1`) and V2. Their bodies do not say what a text is for: [`models::Purpose::Unstated`].

use base::Result;
use models::{EmbedRequest, EmbedResponse, Truncate};
use serde_json::{Value, json};

use super::{Decoded, Origin};
use crate::json_fields::{Fields, Wording};

/// The characters that one text may have.
const MAX_CHARACTERS: usize = 50_000;

/// Decodes a body of the first version.
pub(super) fn decode_v1(origin: Origin, body: &Value) -> Result<Decoded> {
    let root = Fields::root(body, Wording::Schema)?;
    let text = input_text(&root)?;
    root.only(&["inputText"])?;
    let request =
        EmbedRequest { model: origin.requested, texts: vec![text], truncate: Truncate::End, ..EmbedRequest::default() };
    let encode = |mut answer: EmbedResponse| {
        json!({
            "embedding": answer.vectors.pop().unwrap_or_default(),
            "inputTextTokenCount": answer.token_counts.first(),
        })
    };
    Ok(Decoded::Embed(request, Box::new(encode)))
}

/// Decodes a body of the second version.
pub(super) fn decode_v2(origin: Origin, body: &Value) -> Result<Decoded> {
    let root = Fields::root(body, Wording::Schema)?;
    let text = input_text(&root)?;
    root.only(&["inputText", "dimensions", "normalize", "embeddingTypes"])?;
    let dimensions = match root.optional("dimensions") {
        Some(node) => match node.integer(1, i64::MAX)? {
            n @ (256 | 512 | 1024) => usize::try_from(n).ok(),
            n => return Err(node.error(&format!("{n} is not a valid enum value"))),
        },
        None => None,
    };
    let (mut float, mut binary) = (false, false);
    for kind in root.list("embeddingTypes")? {
        match kind.one_of(&["float", "binary"])? {
            "float" => float = true,
            _ => binary = true,
        }
    }
    if !float && !binary {
        float = true;
    }
    let request = EmbedRequest {
        model: origin.requested,
        texts: vec![text],
        truncate: Truncate::End,
        dimensions,
        normalize: root.boolean("normalize")?,
        ..EmbedRequest::default()
    };
    let encode = move |mut answer: EmbedResponse| {
        let vector = answer.vectors.pop().unwrap_or_default();
        let mut by_type = serde_json::Map::new();
        let mut out = serde_json::Map::new();
        if binary {
            let signs: Vec<u8> = vector.iter().map(|x| u8::from(*x > 0.0)).collect();
            by_type.insert("binary".to_owned(), json!(signs));
        }
        if float {
            let vector = json!(vector);
            out.insert("embedding".to_owned(), vector.clone());
            by_type.insert("float".to_owned(), vector);
        }
        out.insert("embeddingsByType".to_owned(), Value::Object(by_type));
        out.insert("inputTextTokenCount".to_owned(), json!(answer.token_counts.first()));
        Value::Object(out)
    };
    Ok(Decoded::Embed(request, Box::new(encode)))
}

fn input_text(root: &Fields<'_>) -> Result<String> {
    let node = root.required("inputText")?;
    let text = node.text()?;
    let length = text.chars().count();
    if length == 0 {
        return Err(node.error("expected minLength: 1, actual: 0"));
    }
    if length > MAX_CHARACTERS {
        return Err(node.error(&format!("expected maxLength: {MAX_CHARACTERS}, actual: {length}")));
    }
    Ok(text.to_owned())
}
