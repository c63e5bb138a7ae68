//! OpenAI's chat body, for the `openai.` models.

use base::Result;
use models::{Chat, ChatEvent, ServedBy};
use serde_json::{Value, json};

use super::{Decoded, Encode, Origin};
use crate::json_fields::{Fields, Wording};
use crate::openai::{ChatAnswer, chat_request};

/// Decodes a chat body.
pub(super) fn decode(origin: Origin, body: &Value) -> Result<Decoded> {
    let root = Fields::root(body, Wording::OpenAi)?;
    let request = chat_request::decode(&root, origin.requested.clone())?;
    if let Some(n) = root.optional("n").filter(|n| n.value != &json!(1)) {
        return Err(n.error("one answer is generated for each request").with_hint("Send the request `n` times."));
    }
    let options = root.object("stream_options")?;
    let include_usage = options.map(|options| options.boolean("include_usage")).transpose()?.flatten().unwrap_or(false);
    let answer = ChatAnswer {
        id: format!("chatcmpl-{}", origin.unique),
        created: origin.time.as_millis().div_euclid(1000),
        model: origin.model,
        logprobs: request.logprobs.is_some(),
        include_usage,
    };
    Ok(Decoded::Chat(Box::new(request), Box::new(Encoder { answer, served_by: None })))
}

struct Encoder {
    answer: ChatAnswer,
    served_by: Option<ServedBy>,
}

impl Encode for Encoder {
    fn answer(&self, chat: &Chat) -> Value {
        self.answer.whole(std::slice::from_ref(chat))
    }

    fn chunks(&mut self, event: &ChatEvent) -> Vec<Value> {
        if let ChatEvent::Started { served_by, .. } = event {
            self.served_by = Some(served_by.clone());
        }
        // Every stream begins with `Started`.
        let Some(served_by) = &self.served_by else { return Vec::new() };
        let mut chunks: Vec<Value> = self.answer.chunk(0, event, served_by).into_iter().collect();
        if let (ChatEvent::Finished { usage, .. }, true) = (event, self.answer.include_usage) {
            chunks.push(self.answer.usage_chunk(*usage, served_by));
        }
        chunks
    }

    fn sse_end(&self) -> Option<&'static str> {
        Some("[DONE]")
    }
}
