//! A request to generate, and the stream of its answer.

use std::time::{Duration, Instant};

use crate::constraint::Constraint;
use crate::loops::LoopDetector;
use crate::sampling::Sampling;
use crate::scheduler::mailbox::Receiver;
use crate::{Error, Result, Token};

/// What the model reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Prompt {
    /// Text.
    Text {
        /// The text.
        text: String,
        /// Whether the template's control tokens are recognised in it (never for text of a stranger).
        parse_special: bool,
        /// Whether to open with the model's opening token, if it has one and wants it.
        add_bos: bool,
    },
    /// Tokens, read as they are.
    Tokens(Vec<Token>),
}

impl Default for Prompt {
    fn default() -> Self {
        Self::Tokens(Vec::new())
    }
}

/// On whose behalf the model works: what was read for one tenant is used again for the same one only, and tenants take
/// turns. An engine knows no more of it than whether two are the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Tenant(u128);

impl Tenant {
    /// The tenant of this number, which should tell nothing: a part of a hash, for example.
    #[must_use]
    pub const fn of(number: u128) -> Self {
        Self(number)
    }

    /// Its number.
    #[must_use]
    pub const fn number(self) -> u128 {
        self.0
    }
}

/// Who is served first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Priority {
    /// Before all others.
    High,
    /// Somebody waits for the answer.
    #[default]
    Normal,
    /// Work in the background. It does not stand still beside other work, but nearly.
    Low,
}

/// How a request is served beside others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Serving {
    /// On whose behalf.
    pub tenant: Tenant,
    /// How soon.
    pub priority: Priority,
    /// Whether the result must not depend, in any bit, on what runs beside it or ran before: then prompts are read in
    /// pieces of one length that nothing else shares, and only whole pieces that were read so are taken from the cache.
    pub deterministic: bool,
    /// When to give up with [`Error::DeadlineExceeded`].
    pub deadline: Option<Instant>,
}

/// A request to generate.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct GenerateRequest {
    /// What the model reads.
    pub prompt: Prompt,
    /// The most tokens to write; `None`, or more than fit: what the context holds.
    pub max_tokens: Option<u32>,
    /// How the next token is chosen.
    pub sampling: Sampling,
    /// Texts that end the answer and are left out of it. Empty ones are ignored.
    pub stop: Vec<String>,
    /// What the answer must look like.
    pub constraint: Option<Constraint>,
    /// Ends an answer that repeats itself without end.
    pub loop_detector: Option<LoopDetector>,
    /// Log-probabilities: `Some(n)` reports each token's own and the `n` likeliest ones'.
    pub logprobs: Option<u8>,
    /// Numbers of the prompt's tokens after which its beginning is worth keeping: what so many first tokens made of the
    /// model is kept for later prompts that begin alike. Ordered; those that keep nothing new cost nothing.
    pub cache_points: Vec<usize>,
    /// How it is served beside others.
    pub serving: Serving,
}

/// A part of an answer.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// The prompt was read; the first token follows.
    Started {
        /// The prompt's tokens.
        prompt_tokens: u32,
        /// As [`Usage::cached_tokens`].
        cached_tokens: u32,
        /// As [`Usage::cache_written_tokens`].
        cache_written_tokens: u32,
    },
    /// More of the answer: valid UTF-8, never a part of a stop sequence.
    Text {
        /// The text.
        text: String,
        /// The tokens that it came from, where log-probabilities were asked for.
        tokens: Vec<TokenLogprob>,
    },
    /// The end; nothing follows.
    Finished(Finish),
}

/// A token and its probability.
#[derive(Debug, Clone, PartialEq)]
pub struct TokenLogprob {
    /// The token.
    pub token: Token,
    /// Its bytes, which need not be UTF-8.
    pub bytes: Vec<u8>,
    /// The natural logarithm of its probability by the model, before sampling parameters.
    pub logprob: f32,
    /// The likeliest tokens in its place, best first.
    pub top: Vec<TopLogprob>,
}

/// One of the likeliest tokens.
#[derive(Debug, Clone, PartialEq)]
pub struct TopLogprob {
    /// The token.
    pub token: Token,
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// The natural logarithm of its probability.
    pub logprob: f32,
}

/// Why and how an answer ended.
#[derive(Debug, Clone, PartialEq)]
pub struct Finish {
    /// Why.
    pub reason: StopReason,
    /// Tokens used.
    pub usage: Usage,
    /// Time taken.
    pub timing: Timing,
}

/// Why an answer ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StopReason {
    /// The model ended its turn, or the constraint was fulfilled.
    EndOfTurn,
    /// The most tokens asked for were written.
    MaxTokens,
    /// This stop sequence was met.
    StopSequence(String),
    /// The context is full.
    ContextFull,
    /// The answer repeated itself over and over.
    Loop,
    /// The request was cancelled.
    Cancelled,
}

/// Tokens used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    /// The prompt's tokens.
    pub prompt_tokens: u32,
    /// Those of them that were taken from the cache instead of being read.
    pub cached_tokens: u32,
    /// Those of them that were read and kept at the request's cache points.
    pub cache_written_tokens: u32,
    /// Tokens written, the ending one not counted.
    pub completion_tokens: u32,
}

/// Time taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Timing {
    /// From submission until the prompt began to be read.
    pub queued: Duration,
    /// Reading the prompt, with what other requests got meanwhile.
    pub prefill: Duration,
    /// From the first token to the last.
    pub decode: Duration,
    /// From submission to the first token.
    pub first_token: Duration,
}

/// The stream of an answer. Dropping it cancels the request within one decoding step.
///
/// Text that the reader has not fetched yet is joined into one event: a slow reader holds at most one answer in memory
/// and never holds up the model.
#[derive(Debug)]
pub struct Generation {
    receiver: Receiver,
    replica: Option<u32>,
}

impl Generation {
    pub(crate) fn new(receiver: Receiver) -> Self {
        Self { receiver, replica: None }
    }

    /// The same, by the replica of this number.
    pub(crate) fn by_replica(self, number: u32) -> Self {
        Self { replica: Some(number), ..self }
    }

    /// Which of several replicas answers, counted from 0; none where there is one engine alone.
    #[must_use]
    pub fn replica(&self) -> Option<u32> {
        self.replica
    }

    /// Waits for the whole answer.
    pub async fn collect(mut self) -> Result<Completion> {
        let mut text = String::new();
        let mut tokens = Vec::new();
        while let Some(event) = futures::StreamExt::next(&mut self).await {
            match event? {
                Event::Started { .. } => {}
                Event::Text { text: more, tokens: their } => {
                    text.push_str(&more);
                    tokens.extend(their);
                }
                Event::Finished(finish) => return Ok(Completion { text, tokens, finish }),
            }
        }
        Err(Error::Stopped)
    }
}

impl futures::Stream for Generation {
    type Item = Result<Event>;

    fn poll_next(
        self: std::pin::Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Self::Item>> {
        self.receiver.poll(context)
    }
}

/// A whole answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Completion {
    /// The text.
    pub text: String,
    /// Its tokens, where log-probabilities were asked for.
    pub tokens: Vec<TokenLogprob>,
    /// Why and how it ended.
    pub finish: Finish,
}
