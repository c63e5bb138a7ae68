//! OpenAI's chat answers: whole, and in chunks.

use models::{Chat, ChatEvent, Content, ServedBy, Stop, TokenLogprob, TopLogprob, Usage};
use serde_json::{Map, Value, json};

use super::choices;

/// Writes the answers of one request.
#[derive(Debug, Clone)]
pub(crate) struct ChatAnswer {
    /// `chatcmpl-…`.
    pub(crate) id: String,
    /// Unix time in seconds.
    pub(crate) created: i64,
    /// The id as the client sent it.
    pub(crate) model: String,
    /// Whether token probabilities were asked for.
    pub(crate) logprobs: bool,
    /// Whether a stream ends with a chunk that tells the tokens used.
    pub(crate) include_usage: bool,
}

impl ChatAnswer {
    /// A `chat.completion` of these answers, all to one prompt.
    pub(crate) fn whole(&self, chats: &[Chat]) -> Value {
        let Some(first) = chats.first() else { return Value::Null };
        let mut used = Usage::default();
        for (index, chat) in chats.iter().enumerate() {
            choices::add(&mut used, index, chats.len(), chat.usage);
        }
        let mut out = self.envelope("chat.completion", &first.served_by);
        let choices = chats.iter().enumerate().map(|(index, chat)| self.choice(index, chat)).collect();
        out.insert("choices".into(), Value::Array(choices));
        out.insert("usage".into(), usage(used));
        Value::Object(out)
    }

    fn choice(&self, index: usize, chat: &Chat) -> Value {
        let mut message = Map::new();
        let text = chat.text();
        let calls: Vec<Value> = chat.content.iter().filter_map(tool_call).collect();
        message.insert("role".into(), json!("assistant"));
        message.insert("content".into(), if text.is_empty() && !calls.is_empty() { Value::Null } else { json!(text) });
        message.insert("refusal".into(), Value::Null);
        if !calls.is_empty() {
            message.insert("tool_calls".into(), Value::Array(calls));
        }
        let mut choice = json!({
            "index": index,
            "message": message,
            "logprobs": self.logprobs.then(|| logprobs(&chat.logprobs)),
            "finish_reason": finish_reason(&chat.reason),
        });
        add_stop_reason(&mut choice, &chat.reason);
        choice
    }

    /// The `chat.completion.chunk` that tells one event of the `choice`-th answer.
    pub(crate) fn chunk(&self, choice: usize, event: &ChatEvent, served_by: &ServedBy) -> Option<Value> {
        let (delta, tokens, finish) = match event {
            ChatEvent::Started { .. } => (json!({"role": "assistant", "content": "", "refusal": null}), None, None),
            ChatEvent::Text { text, logprobs } if text.is_empty() && logprobs.is_empty() => return None,
            ChatEvent::Text { text, logprobs } => (json!({"content": text}), Some(logprobs), None),
            ChatEvent::ToolUseStart { index, id, name } => {
                let function = json!({"name": name, "arguments": ""});
                let call = json!({"index": index, "id": id, "type": "function", "function": function});
                (json!({"tool_calls": [call]}), None, None)
            }
            ChatEvent::ToolUseInput { index, json_fragment } => {
                let call = json!({"index": index, "function": {"arguments": json_fragment}});
                (json!({"tool_calls": [call]}), None, None)
            }
            ChatEvent::ToolUseEnd { .. } => return None,
            ChatEvent::Finished { reason, .. } => (json!({}), None, Some(finish_reason(reason))),
        };
        let mut out = self.envelope("chat.completion.chunk", served_by);
        let tokens = tokens.filter(|_| self.logprobs).map(|tokens| logprobs(tokens));
        let mut choice = json!({"index": choice, "delta": delta, "logprobs": tokens, "finish_reason": finish});
        if let ChatEvent::Finished { reason, .. } = event {
            add_stop_reason(&mut choice, reason);
        }
        out.insert("choices".into(), json!([choice]));
        if self.include_usage {
            out.insert("usage".into(), Value::Null);
        }
        Some(Value::Object(out))
    }

    /// The last chunk of a stream that was asked to include usage.
    pub(crate) fn usage_chunk(&self, used: Usage, served_by: &ServedBy) -> Value {
        let mut out = self.envelope("chat.completion.chunk", served_by);
        out.insert("choices".into(), json!([]));
        out.insert("usage".into(), usage(used));
        Value::Object(out)
    }

    fn envelope(&self, object: &str, served_by: &ServedBy) -> Map<String, Value> {
        let mut out = Map::new();
        out.insert("id".into(), json!(self.id));
        out.insert("object".into(), json!(object));
        out.insert("created".into(), json!(self.created));
        out.insert("model".into(), json!(self.model));
        out.insert("system_fingerprint".into(), json!(system_fingerprint(served_by)));
        out
    }
}

fn tool_call(content: &Content) -> Option<Value> {
    let (id, name, arguments) = match content {
        Content::ToolUse { id, name, input } => (id, name, input.to_string()),
        Content::CutToolUse { id, name, arguments } => (id, name, arguments.clone()),
        _ => return None,
    };
    Some(json!({"id": id, "type": "function", "function": {"name": name, "arguments": arguments}}))
}

/// `stop`, `length` or `tool_calls`.
pub(crate) fn finish_reason(stop: &Stop) -> &'static str {
    match stop {
        Stop::EndTurn | Stop::StopSequence(_) => "stop",
        Stop::MaxTokens | Stop::ContextFull | Stop::Loop => "length",
        Stop::ToolUse => "tool_calls",
    }
}

/// Says in a choice why its answer ended where `finish_reason` has no word for it: `stop_reason` is `loop` for an answer
/// that was ended because it repeated itself.
pub(super) fn add_stop_reason(choice: &mut Value, stop: &Stop) {
    if *stop == Stop::Loop {
        choice["stop_reason"] = json!("loop");
    }
}

/// Tokens used, as OpenAI counts them.
pub(crate) fn usage(usage: Usage) -> Value {
    json!({
        "prompt_tokens": usage.input,
        "completion_tokens": usage.output,
        "total_tokens": usage.input + usage.output,
        "prompt_tokens_details": {"cached_tokens": usage.cached},
    })
}

/// Names the build and the model that answered: answers to one seed agree as long as it stays the same.
pub(crate) fn system_fingerprint(served_by: &ServedBy) -> String {
    let bytes = env!("CARGO_PKG_VERSION").bytes().chain([0]).chain(served_by.name.bytes());
    // FNV-1a, 64 bits.
    let hash = bytes
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
    format!("fp_{:010x}", hash & 0xff_ffff_ffff)
}

fn logprobs(tokens: &[TokenLogprob]) -> Value {
    let alternative = |top: &TopLogprob| json!({"token": top.token, "logprob": top.logprob, "bytes": top.bytes});
    let token = |token: &TokenLogprob| {
        json!({
            "token": token.token,
            "logprob": token.logprob,
            "bytes": token.bytes,
            "top_logprobs": token.top.iter().map(alternative).collect::<Vec<Value>>(),
        })
    };
    json!({"content": tokens.iter().map(token).collect::<Vec<Value>>(), "refusal": null})
}
