//! An upstream's answer, as it streams in.

use std::collections::VecDeque;
use std::time::Instant;

use base::{Error, Result};
use futures::stream;
use reqwest::Response;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::sse::Events;
use super::{Client, Failure, Upstream, garbled, unreachable};
use crate::invoke::answer::{ChatEvent, ChatStream, ServedBy, Stop, Timing, TokenLogprob, TopLogprob, Usage};

/// Posts a request to the upstream's `path` and gives its answer.
pub(super) async fn stream(
    client: &Client,
    upstream: Upstream,
    path: &str,
    body: &Value,
    served_by: ServedBy,
) -> Result<ChatStream, Failure> {
    let asked = Instant::now();
    let response = client.post(&upstream, path, body).await?;
    let answer = Answer {
        client: client.clone(),
        upstream,
        response,
        events: Some(Events::default()),
        ready: VecDeque::from([ChatEvent::Started {
            served_by: served_by.clone(),
            prompt_tokens: 0,
            cached: 0,
            cache_written: 0,
        }]),
        call: None,
        calls: 0,
        reason: None,
        usage: Usage::default(),
        asked,
        first: None,
    };
    let events = stream::unfold(answer, |mut answer| async move { answer.next().await.map(|event| (event, answer)) });
    Ok(ChatStream::new(served_by, events))
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
    /// More of a text that is continued.
    text: Option<String>,
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

/// A conversation's tokens stand in `content`, those of a continued text in lists beside one another.
#[derive(Deserialize, Default)]
struct Logprobs {
    content: Option<Vec<TokenEntry>>,
    tokens: Option<Vec<String>>,
    token_logprobs: Option<Vec<Option<f32>>>,
    top_logprobs: Option<Vec<Option<Map<String, Value>>>>,
}

#[derive(Deserialize)]
struct TokenEntry {
    token: String,
    bytes: Option<Vec<u8>>,
    /// Null, where the upstream does not know it.
    logprob: Option<f32>,
    top_logprobs: Option<Vec<TopEntry>>,
}

#[derive(Deserialize)]
struct TopEntry {
    token: String,
    bytes: Option<Vec<u8>>,
    logprob: Option<f32>,
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
            self.usage =
                Usage { input: usage.prompt_tokens, output: usage.completion_tokens, cached, cache_written: 0 };
        }
        let Some(choice) = chunk.choices.into_iter().next() else { return Ok(()) };
        let logprobs = logprobs(choice.logprobs.unwrap_or_default());
        let text = choice.delta.content.or(choice.text).unwrap_or_default();
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
        // An answer that was cut short may have ended within a call.
        let reason = if self.calls > 0 && reason != Stop::MaxTokens { Stop::ToolUse } else { reason };
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

fn logprobs(logprobs: Logprobs) -> Vec<TokenLogprob> {
    if let Some(content) = logprobs.content {
        return content.into_iter().map(logprob).collect();
    }
    let values = logprobs.token_logprobs.unwrap_or_default();
    let mut tops = logprobs.top_logprobs.unwrap_or_default().into_iter();
    let entries = logprobs.tokens.unwrap_or_default().into_iter().zip(values);
    let entry = |(token, logprob): (String, Option<f32>)| {
        let mut top: Vec<TopLogprob> = tops.next().flatten().unwrap_or_default().into_iter().filter_map(top).collect();
        top.sort_by(|a, b| b.logprob.total_cmp(&a.logprob));
        TokenLogprob { id: None, bytes: token.clone().into_bytes(), token, logprob, top }
    };
    entries.map(entry).collect()
}

fn top((token, logprob): (String, Value)) -> Option<TopLogprob> {
    let logprob = logprob.as_f64()? as f32;
    Some(TopLogprob { bytes: token.clone().into_bytes(), token, logprob })
}

fn logprob(entry: TokenEntry) -> TokenLogprob {
    let top = |entry: TopEntry| {
        Some(TopLogprob {
            logprob: entry.logprob?,
            bytes: entry.bytes.unwrap_or_else(|| entry.token.clone().into_bytes()),
            token: entry.token,
        })
    };
    TokenLogprob {
        id: None,
        bytes: entry.bytes.unwrap_or_else(|| entry.token.clone().into_bytes()),
        token: entry.token,
        logprob: entry.logprob,
        top: entry.top_logprobs.unwrap_or_default().into_iter().filter_map(top).collect(),
    }
}
