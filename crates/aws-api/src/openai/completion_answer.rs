//! OpenAI's completion answers: whole, and in chunks.

use models::{Chat, ChatEvent, Stop, TokenLogprob, Usage};
use serde_json::{Map, Value, json};

use super::chat_answer::add_stop_reason;
use super::completion_request::Asked;
use super::{choices, finish_reason, sse, system_fingerprint, usage};

/// Writes the answers to one request.
#[derive(Debug, Clone)]
pub(crate) struct CompletionAnswer {
    id: String,
    created: i64,
    model: String,
    fingerprint: String,
    logprobs: bool,
    include_usage: bool,
    /// How many answers each prompt gets.
    wanted: usize,
    /// What precedes each answer.
    echoes: Vec<String>,
    /// The characters of each answer that were written so far.
    offsets: Vec<usize>,
    used: Usage,
}

impl CompletionAnswer {
    /// Of the answers to `asked`, each of which follows its echo; `id` is `cmpl-…`, `created` the time in seconds.
    pub(crate) fn new(id: String, created: i64, asked: &Asked, echoes: Vec<String>) -> Self {
        Self {
            id,
            created,
            model: asked.request.model.clone(),
            fingerprint: String::new(),
            logprobs: asked.request.logprobs.is_some(),
            include_usage: false,
            wanted: asked.wanted,
            offsets: vec![0; echoes.len()],
            echoes,
            used: Usage::default(),
        }
    }

    /// Whether a stream ends with a chunk that tells the tokens used.
    pub(crate) fn include_usage(self, include_usage: bool) -> Self {
        Self { include_usage, ..self }
    }

    /// Under this name of the model, in place of the one asked for.
    pub(crate) fn named(self, model: String) -> Self {
        Self { model, ..self }
    }

    /// A `text_completion` of these answers.
    pub(crate) fn whole(mut self, chats: &[Chat]) -> Value {
        if let Some(first) = chats.first() {
            self.fingerprint = system_fingerprint(&first.served_by);
        }
        let mut choices = Vec::with_capacity(chats.len());
        for (index, chat) in chats.iter().enumerate() {
            choices::add(&mut self.used, index, self.wanted, chat.usage);
            let text = std::mem::take(&mut self.echoes[index]) + &chat.text();
            choices.push(self.choice(index, &text, &chat.logprobs, Some(&chat.reason)));
        }
        let mut out = self.envelope(choices);
        out["usage"] = usage(self.used);
        out
    }

    fn envelope(&self, choices: Vec<Value>) -> Value {
        json!({
            "id": self.id,
            "object": "text_completion",
            "created": self.created,
            "model": self.model,
            "system_fingerprint": self.fingerprint,
            "choices": choices,
        })
    }

    fn choice(&mut self, index: usize, text: &str, tokens: &[TokenLogprob], stop: Option<&Stop>) -> Value {
        let logprobs = if self.logprobs { self.token_logprobs(index, tokens) } else { Value::Null };
        let finish = stop.map(finish_reason);
        let mut choice = json!({"text": text, "index": index, "logprobs": logprobs, "finish_reason": finish});
        if let Some(stop) = stop {
            add_stop_reason(&mut choice, stop);
        }
        choice
    }

    fn token_logprobs(&mut self, index: usize, tokens: &[TokenLogprob]) -> Value {
        let (mut offsets, mut tops) = (Vec::new(), Vec::new());
        for token in tokens {
            offsets.push(self.offsets[index]);
            self.offsets[index] += token.token.chars().count();
            let top: Map<String, Value> = token.top.iter().map(|t| (t.token.clone(), json!(t.logprob))).collect();
            tops.push(if token.logprob.is_some() { Value::Object(top) } else { Value::Null });
        }
        json!({
            "tokens": tokens.iter().map(|t| t.token.as_str()).collect::<Vec<_>>(),
            "token_logprobs": tokens.iter().map(|t| t.logprob).collect::<Vec<_>>(),
            "top_logprobs": tops,
            "text_offset": offsets,
        })
    }

    /// The chunk that tells one event of the `index`-th answer.
    pub(crate) fn chunk(&mut self, index: usize, event: &ChatEvent) -> Option<Value> {
        if let ChatEvent::Started { served_by, .. } = event {
            self.fingerprint = system_fingerprint(served_by);
        }
        let choice = match event {
            ChatEvent::Started { .. } if !self.echoes[index].is_empty() => {
                let prompt = std::mem::take(&mut self.echoes[index]);
                self.choice(index, &prompt, &[], None)
            }
            ChatEvent::Text { text, logprobs } => self.choice(index, text, logprobs, None),
            ChatEvent::Finished { reason, usage, .. } => {
                choices::add(&mut self.used, index, self.wanted, *usage);
                self.choice(index, "", &[], Some(reason))
            }
            _ => return None,
        };
        let mut chunk = self.envelope(vec![choice]);
        if self.include_usage {
            chunk["usage"] = Value::Null;
        }
        Some(chunk)
    }
}

impl sse::Write<(usize, ChatEvent)> for CompletionAnswer {
    fn event(&mut self, (index, event): &(usize, ChatEvent)) -> Vec<Value> {
        self.chunk(*index, event).into_iter().collect()
    }

    fn end(&mut self) -> Vec<Value> {
        if !self.include_usage {
            return Vec::new();
        }
        let mut chunk = self.envelope(Vec::new());
        chunk["usage"] = usage(self.used);
        vec![chunk]
    }
}
