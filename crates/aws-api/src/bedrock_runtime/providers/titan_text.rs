//! Amazon Titan Text.

use base::Result;
use models::{Chat, ChatEvent, CompletionRequest, Sampling, Stop};
use serde_json::{Value, json};

use super::{Decoded, Encode, Origin};
use crate::json_fields::{Fields, Wording};

const DEFAULT_MAX_TOKENS: u32 = 512;

/// Decodes a Titan Text body.
pub(super) fn decode(origin: Origin, body: &Value) -> Result<Decoded> {
    let root = Fields::root(body, Wording::Schema)?;
    let prompt = root.required("inputText")?;
    root.only(&["inputText", "textGenerationConfig"])?;
    let mut request = CompletionRequest {
        model: origin.requested,
        prompt: prompt.text()?.to_owned(),
        max_tokens: Some(DEFAULT_MAX_TOKENS),
        ..CompletionRequest::default()
    };
    if request.prompt.is_empty() {
        return Err(prompt.error("expected minLength: 1, actual: 0"));
    }
    if let Some(config) = root.object("textGenerationConfig")? {
        config.only(&["temperature", "topP", "maxTokenCount", "stopSequences"])?;
        request.max_tokens = Some(config.count("maxTokenCount", 1, u32::MAX)?.unwrap_or(DEFAULT_MAX_TOKENS));
        request.sampling = Sampling {
            temperature: config.number("temperature", 0.0, 1.0)?,
            top_p: config.number("topP", 0.0, 1.0)?,
            ..Sampling::default()
        };
        request.stop = config.texts("stopSequences")?;
    }
    Ok(Decoded::Completion(Box::new(request), Box::new(Encoder { prompt_tokens: 0 })))
}

struct Encoder {
    prompt_tokens: u32,
}

impl Encode for Encoder {
    fn answer(&self, chat: &Chat) -> Value {
        json!({
            "inputTextTokenCount": chat.usage.input,
            "results": [{
                "tokenCount": chat.usage.output,
                "outputText": chat.text(),
                "completionReason": completion_reason(&chat.reason),
            }],
        })
    }

    fn chunks(&mut self, event: &ChatEvent) -> Vec<Value> {
        match event {
            ChatEvent::Started { prompt_tokens, .. } => {
                self.prompt_tokens = *prompt_tokens;
                Vec::new()
            }
            ChatEvent::Text { text, .. } if !text.is_empty() => vec![json!({
                "outputText": text,
                "index": 0,
                "totalOutputTextTokenCount": null,
                "completionReason": null,
                "inputTextTokenCount": self.prompt_tokens,
            })],
            ChatEvent::Finished { reason, usage, .. } => vec![json!({
                "outputText": "",
                "index": 0,
                "totalOutputTextTokenCount": usage.output,
                "completionReason": completion_reason(reason),
                "inputTextTokenCount": usage.input,
            })],
            _ => Vec::new(),
        }
    }
}

fn completion_reason(stop: &Stop) -> &'static str {
    match stop {
        Stop::EndTurn | Stop::ToolUse => "FINISH",
        Stop::MaxTokens | Stop::ContextFull | Stop::Loop => "LENGTH",
        Stop::StopSequence(_) => "STOP_CRITERIA_MET",
    }
}
