//! What a model answers, piece by piece or as a whole.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use base::{Error, Result};
use futures::stream::{self, Stream, StreamExt as _};
use serde_json::Value;
use tokio::time::Sleep;

use super::errors;
use super::request::Content;
use crate::quotas::{Admission, Metered, MeteredEvents};

/// Which model answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServedBy {
    /// The local model's name, or the upstream's name of its model.
    pub name: String,
    /// Whether the caller named another model, for which this one stands in.
    pub substituted: bool,
    /// The upstream's base URL, where one answered.
    pub upstream: Option<String>,
    /// How the request came there, where there was a choice.
    pub route: Option<Route>,
    /// Which of the model's replicas answers, counted from 0, where it has several.
    pub replica: Option<u32>,
    /// The chat format that the raw prompt is written in, where it is another model's: its control tokens are read as
    /// words.
    pub foreign_format: Option<&'static str>,
}

impl ServedBy {
    /// The model of this name, which was reached without a choice.
    #[must_use]
    pub fn model(name: impl Into<String>, substituted: bool) -> Self {
        Self { name: name.into(), substituted, upstream: None, route: None, replica: None, foreign_format: None }
    }
}

/// How a request came to the model that answered.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Route {
    /// The pool whose member answered.
    pub pool: Option<String>,
    /// The inference profile that chose the target.
    pub profile: Option<String>,
    /// The region of the target or the member, in its owner's words.
    pub region: Option<String>,
}

/// One step of an answer. Every answer is `Started`, then content blocks, then `Finished`, or ends with an error.
#[derive(Debug, Clone, PartialEq)]
pub enum ChatEvent {
    /// The prompt was accepted.
    Started {
        /// Who answers.
        served_by: ServedBy,
        /// The prompt's tokens; 0 where an upstream tells them only at the end.
        prompt_tokens: u32,
        /// Those of them that were still in the engine's cache.
        cached: u32,
        /// Those of them that were read and kept at the request's cache points.
        cache_written: u32,
    },
    /// More text of the answer. Texts in succession are one content block.
    Text {
        /// The piece.
        text: String,
        /// The piece's tokens, where they were asked for.
        logprobs: Vec<TokenLogprob>,
    },
    /// A tool call begins.
    ToolUseStart {
        /// Counts the answer's tool calls from 0.
        index: usize,
        /// The call's id.
        id: String,
        /// The tool.
        name: String,
    },
    /// More of a tool call's arguments; the fragments of a call joined are one JSON object.
    ToolUseInput {
        /// Which call.
        index: usize,
        /// The piece of JSON text.
        json_fragment: String,
    },
    /// A tool call is complete.
    ToolUseEnd {
        /// Which call.
        index: usize,
    },
    /// The answer is complete.
    Finished {
        /// Why it ended.
        reason: Stop,
        /// The tokens read and written.
        usage: Usage,
        /// How long it took.
        timing: Timing,
    },
}

/// Why an answer ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stop {
    /// The model ended its turn.
    EndTurn,
    /// The limit of tokens was reached.
    MaxTokens,
    /// This stop sequence was about to be written.
    StopSequence(String),
    /// The model called a tool.
    ToolUse,
    /// The model's context is full.
    ContextFull,
    /// The answer repeated itself over and over, and the request had such answers ended.
    Loop,
}

impl Stop {
    /// The reason in one word, as Craton's own API says it.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::EndTurn => "end_turn",
            Self::MaxTokens => "max_tokens",
            Self::StopSequence(_) => "stop_sequence",
            Self::ToolUse => "tool_use",
            Self::ContextFull => "context_full",
            Self::Loop => "loop",
        }
    }
}

/// Tokens read and written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    /// The prompt's tokens, cached ones included.
    pub input: u32,
    /// The answer's tokens.
    pub output: u32,
    /// The prompt's tokens that were still in the engine's cache.
    pub cached: u32,
    /// The prompt's tokens that were read and kept at its cache points.
    pub cache_written: u32,
}

