//! `POST /v1/embeddings`.

use base::{Error, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::StatusCode;
use models::{EmbedRequest, Truncate};
use serde_json::{Value, json};

use super::serving::serving;
use crate::call::{Answer, Call, Labels, json as respond, name_model};
use crate::json_fields::{Fields, Wording};

const MAX_TEXTS: usize = 2048;

/// Embeds texts.
pub(super) async fn create(call: Call<Labels>) -> Answer {
    let body = call.json()?;
    let root = Fields::root(&body, Wording::OpenAi)?;
    let (request, format) = decode(&root)?;
    let model = request.model.clone();
    let answer = call.api.models().embed(&call.ctx, request).await?;
    let data: Vec<Value> = answer
        .vectors
        .iter()
        .enumerate()
        .map(|(index, vector)| json!({"object": "embedding", "index": index, "embedding": encode(vector, format)}))
        .collect();
    let tokens: u64 = answer.token_counts.iter().copied().map(u64::from).sum();
    let mut response = respond(
        StatusCode::OK,
        &json!({
            "object": "list",
            "data": data,
            "model": model,
            "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
        }),
    );
    name_model(&mut response, &answer.served_by);
    Ok(response)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Float,
    Base64,
}

fn decode(root: &Fields<'_>) -> Result<(EmbedRequest, Format)> {
    let model = root.required("model")?.text()?.to_owned();
    let input = root.required("input")?;
    let texts = match input.value {
        Value::String(text) => vec![text.clone()],
        Value::Array(items) if items.iter().any(|item| item.is_number() || item.is_array()) => {
            return Err(Error::not_implemented("Input given as token ids is not implemented.").with_hint(
                "Send text: token ids differ from model to model (LangChain: `check_embedding_ctx_length=False`).",
            ));
        }
        _ => input.texts()?,
    };
    if texts.is_empty() || texts.iter().any(String::is_empty) {
        return Err(input.error("it must not be empty"));
    }
    if texts.len() > MAX_TEXTS {
        return Err(input.error(&format!("it may have at most {MAX_TEXTS} texts")));
    }
    root.only(&["model", "input", "encoding_format", "dimensions", "user", "priority", "deterministic"])?;
    let format = match root.optional("encoding_format").map(|node| node.one_of(&["float", "base64"])).transpose()? {
        Some("base64") => Format::Base64,
        _ => Format::Float,
    };
    let dimensions = root.count("dimensions", 1, u32::MAX)?.and_then(|n| usize::try_from(n).ok());
    let serving = serving(root)?;
    let request =
        EmbedRequest { model, texts, truncate: Truncate::None, dimensions, serving, ..EmbedRequest::default() };
    Ok((request, format))
}

/// A vector as numbers, or as the base64 of its little-endian 32-bit floats.
fn encode(vector: &[f32], format: Format) -> Value {
    match format {
        Format::Float => json!(vector),
        Format::Base64 => {
            let bytes: Vec<u8> = vector.iter().flat_map(|x| x.to_le_bytes()).collect();
            Value::String(STANDARD.encode(bytes))
        }
    }
}
