//! Mistral AI: the text body (`prompt`) and the chat body (`messages`).

use base::Result;
use models::{Chat, ChatEvent, ChatRequest, CompletionRequest, Content, Sampling, Stop};
use serde_json::{Map, Value, json};

use super::{Decoded, Encode, Origin};
use crate::json_fields::{Fields, Wording};
use crate::openai::chat_request;

const DEFAULT_MAX_TOKENS: u32 = 512;
const DEFAULT_MAX_CHAT_TOKENS: u32 = 8192;

/// Decodes either body.
pub(super) fn decode(origin: Origin, body: &Value) -> Result<Decoded> {
    let root = Fields::root(body, Wording::Schema)?;
    // The vendor's own client writes every member of the chat body, those that are not set as `null`.
    if root.has("messages") { chat(origin, &root.without_nulls()) } else { text(origin, &root) }
}

fn text(origin: Origin, root: &Fields<'_>) -> Result<Decoded> {
    let prompt = root.required("prompt")?.text()?.to_owned();
    root.only(&["prompt", "max_tokens", "stop", "temperature", "top_p", "top_k"])?;
    let request = CompletionRequest {
        model: origin.requested,
        prompt,
        sampling: sampling(root)?,
        max_tokens: Some(root.count("max_tokens", 1, u32::MAX)?.unwrap_or(DEFAULT_MAX_TOKENS)),
        stop: root.texts("stop")?,
        ..CompletionRequest::default()
    };
    Ok(Decoded::Completion(Box::new(request), Box::new(TextEncoder)))
}

fn chat(origin: Origin, root: &Fields<'_>) -> Result<Decoded> {
    let (system, messages) = chat_request::messages(&root.required("messages")?)?;
    root.only(&[
        "messages",
        "tools",
        "tool_choice",
        "max_tokens",
        "stop",
        "temperature",
        "top_p",
        "top_k",
        "random_seed",
    ])?;
    let tools = chat_request::tools(root)?;
    let request = ChatRequest {
        model: origin.requested,
        system,
        messages,
        tool_choice: chat_request::tool_choice(root, &tools)?,
        tools,
        sampling: sampling(root)?,
        max_tokens: Some(root.count("max_tokens", 1, u32::MAX)?.unwrap_or(DEFAULT_MAX_CHAT_TOKENS)),
        stop: root.texts("stop")?,
        ..ChatRequest::default()
    };
    let encoder = ChatEncoder {
        id: origin.unique,
        created: origin.time.as_millis().div_euclid(1000),
        model: origin.model.strip_prefix("mistral.").unwrap_or(&origin.model).to_owned(),
    };
    Ok(Decoded::Chat(Box::new(request), Box::new(encoder)))
}

fn sampling(root: &Fields<'_>) -> Result<Sampling> {
    Ok(Sampling {
        temperature: root.number("temperature", 0.0, 1.0)?,
        top_p: root.number("top_p", 0.0, 1.0)?,
        top_k: root.count("top_k", 0, u32::MAX)?.filter(|k| *k > 0),
        seed: root.count("random_seed", 0, u32::MAX)?.map(u64::from),
        ..Sampling::default()
    })
}

fn stop_reason(stop: &Stop) -> &'static str {
    match stop {
        Stop::EndTurn | Stop::StopSequence(_) => "stop",
        Stop::MaxTokens | Stop::ContextFull | Stop::Loop => "length",
        Stop::ToolUse => "tool_calls",
    }
}

struct TextEncoder;

impl Encode for TextEncoder {
    fn answer(&self, chat: &Chat) -> Value {
        json!({"outputs": [{"text": chat.text(), "stop_reason": stop_reason(&chat.reason)}]})
    }

    fn chunks(&mut self, event: &ChatEvent) -> Vec<Value> {
        match event {
            ChatEvent::Text { text, .. } if !text.is_empty() => {
                vec![json!({"outputs": [{"text": text, "stop_reason": null}]})]
            }
            ChatEvent::Finished { reason, .. } => {
                vec![json!({"outputs": [{"text": "", "stop_reason": stop_reason(reason)}]})]
            }
            _ => Vec::new(),
        }
    }
}

struct ChatEncoder {
    id: String,
    created: i64,
    model: String,
}

impl ChatEncoder {
    fn envelope(&self, object: &str, choice: Value) -> Value {
        json!({
            "id": self.id,
            "object": object,
            "created": self.created,
            "model": self.model,
            "choices": [choice],
        })
    }
}

impl Encode for ChatEncoder {
    fn answer(&self, chat: &Chat) -> Value {
        let calls: Vec<Value> = chat.content.iter().filter_map(tool_call).collect();
        let mut message = Map::new();
        message.insert("role".into(), json!("assistant"));
        message.insert("content".into(), json!(chat.text()));
        if !calls.is_empty() {
            message.insert("tool_calls".into(), Value::Array(calls));
        }
        let choice = json!({"index": 0, "message": message, "stop_reason": stop_reason(&chat.reason)});
        self.envelope("chat.completion", choice)
    }

    fn chunks(&mut self, event: &ChatEvent) -> Vec<Value> {
        let (message, stop) = match event {
            ChatEvent::Started { .. } => (json!({"role": "assistant", "content": ""}), None),
            ChatEvent::Text { text, .. } if !text.is_empty() => (json!({"content": text}), None),
            ChatEvent::ToolUseStart { index, id, name } => {
                let function = json!({"name": name, "arguments": ""});
                (json!({"tool_calls": [{"index": index, "id": id, "function": function}]}), None)
            }
            ChatEvent::ToolUseInput { index, json_fragment } => {
                (json!({"tool_calls": [{"index": index, "function": {"arguments": json_fragment}}]}), None)
            }
            ChatEvent::Finished { reason, .. } => (json!({"content": ""}), Some(stop_reason(reason))),
            _ => return Vec::new(),
        };
        let choice = json!({"index": 0, "message": message, "stop_reason": stop});
        vec![self.envelope("chat.completion.chunk", choice)]
    }
}

fn tool_call(content: &Content) -> Option<Value> {
    let Content::ToolUse { id, name, input } = content else { return None };
    Some(json!({"id": id, "function": {"name": name, "arguments": input.to_string()}}))
}
