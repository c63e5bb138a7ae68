//! Meta Llama.

use base::Result;
use models::{Chat, ChatEvent, CompletionRequest, Sampling, Stop};
use serde_json::{Value, json};

use super::{Decoded, Encode, Origin};
use crate::json_fields::{Fields, Wording};

const DEFAULT_MAX_TOKENS: u32 = 512;

/// Decodes a Llama body.
pub(super) fn decode(origin: Origin, body: &Value) -> Result<Decoded> {
    let root = Fields::root(body, Wording::Schema)?;
    let prompt = root.required("prompt")?.text()?.to_owned();
    root.only(&["prompt", "max_gen_len", "temperature", "top_p", "images"])?;
    if let Some(images) = root.optional("images").filter(|images| images.value != &json!([])) {
        return Err(images.error("the model that serves this id does not support images"));
    }
    let request = CompletionRequest {
        model: origin.requested,
        prompt,
        max_tokens: Some(root.count("max_gen_len", 1, u32::MAX)?.unwrap_or(DEFAULT_MAX_TOKENS)),
        sampling: Sampling {
            temperature: root.number("temperature", 0.0, 1.0)?,
            top_p: root.number("top_p", 0.0, 1.0)?,
            ..Sampling::default()
        },
        ..CompletionRequest::default()
    };
    Ok(Decoded::Completion(Box::new(request), Box::new(Encoder { prompt_tokens: None })))
}

struct Encoder {
    /// Told in the first chunk alone.
    prompt_tokens: Option<u32>,
}

impl Encode for Encoder {
    fn answer(&self, chat: &Chat) -> Value {
        json!({
            "generation": chat.text(),
            "prompt_token_count": chat.usage.input,
            "generation_token_count": chat.usage.output,
            "stop_reason": stop_reason(&chat.reason),
        })
    }

    fn chunks(&mut self, event: &ChatEvent) -> Vec<Value> {
        match event {
            ChatEvent::Started { prompt_tokens, .. } => {
                self.prompt_tokens = Some(*prompt_tokens);
                Vec::new()
            }
            ChatEvent::Text { text, .. } if !text.is_empty() => vec![json!({
                "generation": text,
                "prompt_token_count": self.prompt_tokens.take(),
                "generation_token_count": null,
                "stop_reason": null,
            })],
            ChatEvent::Finished { reason, usage, .. } => vec![json!({
                "generation": "",
                "prompt_token_count": self.prompt_tokens.take(),
                "generation_token_count": usage.output,
                "stop_reason": stop_reason(reason),
            })],
            _ => Vec::new(),
        }
    }
}

fn stop_reason(stop: &Stop) -> &'static str {
    match stop {
        Stop::EndTurn | Stop::StopSequence(_) | Stop::ToolUse => "stop",
        Stop::MaxTokens | Stop::ContextFull | Stop::Loop => "length",
    }
}