impl std::ops::AddAssign for Usage {
    fn add_assign(&mut self, other: Self) {
        self.input = self.input.saturating_add(other.input);
        self.output = self.output.saturating_add(other.output);
        self.cached = self.cached.saturating_add(other.cached);
        self.cache_written = self.cache_written.saturating_add(other.cache_written);
    }
}

/// How long an answer took.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Timing {
    /// Waiting for a free sequence.
    pub queued: Duration,
    /// Reading the prompt.
    pub prefill: Duration,
    /// Writing the answer.
    pub decode: Duration,
    /// From the request's arrival at the engine to its first token.
    pub first_token: Duration,
}

/// A token and its likeliest alternatives.
#[derive(Debug, Clone, PartialEq)]
pub struct TokenLogprob {
    /// The token in the model's vocabulary, which an upstream does not tell.
    pub id: Option<u32>,
    /// The token's text; a token that is a part of a character shows the replacement character.
    pub token: String,
    /// The token's bytes.
    pub bytes: Vec<u8>,
    /// The natural logarithm of its probability; none of the first token of a text.
    pub logprob: Option<f32>,
    /// The likeliest tokens, best first.
    pub top: Vec<TopLogprob>,
}

/// One alternative of a drawn token.
#[derive(Debug, Clone, PartialEq)]
pub struct TopLogprob {
    /// As [`TokenLogprob::token`].
    pub token: String,
    /// The token's bytes.
    pub bytes: Vec<u8>,
    /// The natural logarithm of its probability.
    pub logprob: f32,
}

/// A whole answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Chat {
    /// The content blocks, in order. None is empty text; there may be none.
    pub content: Vec<Content>,
    /// Why the answer ended.
    pub reason: Stop,
    /// Tokens read and written.
    pub usage: Usage,
    /// How long it took.
    pub timing: Timing,
    /// Who answered.
    pub served_by: ServedBy,
    /// The tokens of the text, where they were asked for.
    pub logprobs: Vec<TokenLogprob>,
}

impl Chat {
    /// The answer as dialects of content blocks tell it: whole calls alone, and never no block at all, as clients take
    /// the first one. A call that was cut short by the limit of tokens is left out.
    ///
    /// # Errors
    /// Unavailable, where the model wrote arguments that are not JSON and was not cut short.
    pub fn in_blocks(mut self) -> Result<Self> {
        let cut = self.content.iter().find(|block| matches!(block, Content::CutToolUse { .. }));
        if let (Some(Content::CutToolUse { name, .. }), Stop::EndTurn | Stop::StopSequence(_) | Stop::ToolUse) =
            (cut, &self.reason)
        {
            return Err(Error::unavailable(format!("The model called `{name}` with arguments that are not JSON."))
                .with_hint("Try again."));
        }
        self.content.retain(|block| !matches!(block, Content::CutToolUse { .. }));
        if self.content.is_empty() {
            self.content.push(Content::Text(String::new()));
        }
        Ok(self)
    }

    /// The answer's text: its text blocks joined.
    #[must_use]
    pub fn text(&self) -> String {
        self.content.iter().filter_map(|c| if let Content::Text(t) = c { Some(t.as_str()) } else { None }).collect()
    }
}

/// An answer in the making. Dropping it stops the model within one step.
pub struct ChatStream {
    served_by: ServedBy,
    events: Pin<Box<dyn Stream<Item = Result<ChatEvent>> + Send>>,
    /// When the caller's time is over.
    deadline: Option<Pin<Box<Sleep>>>,
}

impl ChatStream {
    /// An answer by `served_by` that consists of `events`.
    pub(crate) fn new(served_by: ServedBy, events: impl Stream<Item = Result<ChatEvent>> + Send + 'static) -> Self {
        Self { served_by, events: Box::pin(events), deadline: None }
    }

