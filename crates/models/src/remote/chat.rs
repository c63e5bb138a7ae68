//! Conversations with an upstream's model.

use std::collections::VecDeque;
use std::time::Instant;

use base::{Error, Result};
use futures::stream;
use reqwest::Response;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::sse::Events;
use super::{Client, Upstream, garbled, unreachable};
use crate::invoke::answer::{ChatEvent, ChatStream, ServedBy, Stop, Timing, TokenLogprob, TopLogprob, Usage};
use crate::invoke::request::{ChatRequest, Content, Message, Role, ToolChoice};

impl Client {
    /// Continues a conversation.
    pub(crate) async fn chat(
        &self,
        upstream: Upstream,
        request: ChatRequest,
        served_by: ServedBy,
    ) -> Result<ChatStream> {
        let asked = Instant::now();
        let response = self.post(&upstream, "chat/completions", &body(&upstream.model, &request)).await?;
        let answer = Answer {
            client: self.clone(),
            upstream,
            response,
            events: Some(Events::default()),
            ready: VecDeque::from([ChatEvent::Started { served_by: served_by.clone(), prompt_tokens: 0 }]),
            call: None,
            calls: 0,
            reason: None,
            usage: Usage::default(),
            asked,
            first: None,
        };
        let events =
            stream::unfold(answer, |mut answer| async move { answer.next().await.map(|event| (event, answer)) });
        Ok(ChatStream::new(served_by, events))
    }
}

/// The request in OpenAI's dialect.
fn body(model: &str, request: &ChatRequest) -> Value {
    let mut body = json!({
        "model": model,
        "messages": messages(request),
        "stream": true,
        "stream_options": { "include_usage": true },
    });
    let mut set = |name: &str, value: Option<Value>| {
        if let (Some(value), Some(body)) = (value, body.as_object_mut()) {
            body.insert(name.to_owned(), value);
        }
    };
    let sampling = &request.sampling;
    set("max_tokens", request.max_tokens.map(Value::from));
    set("temperature", sampling.temperature.map(Value::from));
    set("top_p", sampling.top_p.map(Value::from));
    set("top_k", sampling.top_k.map(Value::from));
    set("min_p", sampling.min_p.map(Value::from));
    set("seed", sampling.seed.map(Value::from));
    set("frequency_penalty", sampling.frequency_penalty.map(Value::from));
    set("presence_penalty", sampling.presence_penalty.map(Value::from));
    let biases: Map<String, Value> =
        sampling.logit_bias.iter().map(|(token, bias)| (token.to_string(), Value::from(*bias))).collect();
    set("logit_bias", (!biases.is_empty()).then_some(Value::Object(biases)));
    set("stop", (!request.stop.is_empty()).then(|| json!(request.stop)));
    set("logprobs", request.logprobs.map(|_| Value::Bool(true)));
    set("top_logprobs", request.logprobs.map(Value::from));
    let schema = request.response_schema.as_ref();
    set("response_format", schema.map(|schema| json!({ "type": "json_schema", "json_schema": { "name": "answer", "schema": schema, "strict": !request.lenient_schema } })));
    if request.tool_choice != ToolChoice::None && !request.tools.is_empty() {
        set("tools", Some(tools(request)));
        set("tool_choice", Some(tool_choice(&request.tool_choice)));
    }
    if request.messages.last().is_some_and(|last| last.role == Role::Assistant) {
        // vLLM continues the last message only when told to; the other servers do it anyway and ignore this.
        set("continue_final_message", Some(Value::Bool(true)));
        set("add_generation_prompt", Some(Value::Bool(false)));
    }
    body
}

fn tools(request: &ChatRequest) -> Value {
    let tool = |tool: &crate::ToolSpec| {
        let mut function = json!({ "name": tool.name, "parameters": tool.schema });
        if let Some(description) = &tool.description {
            function["description"] = Value::from(description.as_str());
        }
        json!({ "type": "function", "function": function })
    };
    request.tools.iter().map(tool).collect()
}

fn tool_choice(choice: &ToolChoice) -> Value {
    match choice {
        ToolChoice::Auto => json!("auto"),
        ToolChoice::None => json!("none"),
        ToolChoice::Any => json!("required"),
        ToolChoice::Tool(name) => json!({ "type": "function", "function": { "name": name } }),
    }
}

