//! A dialect for tests: `{"prompt": …, "maxTokens": …}` is one message of a user, `{"texts": […]}` is embedded.

#![allow(dead_code, unreachable_pub, clippy::unwrap_used)]

use std::sync::{Arc, Mutex};

use base::{Error, ErrorKind, Result};
use models::{Asked, ChatRequest, Dialects, EmbedRequest, Message, RecordBody, Sampling};
use serde_json::{Value, json};

/// Notes the prompts in the order in which they are answered, and does what it is told to after each.
#[derive(Default)]
pub struct TestDialect {
    pub answered: Arc<Mutex<Vec<String>>>,
    pub after: Mutex<Option<After>>,
}

pub type After = Arc<dyn Fn(&str) + Send + Sync>;

impl Dialects for TestDialect {
    fn decode(&self, record: RecordBody<'_>) -> Result<Asked> {
        let model = record.resolved.requested.clone();
        if let Some(texts) = record.body["texts"].as_array() {
            let texts = texts.iter().map(|text| text.as_str().unwrap().to_owned()).collect();
            let request = EmbedRequest { model, texts, ..EmbedRequest::default() };
            return Ok(Asked::Embed(request, Box::new(|answer| Ok(json!({"vectors": answer.vectors})))));
        }
        let prompt = record.body["prompt"].as_str().ok_or_else(|| Error::invalid("A `prompt` is required."))?;
        let max_tokens = record.body["maxTokens"].as_u64().map(|most| most as u32);
        let sampling = Sampling { temperature: Some(0.0), ..Sampling::default() };
        let messages = vec![Message::user(prompt)];
        let request = ChatRequest { model, messages, max_tokens, sampling, ..ChatRequest::default() };
        let (answered, prompt, after) = (self.answered.clone(), prompt.to_owned(), self.after.lock().unwrap().clone());
        let encode = move |chat: &models::Chat| -> Result<Value> {
            answered.lock().unwrap().push(prompt.clone());
            if let Some(after) = after {
                after(&prompt);
            }
            Ok(json!({"text": chat.text()}))
        };
        Ok(Asked::Chat(Box::new(request), Box::new(encode)))
    }

    fn status(&self, error: &Error) -> u16 {
        match error.kind {
            ErrorKind::Invalid => 400,
            ErrorKind::Denied => 403,
            ErrorKind::Unavailable => 503,
            _ => 500,
        }
    }
}