    /// The same answer, which ends with an error of the kind Timeout, and stops its model, where it is not complete at
    /// `deadline`.
    pub(crate) fn until(self, deadline: Option<Instant>) -> Self {
        Self { deadline: deadline.map(|deadline| Box::pin(tokio::time::sleep_until(deadline.into()))), ..self }
    }

    /// The same answer, of which `watch` sees every event as it comes.
    #[must_use]
    pub fn watched(self, mut watch: impl FnMut(&ChatEvent) + Send + 'static) -> Self {
        let events = self.events.inspect(move |event| {
            if let Ok(event) = event {
                watch(event);
            }
        });
        Self { events: Box::pin(events), ..self }
    }

    /// Who answers.
    #[must_use]
    pub fn served_by(&self) -> &ServedBy {
        &self.served_by
    }

    /// Waits for the whole answer. Its text is what the events say, so that streamed and collected answers agree.
    ///
    /// # Errors
    /// The stream's error; Internal where the stream ends without having finished.
    pub async fn collect(mut self) -> Result<Chat> {
        let mut content = Vec::new();
        let mut text = String::new();
        let mut logprobs = Vec::new();
        let mut call: Option<(String, String, String)> = None;
        while let Some(event) = self.next().await {
            match event? {
                ChatEvent::Started { .. } => {}
                ChatEvent::Text { text: piece, logprobs: tokens } => {
                    text.push_str(&piece);
                    logprobs.extend(tokens);
                }
                ChatEvent::ToolUseStart { id, name, .. } => {
                    flush(&mut text, &mut content);
                    call = Some((id, name, String::new()));
                }
                ChatEvent::ToolUseInput { json_fragment, .. } => {
                    if let Some((_, _, json)) = &mut call {
                        json.push_str(&json_fragment);
                    }
                }
                ChatEvent::ToolUseEnd { .. } => {
                    if let Some((id, name, json)) = call.take() {
                        content.push(called(id, name, json));
                    }
                }
                ChatEvent::Finished { reason, usage, timing } => {
                    flush(&mut text, &mut content);
                    return Ok(Chat { content, reason, usage, timing, served_by: self.served_by, logprobs });
                }
            }
        }
        Err(Error::internal("the stream of an answer ended without its finish"))
    }
}

impl Metered for ChatStream {
    fn metered(self, admission: Admission) -> Self {
        Self { events: Box::pin(MeteredEvents::new(self.events, admission)), ..self }
    }
}

fn flush(text: &mut String, content: &mut Vec<Content>) {
    if !text.is_empty() {
        content.push(Content::Text(std::mem::take(text)));
    }
}

fn called(id: String, name: String, json: String) -> Content {
    if json.trim().is_empty() {
        return Content::ToolUse { id, name, input: Value::Object(serde_json::Map::new()) };
    }
    match serde_json::from_str(&json) {
        Ok(input) => Content::ToolUse { id, name, input },
        Err(_) => Content::CutToolUse { id, name, arguments: json },
    }
}

impl Stream for ChatStream {
    type Item = Result<ChatEvent>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let late = self.deadline.as_mut().is_some_and(|deadline| deadline.as_mut().poll(context).is_ready());
        if late {
            self.deadline = None;
            self.events = Box::pin(stream::empty());
            return Poll::Ready(Some(Err(errors::too_late())));
        }
        self.events.as_mut().poll_next(context)
    }
}

/// The tokens of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenCount {
    /// How many there are.
    pub tokens: u64,
    /// The tokens that one request to the model may use, prompt and answer together; of an embedding model those of a text.
    pub context: u64,
    /// Whose vocabulary they were counted in.
    pub served_by: ServedBy,
}

/// The vectors of the texts asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct EmbedResponse {
    /// One vector for each text, in order.
    pub vectors: Vec<Vec<f32>>,
    /// The tokens that were read of each text.
    pub token_counts: Vec<u32>,
    /// Who answered.
    pub served_by: ServedBy,
}