fn messages(request: &ChatRequest) -> Vec<Value> {
    let mut messages = Vec::new();
    if !request.system.is_empty() {
        messages.push(json!({ "role": "system", "content": request.system.join("\n\n") }));
    }
    for message in &request.messages {
        append(&mut messages, message);
    }
    messages
}

fn append(messages: &mut Vec<Value>, message: &Message) {
    let mut texts = Vec::new();
    let mut calls = Vec::new();
    for content in &message.content {
        match content {
            Content::Text(text) => texts.push(text.as_str()),
            Content::ToolUse { id, name, input } => calls.push(json!({
                "id": id, "type": "function", "function": { "name": name, "arguments": input.to_string() },
            })),
            Content::ToolResult { id, content, is_error } => {
                let text = if *is_error { format!("Error: {content}") } else { content.clone() };
                messages.push(json!({ "role": "tool", "tool_call_id": id, "content": text }));
            }
            // Refused before anything is sent.
            Content::Unsupported { .. } => {}
        }
    }
    let role = if message.role == Role::User { "user" } else { "assistant" };
    if !calls.is_empty() {
        messages.push(json!({ "role": role, "content": texts.join("\n"), "tool_calls": calls }));
    } else if !texts.is_empty() {
        messages.push(json!({ "role": role, "content": texts.join("\n") }));
    }
}

#[derive(Deserialize)]
struct Chunk {
    #[serde(default)]
    choices: Vec<Choice>,
    usage: Option<ChunkUsage>,
    error: Option<Value>,
}

#[derive(Deserialize)]
struct Choice {
    #[serde(default)]
    delta: Delta,
    finish_reason: Option<String>,
    /// vLLM tells here which stop sequence was met.
    stop_reason: Option<Value>,
    logprobs: Option<Logprobs>,
}

#[derive(Deserialize, Default)]
struct Delta {
    content: Option<String>,
    tool_calls: Option<Vec<CallDelta>>,
}

#[derive(Deserialize)]
struct CallDelta {
    #[serde(default)]
    index: usize,
    id: Option<String>,
    #[serde(default)]
    function: FunctionDelta,
}

#[derive(Deserialize, Default)]
struct FunctionDelta {
    name: Option<String>,
    arguments: Option<String>,
}

#[derive(Deserialize)]
struct ChunkUsage {
    #[serde(default)]
    prompt_tokens: u32,
    #[serde(default)]
    completion_tokens: u32,
    prompt_tokens_details: Option<Details>,
}

#[derive(Deserialize)]
struct Details {
    cached_tokens: Option<u32>,
}

#[derive(Deserialize)]
struct Logprobs {
    content: Option<Vec<TokenEntry>>,
}

#[derive(Deserialize)]
struct TokenEntry {
    token: String,
    bytes: Option<Vec<u8>>,
    logprob: f32,
    #[serde(default)]
    top_logprobs: Vec<TopEntry>,
}

#[derive(Deserialize)]
struct TopEntry {
    token: String,
    bytes: Option<Vec<u8>>,
    logprob: f32,
}

/// An answer being received. Dropping it closes the connection, which makes upstreams stop.
struct Answer {
    client: Client,
    upstream: Upstream,
    response: Response,
    /// None once the stream is over.
    events: Option<Events>,
    ready: VecDeque<ChatEvent>,
    /// The upstream's number of the tool call that is open, and ours.
    call: Option<(usize, usize)>,
    calls: usize,
    reason: Option<Stop>,
    usage: Usage,
    asked: Instant,
    first: Option<Instant>,
}

impl Answer {
    async fn next(&mut self) -> Option<Result<ChatEvent>> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Some(Ok(event));
            }
            self.events.as_ref()?;
            if let Err(error) = self.receive().await {
                self.events = None;
                return Some(Err(error));
            }
        }
    }

    async fn receive(&mut self) -> Result<()> {
        let chunk = tokio::time::timeout(self.client.silence, self.response.chunk()).await;
        let chunk = chunk.map_err(|_| self.client.silent(&self.upstream))?;
        let Some(events) = &mut self.events else { return Ok(()) };
        match chunk.map_err(|e| unreachable(&self.upstream, &e))? {
            Some(bytes) => {
                for data in events.push(&bytes)? {
                    self.take(&data)?;
                }
            }
            None => {
                if let Some(data) = self.events.take().map(Events::finish).transpose()?.flatten() {
                    self.take(&data)?;
                }
                self.finish()?;
            }
        }
        Ok(())
    }

    fn take(&mut self, data: &str) -> Result<()> {
        if self.reason.is_none() && self.events.is_none() {
            return Ok(());
        }
        if data.trim() == "[DONE]" {
            return self.finish();
        }
        let chunk: Chunk = serde_json::from_str(data).map_err(|e| garbled(&self.upstream, e))?;
        if chunk.error.is_some() {
            let said = super::message(&self.upstream, data.as_bytes());
            return Err(Error::unavailable(format!("The upstream `{}` failed: {said}", self.upstream.base_url)));
        }
        if let Some(usage) = chunk.usage {
            let cached = usage.prompt_tokens_details.and_then(|details| details.cached_tokens).unwrap_or(0);
            self.usage = Usage { input: usage.prompt_tokens, output: usage.completion_tokens, cached };
        }
        let Some(choice) = chunk.choices.into_iter().next() else { return Ok(()) };
        let logprobs: Vec<TokenLogprob> =
            choice.logprobs.and_then(|l| l.content).unwrap_or_default().into_iter().map(logprob).collect();
        let text = choice.delta.content.unwrap_or_default();
        if !text.is_empty() || !logprobs.is_empty() {
            self.first.get_or_insert_with(Instant::now);
            self.ready.push_back(ChatEvent::Text { text, logprobs });
        }
        for call in choice.delta.tool_calls.unwrap_or_default() {
            self.take_call(call);
        }
        if let Some(reason) = choice.finish_reason {
            self.reason = Some(stop(&reason, choice.stop_reason));
        }
        Ok(())
    }

    fn take_call(&mut self, delta: CallDelta) {
        self.first.get_or_insert_with(Instant::now);
        if self.call.is_none_or(|(theirs, _)| theirs != delta.index) {
            self.end_call();
            let index = self.calls;
            self.calls += 1;
            self.call = Some((delta.index, index));
            let id = delta.id.unwrap_or_else(|| format!("tooluse_{index}"));
            let name = delta.function.name.unwrap_or_default();
            self.ready.push_back(ChatEvent::ToolUseStart { index, id, name });
        }
        if let (Some((_, index)), Some(json_fragment)) = (self.call, delta.function.arguments)
            && !json_fragment.is_empty()
        {
            self.ready.push_back(ChatEvent::ToolUseInput { index, json_fragment });
        }
    }

    fn end_call(&mut self) {
        if let Some((_, index)) = self.call.take() {
            self.ready.push_back(ChatEvent::ToolUseEnd { index });
        }
    }

    /// Ends the answer, once.
    fn finish(&mut self) -> Result<()> {
        self.events = None;
        self.end_call();
        let Some(reason) = self.reason.take() else {
            return Err(garbled(&self.upstream, "the stream ended without a finish reason"));
        };
        let reason = if self.calls > 0 { Stop::ToolUse } else { reason };
        let now = Instant::now();
        let first = self.first.unwrap_or(now);
        let timing = Timing {
            prefill: first - self.asked,
            decode: now - first,
            first_token: first - self.asked,
            ..Timing::default()
        };
        self.ready.push_back(ChatEvent::Finished { reason, usage: self.usage, timing });
        Ok(())
    }
}

fn stop(reason: &str, met: Option<Value>) -> Stop {
    match (reason, met) {
        ("length", _) => Stop::MaxTokens,
        ("tool_calls" | "function_call", _) => Stop::ToolUse,
        (_, Some(Value::String(text))) => Stop::StopSequence(text),
        _ => Stop::EndTurn,
    }
}

fn logprob(entry: TokenEntry) -> TokenLogprob {
    let top = |entry: TopEntry| TopLogprob {
        bytes: entry.bytes.unwrap_or_else(|| entry.token.clone().into_bytes()),
        token: entry.token,
        logprob: entry.logprob,
    };
    TokenLogprob {
        bytes: entry.bytes.unwrap_or_else(|| entry.token.clone().into_bytes()),
        token: entry.token,
        logprob: entry.logprob,
        top: entry.top_logprobs.into_iter().map(top).collect(),
    }
}
